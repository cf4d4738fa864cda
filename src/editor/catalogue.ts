import { parse } from "../language/parse.ts";
import { listDefinitions, listLayers, listLibrary, type ListedDefinition } from "../lower/layers/listing.ts";
import type { Analysis } from "./analyze.ts";
import { wordEntries, type WordEntry, type WordKind } from "./words.ts";

/** A layer or block that can be called, and where it comes from: the language, the library, a file. */
export interface Callable extends ListedDefinition {
  readonly from: "language" | "library" | "file";
}

/** What all files can call, made when first asked for: it is the same for each. */
let shared: readonly Callable[] | undefined;

const sharedCallables = (): readonly Callable[] =>
  (shared ??= [
    ...listLayers().map((each) => ({ ...each, from: "language" as const })),
    ...listLibrary().map((each) => ({ ...each, from: "library" as const })),
  ]);

const known = new WeakMap<Analysis, ReadonlyMap<string, Callable>>();

/** What a text can call, by name: its own blocks hide those of files that it uses, those the library's. */
export function callablesOf(analysis: Analysis): ReadonlyMap<string, Callable> {
  const there = known.get(analysis);
  if (there !== undefined) return there;
  const { file, options } = analysis;
  const resolve = options.resolveUse ?? (() => undefined);
  const used = file.uses.flatMap(({ path: { parts } }) => {
    const source = typeof parts[0] === "string" ? resolve(parts[0], file.source) : undefined;
    return source !== undefined && "text" in source ? listDefinitions(parse(source).file, resolve) : [];
  });
  const made = new Map<string, Callable>(sharedCallables().map((each) => [each.name, each]));
  for (const each of [...used, ...listDefinitions(file, resolve)])
    made.set(each.name, { ...each, from: "file" });
  known.set(analysis, made);
  return made;
}

let words: readonly WordEntry[] | undefined;

export const wordsOf = (...kinds: readonly WordKind[]): readonly WordEntry[] =>
  (words ??= wordEntries()).filter(({ kind }) => kinds.includes(kind));

/** How it is called, with kinds and defaults: `linear(n: a whole number, bias: true or false = true)`. */
export const usageOf = ({ name, parameters }: Pick<Callable, "name" | "parameters">): string =>
  parameters.length === 0 ? name : `${name}(${parameters.map(parameterUsage).join(", ")})`;

export const parameterUsage = ({ name, default: fallback }: Callable["parameters"][number]): string =>
  fallback === undefined ? name : `${name} = ${fallback}`;
