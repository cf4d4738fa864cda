export { countOf, showCount } from "../support/text.ts";

/** `1.50 kB`, `3.20 MB`: powers of 1000. */
export const showBytes = (bytes: number): string => `${showScaled(bytes)}B`;

/** `1.23 G`: three digits and a power of 1000, for a unit to follow. */
export function showScaled(count: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let size = count;
  let prefix = 0;
  while (size >= 999.5 && prefix < prefixes.length - 1) {
    size /= 1000;
    prefix++;
  }
  return `${prefix === 0 ? String(size) : size.toPrecision(3)} ${prefixes[prefix]!}`;
}
