import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram } from "../../src/cli/program.ts";
import { compile } from "../../src/compile.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { codeBlocks, shownCommands, type CodeBlock } from "./markdown.ts";

const pages = ["README.md", "grammar/README.md", "src/README.md", "examples/README.md"];
const read = (page: string): string => readFileSync(page, "utf8");

/** The words of a command line; quotes hold words together. */
const words = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);

/** A `body` snippet stands in the page's `frame`. */
function programOf(block: CodeBlock, blocks: readonly CodeBlock[]): string {
  if (block.info !== "lmg body") return block.text;
  const frame = blocks.find(({ info }) => info === "lmg frame")!;
  return frame.text.replace(/^.*the snippet.*$/m, () => block.text);
}

describe.each(pages)("%s", (page) => {
  const blocks = codeBlocks(read(page));
  const snippets = blocks.filter(({ info }) => info === "lmg" || info === "lmg body");

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
      const out = new TextOut();
      await runProgram(words(shown.command.replace(/^(npx )?lmg /, "")), out);
      expect((out.text + out.notes).trimEnd()).toBe(shown.output);
    },
  );

  const scripts = blocks.filter(({ info }) => info === "ts");
  test.each(scripts.map((block) => [block.line, block] as const))(
    "the script at line %d runs",
    async (line, block) => {
      const folder = `out/docs/${page.replaceAll("/", "-")}`;
      mkdirSync(folder, { recursive: true });
      const file = `${folder}/${line}.ts`;
      const source = (name: string): string =>
        JSON.stringify(pathToFileURL(`${process.cwd()}/src/${name}`).href);
      const text = block.text
        .replaceAll(/from "lmg"/g, `from ${source("index.ts")}`)
        .replaceAll(/from "lmg\/testing"/g, `from ${source("testing/index.ts")}`);
      writeFileSync(file, text);
      await import(pathToFileURL(file).href);
    },
  );
});
