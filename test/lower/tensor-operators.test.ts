import { expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { runOnEachCpu } from "../emit/cpu.ts";
import { graphOf, mistakes, messages } from "./support.ts";

const ids = [3, 0, 5, 0, 2, 7];
const mask = [1, 1, 0, 0, 1, 1];

/** What a chain of ids i32[B, T] and mask bool[B, T] gives, by the interpreter and by the emitted module. */
async function valueOf(chain: string): Promise<number[]> {
  const graph = graphOf(
    `model m {\n  input ids: i32[B, T]\n  input mask: bool[B, T]\n  ${chain}\n  output y\n}`,
  );
  const bindings = {
    inputs: { ids: hostTensor("i32", [2, 3], ids), mask: hostTensor("bool", [2, 3], mask) },
    parameters: {},
  };
  const expected = [...interpret(graph, bindings)["y"]!.data].map(Number);
  for (const { y } of await runOnEachCpu(graph, bindings))
    expect(Array.from(y!.data, Number)).toEqual(expected);
  return expected;
}

const truths = (f: (id: number, allowed: boolean) => boolean): number[] =>
  ids.map((id, index) => Number(f(id, mask[index] === 1)));

test.each<readonly [string, (id: number, allowed: boolean) => boolean]>([
  ["ids == 0", (id) => id === 0],
  ["ids != 0", (id) => id !== 0],
  ["ids < 3", (id) => id < 3],
  ["ids <= 3", (id) => id <= 3],
  ["3 < ids", (id) => 3 < id],
  ["ids >= 3", (id) => id >= 3],
  ["mask and ids != 0", (id, allowed) => allowed && id !== 0],
  ["not mask or ids > 4", (id, allowed) => !allowed || id > 4],
  ["not (mask and ids == 2)", (id, allowed) => !(allowed && id === 2)],
  ["true and mask", (_, allowed) => allowed],
  ["mask or false", (_, allowed) => allowed],
  ["mask == (ids > 2)", (id, allowed) => allowed === id > 2],
])("%s compares and combines element by element", async (chain, f) => {
  expect(await valueOf(chain)).toEqual(truths(f));
});

test("the remainder of tensors has the sign of the divisor", async () => {
  expect(await valueOf("(ids - 4) % 3")).toEqual([2, 2, 1, 2, 1, 0]);
});

test("a tensor compared with none is a question before the model runs", async () => {
  expect(await valueOf("if ids == none { ids } else { ids + 1 }")).toEqual(ids.map((id) => id + 1));
});

test("the right side is not looked at where a truth known before the run decides", async () => {
  expect(await valueOf("if ids != none or missing { ids }")).toEqual(ids);
});

test("operands of operators that do not fit are told why", () => {
  const text = (line: string) =>
    messages(`model m {
  input x: f32[B, 8]
  input half: f16[B, 8]
  input ids: i32[B, 8]
  input mask: bool[B]
  input wide: bool[B, 8]
  ${line}
  output y
}`);
  expect(text("x * mask\n  x + half\n  ids / ids\n  wide + wide\n  wide and x\n  not x"))
    .toMatchInlineSnapshot(`
      "
      model.lmg:7:5: error[E401]: f32[B, 8] * bool[B] does not broadcast
        7 |   x * mask
          |     ^
        7 |   x * mask
          |   ^ f32[B, 8]
        7 |   x * mask
          |       ^^^^ bool[B]
        help: shapes meet at their last axes: \`(mask -> unsqueeze(-1))\`
      model.lmg:8:5: error[E401]: f32[B, 8] + f16[B, 8] mixes dtypes
        8 |   x + half
          |     ^
        8 |   x + half
          |   ^ f32[B, 8]
        8 |   x + half
          |       ^^^^ f16[B, 8]
        help: cast one of them: \`(half -> cast(f32))\`
      model.lmg:9:7: error[E401]: i32[B, 8] / i32[B, 8] has no meaning: whole numbers are not divided
        9 |   ids / ids
          |       ^
        9 |   ids / ids
          |   ^^^ i32[B, 8]
        9 |   ids / ids
          |         ^^^ i32[B, 8]
        help: cast one of them first: \`(ids -> cast(f32))\`
      model.lmg:10:8: error[E401]: bool[B, 8] + bool[B, 8] has no meaning: these are bools
        10 |   wide + wide
           |        ^
        10 |   wide + wide
           |   ^^^^ bool[B, 8]
        10 |   wide + wide
           |          ^^^^ bool[B, 8]
        help: \`and\`, \`or\` and \`not\` combine bools; \`cast(f32)\` makes numbers of them
      model.lmg:11:8: error[E401]: bool[B, 8] and f32[B, 8] has no meaning: \`and\` and \`or\` combine bools
        11 |   wide and x
           |        ^^^
        11 |   wide and x
           |   ^^^^ bool[B, 8]
        11 |   wide and x
           |            ^ f32[B, 8]
        help: a comparison gives bools: \`x > 0\`
      model.lmg:12:7: error[E328]: \`not\` takes bools, got f32[B, 8]
        12 |   not x
           |       ^
        help: a comparison gives bools: \`x > 0\`
      "
    `);
});

test("a tensor is no condition of an if", () => {
  expect(mistakes("  if x > 0 { relu }")).toMatchInlineSnapshot(`
    "
    model.lmg:3:6: error[E307]: a condition is true or false, known before the model runs, got a tensor bool[B, 8]
      3 |   if x > 0 { relu }
        |      ^^^^^
      help: \`(condition, y, z) -> where\` chooses between tensors
    "
  `);
});

test("a tuple beside an operator", () => {
  expect(mistakes("  stream + (x, x) -> max")).toMatchInlineSnapshot(`
    "
    model.lmg:3:12: error[E402]: a tensor is needed here, got a tuple of 2
      3 |   stream + (x, x) -> max
        |            ^^^^^^
      help: \`->\` binds loosest: what the tuple flows into stands in parentheses with it, \`a + ((x, y) -> f)\`
    "
  `);
});
