import { readdirSync } from "node:fs";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { familyModel } from "../../src/families/models.ts";
import type { ConfigLine, Definition } from "../../src/language/ast.ts";
import type { Call } from "../../src/language/ast/expressions.ts";
import { keyOf, keysOf } from "../../src/lower/config/keys.ts";
import { parse } from "../../src/language/parse.ts";
import { stdSources } from "../../src/std/std.generated.ts";

/* What the `config` sections of families read, without a config. */

const library = stdSources.flatMap((source) => parse(source).file.definitions);

const ofLibrary = (wanted: string): readonly Definition[] =>
  library.filter(({ name }) => name.text === wanted);

/** The lines of the sections of a definition, without those that they take with `like`. */
export const ownLines = ({ body }: Definition): readonly ConfigLine[] =>
  body.statements.filter((statement) => statement.kind === "config").flatMap(({ lines }) => lines);

/** The lines of the sections of definitions, and of those of the library that they take with `like`. */
export const linesOf = (definitions: readonly Definition[]): readonly ConfigLine[] =>
  definitions
    .flatMap(ownLines)
    .flatMap((line) => (line.kind === "like" ? linesOf(ofLibrary(line.name.text)) : [line]));

/**
 * The keys, dots and all, of which a number of the model may depend by its section: those of lines for its parameters, also of blocks
 * that these name, of asserts, and of what is neutral at some values only.
 */
export function keysRead(definition: Definition): ReadonlySet<string> {
  const keys = new Set<string>();
  const parameters = new Set(definition.parameters.map(({ name }) => name.text));
  for (const line of linesOf([definition])) {
    if (line.kind === "assert") for (const key of keysOf(line.condition)) keys.add(key);
    if (line.kind === "neutral")
      for (const { path, values } of line.keys) if (values !== undefined) keys.add(keyOf(path)!);
    if (line.kind !== "key" || !parameters.has(line.name.text)) continue;
    for (const key of line.values.flatMap(keysOf)) keys.add(key);
    for (const key of blocksIn(line.values).flatMap((block) => [...keysRead(block)])) keys.add(key);
  }
  return keys;
}

/** The blocks of the library that expressions call. */
function blocksIn(tree: unknown): readonly Definition[] {
  if (typeof tree !== "object" || tree === null || "source" in tree) return [];
  const inner = Object.values(tree).flatMap(blocksIn);
  return isCall(tree) ? [...ofLibrary(tree.path.root.text), ...inner] : inner;
}

const isCall = (tree: object): tree is Call =>
  "kind" in tree && tree.kind === "call" && (tree as Call).arguments !== undefined;

/** A golden checkpoint of a family that transformers has by itself, and the keys that the family's section reads. */
export interface GoldenKeys {
  readonly folder: string;
  readonly type: string;
  readonly keys: readonly string[];
}

/** All golden checkpoints whose whole config is that of a text model. */
export const goldenKeys = (): readonly GoldenKeys[] =>
  ["hf", "families"].flatMap((kind) =>
    readdirSync(`test/golden/${kind}`).flatMap((name): readonly GoldenKeys[] => {
      const folder = `${kind}/${name}`;
      const config = orThrow(readJsonFile(`test/golden/${folder}/config.json`));
      const type = config["model_type"] as string;
      const source = familyModel(type);
      if (source === undefined) return [];
      const models = parse(source).file.definitions.filter((each) => each.kind === "model");
      return [{ folder, type, keys: models.flatMap((model) => [...keysRead(model)]).toSorted() }];
    }),
  );
