/**
 * Widths of characters in thousandths of the font's size: those of DejaVu Sans, the widest of the fonts that a browser takes for
 * one without serifs. In Helvetica, Arial and Segoe UI texts are narrower by a tenth.
 */
const groups: readonly (readonly [number, string])[] = [
  [278, "ijl'"],
  [295, "IJ"],
  [318, " .,·’"],
  [337, ":;/|\\"],
  [352, "f"],
  [361, "-"],
  [392, "()t[]"],
  [411, "r!"],
  [460, '"°'],
  [500, "_*`"],
  [525, "sz"],
  [550, "c"],
  [579, "kF?"],
  [592, "vxy"],
  [615, "aeoTPYL"],
  [636, "bdghnpqu0123456789$ESKR{}"],
  [698, "ABCVXZ"],
  [752, "HNUD&"],
  [787, "OGQ"],
  [818, "w"],
  [838, "#+<=>~×−±^≤≥→"],
  [863, "M"],
  [974, "m%"],
  [1000, "W…@—√"],
];

const widths = new Map(
  groups.flatMap(([width, characters]) => Array.from(characters, (each) => [each, width] as const)),
);

/** How wide a text is in pixels, at most: bold letters are wider by an eighth at most, and unknown ones no wider than high. */
export function widthOf(text: string, size: number, bold = false): number {
  let sum = 0;
  for (const each of text) sum += widths.get(each) ?? 1000;
  return (sum * size * (bold ? 1.125 : 1)) / 1000;
}

/** A text that is no wider than that, its end left out if need be. */
export function fitted(text: string, room: number, size: number, bold = false): string {
  if (widthOf(text, size, bold) <= room) return text;
  const letters = Array.from(text);
  while (letters.length > 0 && widthOf(`${letters.join("")}…`, size, bold) > room) letters.pop();
  return letters.length === 0 ? "" : `${letters.join("").trimEnd()}…`;
}
