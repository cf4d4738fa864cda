import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { grammarFile, grammarText } from "../../scripts/editor-grammar.ts";
import { commands } from "../../src/cli/commands.ts";

const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

test("the grammar of editors is what the words of the language make it", () => {
  expect(read(grammarFile)).toEqual(JSON.parse(grammarText()));
});

test("its patterns are regular expressions, and find what stands in an example", () => {
  const { patterns } = JSON.parse(grammarText()) as { patterns: { name?: string; match?: string }[] };
  const text = readFileSync("examples/gpt2.lmg", "utf8");
  const found = patterns.flatMap(({ name, match }) =>
    match !== undefined && new RegExp(match, "m").test(text) ? [name ?? "definition"] : [],
  );
  for (const name of [
    "comment.line.double-slash.lmg",
    "definition",
    "keyword.control.lmg",
    "storage.type.lmg",
    "constant.numeric.lmg",
  ])
    expect(found).toContain(name);
});

test("the extension says what it holds, and starts a command that there is", () => {
  const manifest = read("editors/vscode/package.json") as {
    contributes: { grammars: { path: string }[]; languages: { configuration: string }[] };
    version: string;
  };
  const { contributes, version } = manifest;
  for (const path of [contributes.grammars[0]!.path, contributes.languages[0]!.configuration])
    expect(read(`editors/vscode/${path}`)).toBeTypeOf("object");
  expect(version).toBe((read("package.json") as { version: string }).version);
  expect(Object.keys(commands)).toContain("lsp");
});
