import { expect, test } from "vitest";
import { lowerText, resolveProgram } from "./support.ts";

/** The text with the edits of the first mistake of this code, and what is then wrong. */
function mended(text: string, code: string): { readonly text: string; readonly codes: readonly string[] } {
  // A folder in which only `std.lmg` stands.
  const options = { resolveUse: resolveProgram };
  const fix = lowerText(text, options).diagnostics.find((diagnostic) => diagnostic.code === code)?.fix ?? [];
  const edited = [...fix]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce(
      (before, { span, text: put }) => before.slice(0, span.start) + put + before.slice(span.end),
      text,
    );
  return { text: edited, codes: lowerText(edited, options).diagnostics.map((diagnostic) => diagnostic.code) };
}

const model = (body: string): string => `model m {\n  input x: f32[B, 8]\n  ${body}\n  output y\n}`;

test.each([
  ["E205", "nn.linear(8)", "linear(8)"],
  ["E205", "a: relu -> linear(8); x -> a.b -> relu", undefined],
  [
    "E212",
    "repeat 3 as h { relu as level }; stream + h[1].levle",
    "repeat 3 as h { relu as level }; stream + h[1].level",
  ],
  ["E219", "let a = x; a -> relu", "a = x; a -> relu"],
  ["E220", "b = 2 * 3; linear(b)", "let b = 2 * 3; linear(b)"],
  ["E316", "transpose(0, 1)", "transpose(axes: [0, 1])"],
  ["E316", "permute(1, 0)", "permute([1, 0])"],
  ["E507", "a: linear(8); b:  same(a)", "a: linear(8); same(a)"],
])("%s: %s is mended", (code, body, wanted) => {
  const { text, codes } = mended(model(body), code);
  if (wanted === undefined) expect(text).toBe(model(body));
  else expect([text, codes]).toEqual([model(wanted), []]);
});

test("a layer of an iteration is used again", () => {
  const { text, codes } = mended(model("repeat 2 as h { a: linear(8) }; stream -> h[1].a"), "E205");
  expect(text).toBe(model("repeat 2 as h { a: linear(8) }; stream -> same(h[1].a)"));
  expect(codes).toEqual([]);
});

test("the name of a file gets its ending", () => {
  const { text, codes } = mended(`use "./std"\n${model("relu")}`, "E218");
  expect(text).toBe(`use "./std.lmg"\n${model("relu")}`);
  expect(codes).toEqual([]);
});

test("what is bound in `train` is left alone: no `let` stands there", () => {
  const text = `model m {
  input x: f32[B, 8]
  l: linear(8) as y
  train { size = 3; target t: f32[B, 8]; loss (y, t) -> mean_squared_error; optimizer sgd(lr: 0.1) }
  output y
}`;
  expect(mended(text, "E220")).toEqual({ text, codes: ["E220"] });
});
