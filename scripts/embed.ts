import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { grammar, type Grammar } from "ohm-js";
import { format } from "prettier";
import { standingAlone } from "./page-api.ts";
import { runtimeText } from "./runtime-text.ts";

/*
 * The core reads no files, so that it runs in a browser: what it needs of `grammar/`, `src/std/`, `src/families/` and `examples/`
 * is written into modules, as are the pages of `lmg explain`. `node --import tsx scripts/embed.ts` writes them; a test fails while one of them is stale.
 */

const root = new URL("../", import.meta.url);

interface Embedded {
  /** The module, from the root of the project. */
  readonly path: string;
  readonly text: string;
}

/** All generated modules as they should be. */
export async function embedded(): Promise<readonly Embedded[]> {
  return Promise.all([
    module("src/language/grammar.generated.ts", grammarModule("grammar/lmg.ohm", "grammarRecipe")),
    module("src/ir/grammar.generated.ts", grammarModule("grammar/ir.ohm", "irGrammarRecipe")),
    module(
      "src/std/std.generated.ts",
      sourcesModule("src/std/", ".lmg", "stdSources", "The files of the standard library, by name."),
    ),
    module(
      "src/cli/explain/pages.generated.ts",
      sourcesModule("src/cli/explain/", ".md", "explanations", "What each code of a mistake means, by file."),
    ),
    module(
      "src/export/torch/files.generated.ts",
      sourcesModule(
        "src/export/torch/files/",
        ".py",
        "torchFiles",
        "What is written beside a model for PyTorch.",
      ),
    ),
    ...familyModules(),
    module(
      "src/families/defaults.generated.ts",
      defaultsModule("src/families/defaults.json", "classDefaults"),
    ),
    module("src/emit/module/runtime/names.generated.ts", namesModule("src/tensor/names.ts", "namesRuntime")),
    module("src/emit/module/runtime/sessions.generated.ts", sessionsModule("sessionRuntime")),
    module("src/page/files.generated.ts", await pageModule("pageFiles")),
    module("src/emit/module/runtime/reader.generated.ts", weightsModule("readerRuntime", readerFiles)),
    module("src/emit/module/runtime/open.generated.ts", weightsModule("openRuntime", openFiles)),
    module("src/emit/module/runtime/later.generated.ts", weightsModule("laterRuntime", laterFiles)),
    module("src/emit/module/runtime/stacks.generated.ts", weightsModule("stacksRuntime", stackFiles)),
    module("src/emit/module/runtime/packed.generated.ts", weightsModule("packedRuntime", packedFiles)),
  ]);
}

async function module(path: string, code: string): Promise<Embedded> {
  const text = await format(code, { parser: "typescript", printWidth: 110, trailingComma: "all" });
  return { path, text };
}

/** Ohm's recipe, not its text: a recipe loads in 3 ms, where the text takes 200 ms to read. */
function grammarModule(path: string, name: string): string {
  const text = readFileSync(new URL(path, root), "utf8");
  // Ohm's types leave `toRecipe` out.
  const parsed = grammar(text) as Grammar & { toRecipe(): string };
  const recipe: unknown = JSON.parse(parsed.toRecipe());
  return [
    `// Written by scripts/embed.ts from ${path}.`,
    `/** The recipe of the grammar, as JSON. */`,
    `export const ${name} = ${JSON.stringify(JSON.stringify(withoutPlaces(recipe)))};`,
  ].join("\n");
}

/** The places in the grammar's text that a recipe carries are for tools that show grammars: half of its length. */
function withoutPlaces(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutPlaces);
  if (part === null || typeof part !== "object") return part;
  return Object.fromEntries(
    Object.entries(part)
      .filter(([key]) => key !== "sourceInterval" && key !== "source")
      .map(([key, value]) => [key, withoutPlaces(value)]),
  );
}

