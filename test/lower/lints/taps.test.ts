import { expect, test } from "vitest";
import { codesIn, lintsIn, model } from "./support.ts";

test("a name that nothing reads", () => {
  expect(`\n${lintsIn(model("  a: linear(8) as first -> b: linear(8)\n  output y"))}\n`)
    .toMatchInlineSnapshot(`
    "
    model.lmg:3:16: warning[W304]: nothing reads \`first\`
      3 |   a: linear(8) as first -> b: linear(8)
        |                ^^^^^^^^
      help: leave \`as first\` out; or say \`allow unread_tap\`
    "
  `);
});

test("the names of edges, of parallel and of what a block taps", () => {
  const body = "  residual { relu } as one\n  parallel { relu; tanh } as two\n  b: inner\n  output y";
  const block = "block inner() { input x: [.., D]; stream as three; relu }";
  expect(codesIn(model(body, block))).toEqual(["W304 3", "W304 4", "W304 8"]);
});

test.each([
  ["a value of a later chain", "  relu as a\n  tanh\n  stream + a"],
  ["a value that an edge carries", "  relu as a\n  tanh\n  residual from a { relu }"],
  ["an iteration of a repeat", "  repeat 3 as h { relu as level }\n  stream + h[0].level"],
  ["an output of that name", "  relu as a\n  tanh\n  output a"],
  ["a condition", "  relu as a\n  if a != none { tanh }"],
  ["the train section", "  relu as a\n  tanh\n  train { loss a -> mean; optimizer sgd(lr: 1) }"],
  [
    "the metrics",
    "  relu\n  train { loss stream -> mean; metric stream -> mean as level; optimizer sgd(lr: 1) }",
  ],
  ["its own type, which is checked", "  relu as a: f32[B, T, 8]\n  tanh"],
])("is read by %s", (_, body) => {
  expect(lintsIn(model(`${body}\n  output y`))).toBe("");
});

test("a model that is called as a block may read it in the section that is left out then", () => {
  const inner =
    "model inner() { input x: f32[B, T, 8]; relu as a; tanh; train { loss a -> mean; optimizer sgd(lr: 1) } }";
  expect(lintsIn(model("  i: inner\n  output y", inner))).toBe("");
});
