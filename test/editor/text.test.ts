import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyze } from "../../src/editor/analyze.ts";
import { fixes, formatEdits } from "../../src/editor/edits.ts";
import { folds } from "../../src/editor/folding.ts";
import { hints } from "../../src/editor/hints.ts";
import { semanticTokens } from "../../src/editor/semantic.ts";
import { symbols, type TextSymbol } from "../../src/editor/symbols.ts";
import { format } from "../../src/language/format.ts";
import { tokenize } from "../../src/language/tokens.ts";
import { editedText } from "../../src/support/fixes.ts";
import { exampleFiles } from "../examples.ts";
import { modelOf } from "./marked.ts";

const of = (text: string) => analyze({ name: "m.lmg", text });

test("hints stand where the stream changes, once for a place that is lowered several times", () => {
  const text = modelOf(
    "  repeat depth as h {\n    residual { a: linear(4 * dim) -> relu\n      b: linear(dim) }\n  }\n  linear(3)\n  relu",
  );
  const shown = hints(of(text)).map(
    ({ offset, text: type }) => `${text.slice(0, offset).split("\n").at(-1)!.trim()} ⟶ ${type}`,
  );
  expect(shown).toMatchInlineSnapshot(`
    [
      "input x: f32[B, T, dim] ⟶ f32[B, T, 8]",
      "residual { a: linear(4 * dim) -> relu ⟶ f32[B, T, 32]",
      "b: linear(dim) } ⟶ f32[B, T, 8]",
      "linear(3) ⟶ f32[B, T, 3]",
    ]
  `);
});

test("the outline of a text: definitions, parameters, repeats, edges with their norms, labels", () => {
  const show = ({ kind, name, children }: TextSymbol): string =>
    children.length === 0 ? `${kind} ${name}` : `${kind} ${name} (${children.map(show).join(", ")})`;
  const text = modelOf(
    "  repeat depth as h {\n    residual pre ln: layernorm { fc: linear(8) -> act -> out: linear(dim) }\n  }",
  );
  expect(symbols(of(text)).map(show)).toMatchInlineSnapshot(`
    [
      "model m (parameter dim, parameter depth, parameter act, parameter place, input x, repeat repeat h (edge residual pre ln: layernorm (layer ln, layer fc, layer out)), output y)",
    ]
  `);
});

test("a mistake is mended by its own edits, within the range that is asked of", () => {
  const text = modelOf("  a: linaer(3)\n  x => relu");
  const analysis = of(text);
  const found = fixes(analysis, { start: 0, end: text.length });
  expect(found.map(({ title }) => title)).toEqual(["change to `->`"]);
  expect(fixes(analysis, { start: 0, end: 5 })).toEqual([]);
  const meaning = of(modelOf("  a: linaer(3)"));
  const [fix] = fixes(meaning, { start: 0, end: text.length });
  expect(editedText(meaning.source.text, fix!.edits)).toBe(modelOf("  a: linear(3)"));
});

describe("formatting", () => {
  test.each(exampleFiles)("%s: edits of blanks alone give the formatted text", (path) => {
    const text = readFileSync(path, "utf8").replaceAll(/^ {4}/gm, " \t  ").replaceAll(", ", " ,  ");
    const source = { name: path, text };
    const edits = formatEdits(source);
    expect(editedText(text, edits)).toBe(format(source).text);
    expect(edits.every(({ text: put }) => put.trim() === "")).toBe(true);
  });

  test("a text with a mistake stays as it is", () => {
    expect(formatEdits({ name: "m.lmg", text: "model m {  x =>  relu }" })).toEqual([]);
  });
});

test("bodies and comments fold", () => {
  expect(folds(of("// one\n// two\nmodel m {\n  input x: f32[B]\n  repeat 2 { relu }\n}\n"))).toEqual([
    { first: 3, last: 5, kind: "body" },
    { first: 1, last: 2, kind: "comment" },
  ]);
});

test.each(exampleFiles)("the words of %s have a kind each, and none overlaps", (path) => {
  const text = readFileSync(path, "utf8");
  const analysis = analyze({ name: path, text });
  const tokens = semanticTokens(analysis);
  expect(tokens.every(({ end }, index) => end <= (tokens[index + 1]?.start ?? Infinity))).toBe(true);
  // Keys of a config.json mean nothing to the language.
  const configs = analysis.file.definitions.flatMap(({ body }) =>
    body.statements.filter(({ kind }) => kind === "config"),
  );
  const words = tokenize(text).filter(
    ({ kind, start }) =>
      kind === "word" && !configs.some(({ span }) => span.start <= start && start < span.end),
  );
  const told = new Set(tokens.map(({ start }) => start));
  // Of labels in branches that are not taken nothing is told.
  const untold = words.filter(({ start }) => !told.has(start));
  expect(untold.length / words.length).toBeLessThan(0.15);
});
