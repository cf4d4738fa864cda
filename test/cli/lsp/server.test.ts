import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folderWithCommand } from "../bundled.ts";
import { Editor } from "./client.ts";

const twice = "block twice(by = 2) {\n  input x: [.., D]\n  linear(by * D)\n}\n";
const path = folderWithCommand({ "blocks.lmg": twice });
const model = (body: string): string =>
  `${body.includes("twice") ? 'use "./blocks.lmg"\n' : ""}model m(dim = 8) {\n  input x: f32[B, dim]\n${body}\n  output y\n}\n`;

let editor: Editor;
let main = "";
let blocks = "";

beforeAll(() => {
  const server = spawn(process.execPath, [path("lmg.mjs"), "lsp", "--stdio"], { cwd: path() });
  editor = new Editor(server);
  main = pathToFileURL(path("main.lmg")).href;
  blocks = pathToFileURL(path("blocks.lmg")).href;
});

afterAll(async () => {
  await editor.end();
  expect(await editor.ended).toBe(0);
});

/** A place in a text as the protocol counts, by what stands there. */
function at(text: string, word: string, by = 1): { readonly line: number; readonly character: number } {
  const before = text.slice(0, text.indexOf(word) + by).split("\n");
  return { line: before.length - 1, character: before.at(-1)!.length };
}

const asking = (uri: string, position: object) => ({ textDocument: { uri }, position });

