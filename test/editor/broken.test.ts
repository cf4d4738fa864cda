import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyze, type Analysis } from "../../src/editor/analyze.ts";
import { signatureHelp } from "../../src/editor/calls.ts";
import { complete } from "../../src/editor/complete.ts";
import { fixes } from "../../src/editor/edits.ts";
import { folds } from "../../src/editor/folding.ts";
import { hints, type Hint } from "../../src/editor/hints.ts";
import { hover } from "../../src/editor/hover.ts";
import { definitionAt } from "../../src/editor/names.ts";
import { semanticTokens } from "../../src/editor/semantic.ts";
import { symbols } from "../../src/editor/symbols.ts";
import { tokenize } from "../../src/language/tokens.ts";
import { exampleFiles } from "../examples.ts";

/** A depth at which each part of a repeat stands, so that hundreds of texts are analysed in seconds. */
const small = { settings: { depth: "2" } };

/** Which tokens are cut at: all of them with `LMG_CUTS=all`, a run of minutes. */
const every = process.env.LMG_CUTS === "all" ? 1 : 67;

/**
 * What ends on the lines of the model before a cut is as it was. A cut in a block changes what its calls give, wherever they stand.
 */
function asBefore(whole: Analysis, cut: Analysis, end: number): void {
  if (whole.file.definitions.some(({ kind, span }) => kind === "block" && span.start < end)) return;
  const begun = lastWhole(whole.source.text, end);
  const shown = (analysis: Analysis): readonly Hint[] =>
    hints(analysis).filter(({ offset }) => offset < begun);
  expect(shown(cut), `cut at ${end}`).toEqual(shown(whole));
}

/** Where the outermost statement begins through which a cut goes. */
const lastWhole = (text: string, end: number): number => {
  const line = text.lastIndexOf("\n", end - 1) + 1;
  const outer = [...text.slice(0, Math.max(line, end)).matchAll(/^ {2}\S/gm)].at(-1);
  return outer?.index ?? 0;
};

function askAll(analysis: Analysis, offset: number): void {
  for (const at of [offset, Math.max(0, offset - 1)]) {
    hover(analysis, at);
    complete(analysis, at);
    signatureHelp(analysis, at);
    definitionAt(analysis, at);
  }
  for (const ask of [symbols, semanticTokens, folds]) ask(analysis);
  fixes(analysis, { start: 0, end: offset });
}

test("a brace whose `{` is gone, with the rest of its line, takes nothing of the model away", () => {
  const text =
    "model m(dim = 8) {\n  input x: f32[B, dim]\n  a: linear(3)\n  if\n    relu\n  } else {\n    gelu\n  }\n  output y\n}\n";
  expect(hints(analyze({ name: "m.lmg", text })).map(({ text: type }) => type)).toEqual([
    "f32[B, 8]",
    "f32[B, 3]",
  ]);
});

describe.each(exampleFiles)("%s", (path) => {
  const text = readFileSync(path, "utf8");
  const settings = /\bdepth\b/.test(text.slice(0, text.indexOf("{"))) ? small : {};
  const whole = analyze({ name: path, text }, settings);
  const ends = tokenize(text)
    .filter(({ kind }, index) => kind !== "newline" && kind !== "comment" && index % every === 0)
    .map(({ end }) => end);

  test("cut at its tokens, it is answered, and what stands before means what it did", () => {
    for (const end of ends) {
      const cut = analyze({ name: path, text: text.slice(0, end) }, settings);
      askAll(cut, end);
      asBefore(whole, cut, end);
    }
  });

  test("so is one with a line cut at its tokens", () => {
    for (const end of ends) {
      const line = text.indexOf("\n", end);
      const cut = analyze({ name: path, text: text.slice(0, end) + text.slice(line) }, settings);
      askAll(cut, end);
      asBefore(whole, cut, end);
    }
  });
});
