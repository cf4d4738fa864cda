import { expect, test } from "vitest";
import { codesIn, lintsIn, model } from "./support.ts";

test("a value that nothing reads: it did not move the stream", () => {
  expect(`\n${lintsIn(model("  y = a: linear(8)\n  output z"))}\n`).toMatchInlineSnapshot(`
    "
    model.lmg:3:3: warning[W306]: nothing reads \`y\`, and a name does not move the stream
      3 |   y = a: linear(8)
        |   ^
      help: leave \`y =\` out to move the stream; \`_\` in a tuple stands for what is not wanted; or say \`allow unread_value\`
    "
  `);
});

test("one of a tuple, and one in a block", () => {
  const body = "  (left, right) = split(2)\n  left -> b: inner\n  output y";
  const block = "block inner() { input x: [.., D]; h = relu; tanh }";
  expect(codesIn(model(body, block))).toEqual(["W306 3", "W306 7"]);
});

test.each([
  ["a later chain", "  a = relu\n  stream + a"],
  ["an output of that name", "  a = relu\n  output a"],
  ["a later iteration", "  repeat 3 as [i] {\n    if i == 0 { first = stream }\n    stream + first\n  }"],
  ["another module of its labels", "  repeat 3 as h { a = relu }\n  stream + h[0].a"],
  ["a branch that other parameters take", "  a = relu\n  if 1 == 2 { stream + a }"],
  ["a text of a branch that other parameters take", '  a = relu\n  if 1 == 2 { assert 1 == 1, "{a}" }'],
  ["an edge", "  a = relu\n  residual from a { relu }"],
  ["the train section", "  a = relu\n  train { loss a -> mean; optimizer sgd(lr: 1) }"],
  ["nobody, as `_` says", "  (_, a) = split(2)\n  (a, a) -> concat(-1)"],
])("is read by %s", (_, body) => {
  expect(lintsIn(model(`${body}\n  output y`))).toBe("");
});

test.each([
  ["it binds again", "  a = relu\n  a = tanh", ["W306 3", "W306 4"]],
  ["is a label too", "  a = relu\n  h = a: linear(8)\n  stream + h", ["W306 3"]],
  ["names an argument", "  n = relu\n  linear(n: 8)", ["W306 3"]],
])("a name that the definition has elsewhere, but only where it %s, is not read", (_, body, codes) => {
  expect(codesIn(model(`${body}\n  output y`))).toEqual(codes);
});

test("is silenced by name", () => {
  expect(lintsIn(model("  allow unread_value\n  a = relu\n  output y"))).toBe("");
});
