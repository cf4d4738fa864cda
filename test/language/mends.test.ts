import { describe, expect, test } from "vitest";
import { parse } from "../../src/language/parse.ts";

/** The statements with the edits of the first mistake of this code, and what is then wrong. */
function mended(body: string, code: string): { readonly body: string; readonly codes: readonly string[] } {
  const text = `model m {\n${body}\n}`;
  const { edited, codes } = edit(text, code);
  return { body: edited.slice("model m {\n".length, -"\n}".length), codes };
}

function edit(text: string, code: string): { readonly edited: string; readonly codes: readonly string[] } {
  const { diagnostics } = parse({ name: "m", text });
  const fix = diagnostics.find((diagnostic) => diagnostic.code === code)?.fix ?? [];
  const edited = [...fix]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce(
      (before, { span, text: put }) => before.slice(0, span.start) + put + before.slice(span.end),
      text,
    );
  return {
    edited,
    codes: parse({ name: "m", text: edited }).diagnostics.map((diagnostic) => diagnostic.code),
  };
}

describe("what only one text can mean is mended so that it parses", () => {
  test.each([
    ["E154", "f(a b)", "f(a, b)"],
    ["E154", "f(a // the first\n  b)", "f(a // the first\n  , b)"],
    ["E154", "let k = [1   2]", "let k = [1,   2]"],
    ["E107", "# a remark", "// a remark"],
    ["E107", "s = f('a b')", 's = f("a b")'],
    ["E107", "s = f(“a b”)", 's = f("a b")'],
    ["E107", "let k = a && b", "let k = a  and  b"],
    ["E107", "let k = a & b", "let k = a  and  b"],
    ["E107", "let k = 2 × 3", "let k = 2 * 3"],
    ["E107", "let k = 2 ≤ 3", "let k = 2 <= 3"],
    ["E107", "let k = 2 − 3", "let k = 2 - 3"],
    ["E107", "let\u00a0k = 2", "let k = 2"],
    ["E110", "let k = 2 // two\r  let j = 3\r  relu", "let k = 2 // two\n  let j = 3\n  relu"],
    ["E167", "let k = 2 ** 3", "let k = 2 ^ 3"],
    ["E167", "let k = a || b", "let k = a or b"],
    ["E167", "let k = !a", "let k = not a"],
    ["E167", "let k = a is b", "let k = a == b"],
    ["E167", "a += 3", "a = a + 3"],
    ["E167", "a *= b + c", "a = a * (b + c)"],
    ["E167", "a -= x -> relu // less", "a = a - (x -> relu) // less"],
    ["E168", "a: f output y", "a: f; output y"],
    ["E168", "linear(8) repeat 2 { f }", "linear(8); repeat 2 { f }"],
    ["E161", "residual pre ln layernorm { f }", "residual pre ln: layernorm { f }"],
    ["E161", "residual from = x { f }", "residual from  x { f }"],
    ["E122", "let k = a < b < c", "let k = a < b and b < c"],
    ["E123", "let k = a == not b", "let k = a == (not b)"],
    ["E123", "let k = a == not b.c == d", "let k = a == (not b.c == d)"],
    ["E128", "input x: f32[T < 5]", "input x: f32[T <= 5]"],
    ["E142", "outputs y", "output y"],
    ["E142", "reapet 3 { f }", "repeat 3 { f }"],
    ["E142", "if a { f } elif b { g }", "if a { f } else if b { g }"],
    ["E157", "y = x -> f + y", "y = (x -> f) + y"],
    ["E162", "residual from a + b", "residual from (a + b)"],
    ["E162", "residual from a + b { f }", "residual from (a + b) { f }"],
    ["E171", "input x: f32(B, T, dim)", "input x: f32[B, T, dim]"],
    ["E152", "config { dim: hidden }", "config { dim = hidden }"],
  ])("%s: %s", (code, body, wanted) => {
    expect(mended(body, code)).toEqual({ body: wanted, codes: [] });
  });

  test.each([
    ["E154", "f(2 dim)", "a product may be meant"],
    ["E168", "a: f b: g", "an arrow may be missing"],
    ["E168", "a: f output: g", "the word is a label"],
    ["E107", "let k = a ? b : c", "a choice has another order"],
    ["E128", "input x: f32[T > 5]", "a bound from below is none"],
    ["E162", "residual from a + b pre ln: norm { f }", "another clause follows"],
    ["E107", "f('a', 'b')", "four quotes may be two texts or three"],
    ["E107", `f('a "b" c')`, "a text in double quotes cannot hold one"],
  ])("%s: %s is left alone: %s", (code, body) => {
    const { body: same, codes } = mended(body, code);
    expect(same).toBe(body);
    expect(codes).toContain(code);
  });
});

test.each([
  ["E143", "mdoel m { relu }", "model m { relu }"],
  ["E152", "model m(dim 64) { linear(dim) }", "model m(dim = 64) { linear(dim) }"],
  ["E152", "model m(dim: 64) { linear(dim) }", "model m(dim = 64) { linear(dim) }"],
  ["E170", "use ./std.lmg", 'use "./std.lmg"'],
])("%s at the top of a file: %s", (code, text, wanted) => {
  expect(edit(text, code)).toEqual({ edited: wanted, codes: [] });
});