describe("a session of an editor", () => {
  test("it says what it can do", async () => {
    expect(await editor.begin()).toMatchObject({
      serverInfo: { name: "lmg" },
      capabilities: { hoverProvider: true, renameProvider: { prepareProvider: true } },
    });
  });

  test("mistakes come as one types, with a way to mend them, and go", async () => {
    const wrong = model("  a: linaer(3)");
    const [mistake] = await editor.open(main, wrong);
    expect(mistake).toMatchObject({
      code: "E202",
      message: expect.stringContaining("help: did you mean") as string,
    });
    const fixes = await editor.ask<{ title: string; edit: { changes: Record<string, object[]> } }[]>(
      "textDocument/codeAction",
      {
        textDocument: { uri: main },
        range: mistake!.range,
        context: { diagnostics: [] },
      },
    );
    expect(fixes.map(({ title }) => title)).toEqual(["change to `linear`"]);
    expect(fixes[0]!.edit.changes[main]).toHaveLength(1);
    expect(await editor.change(main, model("  a: linear(3)"))).toEqual([]);
  });

  test("hover, hints, symbols, completion and signature are those of the text as it is", async () => {
    const text = model("  a: linear(3)\n  b: relu");
    await editor.change(main, text);
    const hover = await editor.ask<{ contents: { value: string } }>(
      "textDocument/hover",
      asking(main, at(text, "linear(3)")),
    );
    expect(hover.contents.value).toContain("-> f32[B, 3]");
    const hints = await editor.ask<{ label: string }[]>("textDocument/inlayHint", {
      textDocument: { uri: main },
      range: { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } },
    });
    expect(hints.map(({ label }) => label)).toEqual(["f32[B, 8]", "f32[B, 3]"]);
    const symbols = await editor.ask<{ name: string; children: { name: string }[] }[]>(
      "textDocument/documentSymbol",
      {
        textDocument: { uri: main },
      },
    );
    expect(symbols[0]!.children.map(({ name }) => name)).toEqual(["dim", "x", "a", "b", "y"]);
    const offered = await editor.ask<{ label: string }[]>(
      "textDocument/completion",
      asking(main, at(text, "relu", 3)),
    );
    expect(offered.map(({ label }) => label)).toContain("relu");
    const signature = await editor.ask<{ activeParameter: number }>(
      "textDocument/signatureHelp",
      asking(main, at(text, "(3)")),
    );
    expect(signature.activeParameter).toBe(0);
    const tokens = await editor.ask<{ data: number[] }>("textDocument/semanticTokens/full", {
      textDocument: { uri: main },
    });
    expect(tokens.data.length % 5).toBe(0);
  });

  test("a definition is found in another file and in the library, which an editor can open", async () => {
    const text = model("  a: twice(by: 3)\n  residual pre ln: layernorm { ffn(4) }");
    await editor.change(main, text);
    const own = await editor.ask<{ uri: string }>(
      "textDocument/definition",
      asking(main, at(text, "twice(by")),
    );
    expect(own.uri).toBe(blocks);
    const library = await editor.ask<{ uri: string; range: { start: { line: number } } }>(
      "textDocument/definition",
      asking(main, at(text, "ffn(4)")),
    );
    const line = readFileSync(fileURLToPath(library.uri), "utf8").split("\n")[library.range.start.line];
    expect(line).toContain("block ffn");
  });

  test("a file that is used counts as it stands in the editor: a mistake there is told here, and mended here", async () => {
    const text = model("  a: twice(by: 3)");
    await editor.change(main, text);
    const told = editor.next(main);
    await editor.open(blocks, twice.replace("by * D", "by * E"));
    expect(JSON.stringify(await told)).toContain("blocks.lmg:3:");
    const mended = editor.next(main);
    await editor.change(blocks, twice);
    expect(await mended).toEqual([]);
  });

  test("a name is renamed in all files, weights that change are told, a name that means something else is refused", async () => {
    const text = model("  a: twice(by: 3)");
    await editor.change(main, text);
    const edits = await editor.ask<{ changes: Record<string, object[]> }>("textDocument/rename", {
      ...asking(main, at(text, "twice(by")),
      newName: "thrice",
    });
    expect(Object.keys(edits.changes).sort()).toEqual([blocks, main].sort());
    await editor.ask("textDocument/rename", { ...asking(main, at(text, "a: ")), newName: "b" });
    expect(editor.messages.at(-1)).toContain("will be called otherwise");
    await expect(
      editor.ask("textDocument/rename", { ...asking(main, at(text, "dim = 8")), newName: "repeat" }),
    ).rejects.toThrow("a word of the language");
  });

  test("a name of a file without a model is renamed where other files give it, open or not", async () => {
    writeFileSync(path("closed.lmg"), model("  b: twice(by: 5)"));
    await editor.change(main, model("  a: twice(by: 3)"));
    await editor.change(blocks, twice);
    const edits = await editor.ask<{ changes: Record<string, { newText: string }[]> }>(
      "textDocument/rename",
      { ...asking(blocks, at(twice, "by = 2")), newName: "times" },
    );
    const closed = pathToFileURL(path("closed.lmg")).href;
    expect(Object.keys(edits.changes).sort()).toEqual([blocks, closed, main].sort());
    expect(edits.changes[blocks]).toHaveLength(2);
    // What is renamed from one of those that use it is renamed in the others.
    const block = await editor.ask<{ changes: Record<string, object[]> }>("textDocument/rename", {
      ...asking(main, at(model("  a: twice(by: 3)"), "twice(by")),
      newName: "thrice",
    });
    expect(Object.keys(block.changes).sort()).toEqual([blocks, closed, main].sort());
    // One of them has the name already: the block would be another there.
    writeFileSync(path("closed.lmg"), `${model("  b: twice(by: 5)")}block thrice { relu }\n`);
    await expect(
      editor.ask("textDocument/rename", { ...asking(blocks, at(twice, "twice")), newName: "thrice" }),
    ).rejects.toThrow(/thrice/);
    writeFileSync(path("closed.lmg"), model("  relu"));
  });

  test("formatting sends edits; picture and IR come by request, and nothing while there are mistakes", async () => {
    const text = model("  residual   pre ln: layernorm { linear(dim) }");
    await editor.change(main, text);
    const edits = await editor.ask<object[]>("textDocument/formatting", {
      textDocument: { uri: main },
      options: {},
    });
    expect(edits.length).toBeGreaterThan(0);
    const { svg } = await editor.ask<{ svg: string }>("lmg/draw", { uri: main });
    expect(svg).toMatch(/^<svg/);
    const { text: ir } = await editor.ask<{ text: string }>("lmg/ir", { uri: main, passes: true });
    expect(ir).toContain("graph m");
    await editor.change(main, model("  a: nothing"));
    expect(await editor.ask("lmg/draw", { uri: main })).toEqual({ svg: null });
  });

  test("a text that no editor has open is asked of without an answer", async () => {
    writeFileSync(path("other.lmg"), model("  relu"));
    const uri = pathToFileURL(path("other.lmg")).href;
    expect(await editor.ask("textDocument/hover", asking(uri, { line: 0, character: 0 }))).toBeNull();
  });
});
