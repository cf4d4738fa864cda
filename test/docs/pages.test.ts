import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram } from "../../src/cli/program.ts";
import { compile } from "../../src/compile.ts";
import { showBytes } from "../../src/cli/numbers.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { fusionTable } from "../bench/fusion.ts";
import { entryFiles } from "../entries/entries.ts";
import { codeBlocks, shownCommands, type CodeBlock } from "./markdown.ts";

const pages = [
  "README.md",
  ...readdirSync("docs").map((name) => `docs/${name}`),
  "grammar/README.md",
  "src/README.md",
  "examples/README.md",
  "src/entries/README.md",
  "src/export/torch/README.md",
];
const read = (page: string): string => readFileSync(page, "utf8");

/** The file of the source that is an entry of the package, as an import names it. */
const sourceOf = (entry: string): string =>
  JSON.stringify(pathToFileURL(resolve(entryFiles().get(entry)!)).href);

/** The words of a command line; quotes hold words together. */
const words = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);

/** Standard output and standard error in the order in which they are written, as a reader sees them. */
class Terminal extends TextOut {
  both = "";

  override readonly write = (text: string): void => {
    this.both += text;
  };
  override readonly note = this.write;
}

/** Runs `lmg …` in a folder that has the examples and the page's named snippets (`lmg name.lmg`). */
async function runCommand(command: string, blocks: readonly CodeBlock[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "lmg-docs-"));
  symlinkSync(resolve("examples"), join(folder, "examples"));
  for (const { info, text } of blocks) {
    const name = /^lmg (\w+\.lmg)$/.exec(info)?.[1];
    if (name !== undefined) writeFileSync(join(folder, name), text);
  }
  const home = process.cwd();
  const out = new Terminal();
  try {
    process.chdir(folder);
    await runProgram(words(command.replace(/^(npx )?lmg /, "")), out);
  } finally {
    process.chdir(home);
    rmSync(folder, { recursive: true });
  }
  return out.both.trimEnd();
}

/** The module that the pages' scripts import and show. */
async function emittedExample(): Promise<string> {
  const args = ["compile", "examples/llama.lmg", "--config", "examples/weights/whale", "-o", "out/"];
  const code = await runProgram(args, new TextOut());
  expect(code).toBe(0);
  return readFileSync("out/llama.ts", "utf8");
}

/** What scripts import of it that was compiled otherwise, by the folder. */
const otherwise = { talk: ["--sessions"], small: ["--quantize", "int8"] };

async function emittedOtherwise(script: string): Promise<void> {
  const args = ["compile", "examples/llama.lmg", "--config", "examples/weights/whale"];
  for (const [folder, options] of Object.entries(otherwise))
    if (script.includes(`./out/${folder}/`))
      expect(await runProgram([...args, ...options, "-o", `out/${folder}/`], new TextOut())).toBe(0);
}

/** What scripts for browsers import: a module of shaders, and a page that writes texts. */
async function emittedForBrowsers(): Promise<void> {
  const page = ["examples/llama.lmg", "--weights", "examples/weights/whale", "--generate", "-o", "out/page/"];
  for (const args of [["examples/gpt2.lmg", "--target", "wgsl", "-o", "out/"], page])
    expect(await runProgram(["compile", ...args], new TextOut())).toBe(0);
}

/** What the strict type checker says of a script of a page, whose bundler resolves its imports. */
function complaintsOf(file: string): string {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))
    .join("\n");
}

/** A `body` snippet stands in the page's `frame`. */
function programOf(block: CodeBlock, blocks: readonly CodeBlock[]): string {
  if (block.info !== "lmg body") return block.text;
  const frame = blocks.find(({ info }) => info === "lmg frame")!;
  return frame.text.replace(/^.*the snippet.*$/m, () => block.text);
}

describe.each(pages)("%s", (page) => {
  const blocks = codeBlocks(read(page));
  const snippets = blocks.filter(
    ({ info }) => /^lmg( body| \w+\.lmg)?$/.test(info) && !info.endsWith("bad.lmg"),
  );

  test("shows code that is tested", () => {
    const known = /^(lmg( body| frame| \w+\.lmg)?|console|sh|text|ts( excerpt| browser)?|)$/;
    expect(blocks.filter(({ info }) => !known.test(info)).map(({ info }) => info)).toEqual([]);
  });

  test.each(snippets.map((block) => [block.line, block] as const))(
    "the model at line %d compiles",
    (line, block) => {
      const source = { name: `${page}:${line}`, text: programOf(block, blocks) };
      const { diagnostics, plan } = compile(source);
      expect(diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n")).toBe("");
      expect(plan?.steps.length).toBeGreaterThan(0);
    },
  );

  const commands = shownCommands(read(page)).filter(({ command }) => /^(npx )?lmg /.test(command));
  test.each(commands.map((shown) => [shown.command, shown] as const))(
    "`%s` prints what the page shows",
    async (_, shown) => {
      expect(await runCommand(shown.command, blocks)).toBe(shown.output);
    },
  );

  const excerpts = blocks.filter(({ info }) => info === "ts excerpt");
  test.each(excerpts.map(({ line, text }) => [line, text] as const))(
    "the excerpt at line %d is emitted",
    async (_, text) => {
      expect(await emittedExample()).toContain(text);
    },
  );

  const inBrowser = blocks.filter(({ info }) => info === "ts browser");
  test.each(inBrowser.map(({ line, text }) => [line, text] as const))(
    "the script at line %d for a browser is what TypeScript takes, with what is written for it",
    async (line, text) => {
      await emittedForBrowsers();
      mkdirSync("out/docs", { recursive: true });
      const file = `out/docs/browser-${line}.ts`;
      writeFileSync(file, text.replaceAll(`"./out/`, `"../`));
      expect(complaintsOf(file)).toBe("");
    },
  );

  const scripts = blocks.filter(({ info }) => info === "ts");
  test.each(scripts.map((block) => [block.line, block] as const))(
    "the script at line %d runs",
    async (line, block) => {
      await emittedExample();
      await emittedOtherwise(block.text);
      const folder = `out/docs/${page.replaceAll("/", "-")}`;
      mkdirSync(folder, { recursive: true });
      const file = `${folder}/${line}.ts`;
      const text = block.text
        .replaceAll(/from "(lmg(?:\/[\w/]+)?)"/g, (_, entry: string) => `from ${sourceOf(entry)}`)
        .replaceAll(/from "\.\/out\//g, `from "${pathToFileURL(resolve("out")).href}/`);
      writeFileSync(file, text);
      await import(pathToFileURL(file).href);
    },
  );
});

test("the module of the demonstration is as large as the README says", async () => {
  const { length } = Buffer.from(await emittedExample());
  expect(read("README.md")).toContain(`wrote out/llama.ts (${showBytes(length)}), a module`);
});

test("the table of what fusion saves is what the plans say", () => {
  expect(read("docs/fusion.md")).toContain(fusionTable());
});
