import { familyTypes } from "../src/families/types.generated.ts";

/** A text to begin from. */
export interface Example {
  readonly name: string;
  readonly group: "Examples" | "Published families";
}

const own = new Map(
  Object.entries(
    import.meta.glob<string>("../examples/*.lmg", { query: "?raw", import: "default", eager: true }),
  ).map(([path, text]) => [nameOf(path), text]),
);

function nameOf(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.lmg$/, "");
}

/** Where a newcomer may begin; the others follow by their names. */
const first = ["placement", "gpt2", "llama", "digits", "chars", "depth", "unet", "bert"];

const rankOf = (name: string): number => (first.includes(name) ? first.indexOf(name) : first.length);

/** The folder of families that are no examples. */
const FAMILIES = "families/";

const families = familyTypes
  .map(({ name }) => name.replace(/\.lmg$/, ""))
  .filter((name) => name.startsWith(FAMILIES));

export const examples: readonly Example[] = [
  ...[...own.keys()]
    .sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1))
    .map((name): Example => ({ name, group: "Examples" })),
  ...families.map((name): Example => ({ name, group: "Published families" })),
];

/** The text of an example; those of families are loaded with the first of them. */
export async function exampleText(name: string): Promise<string | undefined> {
  if (!name.startsWith(FAMILIES)) return own.get(name);
  const { familySources } = await import("../src/families/sources.generated.ts");
  return familySources.find((source) => source.name === `${name}.lmg`)?.text;
}