function sourcesModule(folder: string, extension: string, name: string, doc: string): string {
  const url = new URL(folder, root);
  const files = readdirSync(url).filter((file) => file.endsWith(extension) && file !== "README.md");
  const sources = files.toSorted().map((file) => ({
    name: file,
    text: readFileSync(new URL(file, url), "utf8"),
  }));
  return [
    `// Written by scripts/embed.ts from ${folder}*${extension}.`,
    `/** ${doc} */`,
    `export const ${name}: readonly { name: string; text: string }[] = ${JSON.stringify(sources)};`,
  ].join("\n");
}

/** The models of published families: files of `src/families`, and the examples that are such models. */
const familyFolders = { "src/families/": "families/", "examples/": "examples/" };

/** Which file speaks for which checkpoints, as the `config for "…"` of each says, and the text of each. */
function familyModules(): readonly Promise<Embedded>[] {
  const files = Object.entries(familyFolders).flatMap(([folder, name]) => {
    const url = new URL(folder, root);
    const found = readdirSync(url).filter((file) => file.endsWith(".lmg"));
    return found.toSorted().flatMap((file) => {
      const text = readFileSync(new URL(file, url), "utf8");
      const [, words] = /^ *config\s+for\s+([^{]*)\{/m.exec(text) ?? [];
      const families = [...(words ?? "").matchAll(/"([^"]*)"/g)].map(([, family]) => family!);
      return words === undefined ? [] : [{ name: name + file, families, text }];
    });
  });
  return [
    familyModule("types", "familyTypes", "{ name: string; families: readonly string[] }", [
      "The files that are models of published families, and the `model_type`s that each speaks for.",
      files.map(({ name, families }) => ({ name, families })),
    ]),
    familyModule("sources", "familySources", "{ name: string; text: string }", [
      "The same files with their texts.",
      files.map(({ name, text }) => ({ name, text })),
    ]),
  ];
}

function familyModule(
  file: string,
  name: string,
  type: string,
  [doc, rows]: readonly [string, readonly object[]],
): Promise<Embedded> {
  return module(
    `src/families/${file}.generated.ts`,
    [
      `// Written by scripts/embed.ts from ${Object.keys(familyFolders).join("*.lmg and ")}*.lmg.`,
      `/** ${doc} */`,
      `export const ${name}: readonly ${type}[] = ${JSON.stringify(rows)};`,
    ].join("\n"),
  );
}

/** What the classes of transformers take for keys that a config has not. */
function defaultsModule(path: string, name: string): string {
  return [
    `// Written by scripts/embed.ts from ${path}.`,
    `export type Values = Readonly<Record<string, string | number | boolean | null>>;`,
    "",
    `export type Keys = readonly string[];`,
    "",
    `export interface ClassDefaults {`,
    `  readonly values: Values;`,
    `  /** Other names that a file may have for a key. */`,
    `  readonly names?: Readonly<Record<string, Keys>>;`,
    `  /** Keys that are floats, or whole numbers, where the value does not say it. */`,
    `  readonly floats?: Keys;`,
    `  readonly integers?: Keys;`,
    `  /** Ids of tokens that can't be null. */`,
    `  readonly tokens?: Keys;`,
    `}`,
    "",
    `/** Of each \`model_type\` what its class has where a file is silent. */`,
    `export const ${name}: Readonly<Record<string, ClassDefaults>> =`,
    `${JSON.stringify(JSON.parse(read(path)))};`,
  ].join("\n");
}

/** A module of ours as lines of an emitted one. */
function namesModule(path: string, name: string): string {
  const { code } = runtimeText([read(path)], new Set(["harmlessTensors"]));
  return [
    `// Written by scripts/embed.ts from ${path}.`,
    `/** What it declares, as lines of an emitted module. */`,
    `export const ${name}: readonly string[] = ${JSON.stringify(code)};`,
  ].join("\n");
}

/** What sessions are made of, in the order in which it stands in emitted modules. */
const sessionFiles = [
  ...["hash", "random-stream"].map((name) => `src/tensor/${name}.ts`),
  ...[
    "error",
    "signal",
    "form",
    "model",
    "hash",
    "state",
    "text",
    "history",
    "reader",
    "save",
    "picks",
    "session",
  ].map((name) => `src/session/${name}.ts`),
  ...["ranking", "sampling", "pieces", "generate", "batch"].map((name) => `src/session/${name}.ts`),
];

/** What of it is for whoever uses a module. */
const sessionSurface = new Set([
  ...["SessionError", "Session", "SessionOptions", "StopSignal", "TokenIds", "SessionForm", "SessionMaker"],
  ...["Sampling", "TextDecoding", "TextEncoding", "GenerateOptions", "Generated", "Stopped", "generate"],
  ...["BatchOptions", "generateBatch"],
]);

function sessionsModule(name: string): string {
  const piece = runtimeText(sessionFiles.map(read), sessionSurface);
  return [
    `// Written by scripts/embed.ts from src/session and src/tensor.`,
    `import type { Piece } from "../piece.ts";`,
    "",
    `/** Sessions and generation, as lines of an emitted module. */`,
    `export const ${name}: Piece = ${JSON.stringify(piece)};`,
  ].join("\n");
}

/** The types that the API of a page takes over from the rest, by their files. */
const pageTypes: readonly (readonly [path: string, ...names: string[]])[] = [
  ["src/session/sampling.ts", "Sampling"],
  ["src/session/signal.ts", "StopSignal"],
  ["src/session/generate.ts", "GenerateOptions", "Stopped", "Generated"],
  ["src/text/chat.ts", "ChatMessage"],
  ["src/page/facts.ts", "ModuleTarget", "LoadProgress", "ModelFacts"],
];

/** What is the same in every folder of a page: what it shows, and the API of its scripts. */
async function pageModule(name: string): Promise<string> {
  const types = pageTypes.map(([path, ...names]) => ({ text: read(path), names }));
  const { script, declarations } = standingAlone(read("src/page/api.ts"), types);
  const laidOut = (text: string) => format(text, { parser: "typescript", printWidth: 110 });
  const files = [
    { name: "index.html", text: read("src/page/index.html") },
    { name: "index.js", text: await laidOut(script) },
    { name: "index.d.ts", text: await laidOut(declarations) },
  ];
  return [
    `// Written by scripts/embed.ts from src/page, src/session and src/text.`,
    `/** The files of a page that are the same for every model. */`,
    `export const ${name}: readonly { name: string; text: string }[] = ${JSON.stringify(files)};`,
  ].join("\n");
}

/** What reads a safetensors file that is in memory, and what reads one a part at a time wherever it is. */
const readerFiles = ["error", "elements", "header", "reader"].map((file) => `src/weights/${file}.ts`);
const openFiles = ["stream", "bytes", "open"].map((file) => `src/weights/${file}.ts`);
/** What both of the following take. */
const laterFiles = ["soon", "ranges"].map((file) => `src/weights/${file}.ts`);
/** What reads parts that are tensors of their own as one. */
const stackFiles = ["src/tensor/stack-names.ts", "src/weights/stacks.ts"];
/** What makes codes of floats, or takes those of a file. */
const packedFiles = [
  ...["src/tensor/quantized.ts", "src/quantize/blocks.ts"],
  ...["packed-rows", "packed", "codes"].map((file) => `src/weights/${file}.ts`),
];

const weightSurface = new Set([
  ...["WeightsError", "readSafetensors", "openSafetensors", "OpenedWeights"],
  ...["StreamedTensor", "StreamedSource", "LoadOptions", "WeightFile"],
]);

function weightsModule(name: string, files: readonly string[]): string {
  const piece = runtimeText(files.map(read), weightSurface, "surface");
  return [
    `// Written by scripts/embed.ts from src/weights.`,
    `import type { Piece } from "../piece.ts";`,
    "",
    `/** ${files.join(", ")}, as lines of an emitted module. */`,
    `export const ${name}: Piece = ${JSON.stringify(piece)};`,
  ].join("\n");
}

const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { path, text } of await embedded()) writeFileSync(new URL(path, root), text);
