import { describe, expect, test } from "vitest";
import type { Node } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { EvaluationError } from "../../src/ops/evaluate/error.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { bool, expectClose, f32, i32 } from "../ops/tensors.ts";
import { chainOf, graphOf } from "./graphs.ts";

const affine = graphOf(`graph affine {
  dim B
  dim T <= 3
  input %x: f32[B, T, 2]
  input %shift: f32[B, 1, 2] = 10
  parameter %w: f32[2, 2] = normal(0, 1) "layer.weight"
  %y = linear(x: %x, weight: %w) label "layer"
  %z = add(%y, %shift)
  %flat = reshape(%z, shape: [B*T, 2])
  output z = %z
  output flat = %flat
}`);

const weight = { "layer.weight": f32([2, 2], [1, 1, 0, 2]) };
const x = f32([1, 2, 2], [1, 2, 3, 4]);

describe("interpret", () => {
  test("computes the outputs by name: x Wᵀ + 10", () => {
    const { z, flat } = interpret(affine, { inputs: { x }, parameters: weight });
    expectClose(z!, f32([1, 2, 2], [13, 14, 17, 18]), 0);
    expectClose(flat!, f32([2, 2], [13, 14, 17, 18]), 0);
  });

  test("takes an optional input if it is given, and maps as well as records", () => {
    const inputs = new Map([
      ["x", x],
      ["shift", f32([1, 1, 2], [0, 100])],
    ]);
    const { z } = interpret(affine, { inputs, parameters: new Map(Object.entries(weight)) });
    expectClose(z!, f32([1, 2, 2], [3, 104, 7, 108]), 0);
  });

  test("shows each node and its results to an observer, in order", () => {
    const seen: [string, readonly number[]][] = [];
    interpret(
      affine,
      { inputs: { x }, parameters: weight },
      {
        observe: (node: Node, results: readonly HostTensor[]) => seen.push([node.op, results[0]!.shape]),
      },
    );
    expect(seen).toEqual([
      ["linear", [1, 2, 2]],
      ["add", [1, 2, 2]],
      ["reshape", [2, 2]],
    ]);
  });

  test("returns an input, a parameter or one value under two names", () => {
    const graph = graphOf(`graph g {
  dim B
  input %x: f32[B]
  parameter %w: f32[1] = constant(0) "w"
  output x = %x
  output again = %x
  output w = %w
}`);
    const outputs = interpret(graph, { inputs: { x: f32([2], [1, 2]) }, parameters: { w: f32([1], [5]) } });
    expect(Object.keys(outputs)).toEqual(["x", "again", "w"]);
    expectClose(outputs["again"]!, f32([2], [1, 2]), 0);
    expectClose(outputs["w"]!, f32([1], [5]), 0);
  });

  test("runs 20,000 nodes in a row", () => {
    const { sum } = interpret(chainOf(20_000), { inputs: { x: f32([1], [0.5]) }, parameters: {} });
    expectClose(sum!, f32([1], [20000.5]), 0);
  });
});

describe("inputs that do not fit are reported to their giver", () => {
  const four = f32([1, 4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const shift = f32([2, 1, 2], [1, 2, 3, 4]);
  test.each<[string, Record<string, HostTensor>, string]>([
    ["missing", {}, "the input `x` must be given"],
    ["misspelt", { X: x }, "the input `x` must be given; there is no input `X`"],
    ["unknown", { x, shif: shift }, "the model has no input `shif`: did you mean `shift`?"],
    ["of another rank", { x: f32([2], [1, 2]) }, "the input `x` is f32[2], expected f32[B, T, 2]"],
    [
      "of another kind",
      { x: i32([1, 1, 2], [1, 2]) },
      "the input `x` is i32[1, 1, 2], expected f32[B, T, 2]",
    ],
    [
      "of another width",
      { x: f32([1, 1, 3], [1, 2, 3]) },
      "the input `x` is f32[1, 1, 3], expected f32[B, T, 2], here [1, 1, 2]",
    ],
    ["longer than the model takes", { x: four }, "T is 4, but the model takes at most 3"],
    ["of sizes that disagree", { x, shift }, "axis 0 of the input `shift` is 2, but B is 1, as `x` has it"],
    ["empty", { x: f32([1, 0, 2], []) }, "the input `x` is f32[1, 0, 2], but T is at least 1"],
    [
      "short of elements",
      { x: { dtype: "f32", shape: [1, 2, 2], data: Float64Array.of(1) } },
      "`x` is f32[1, 2, 2], but it has 1 elements",
    ],
  ])("%s", (_, inputs, message) => {
    const run = () => interpret(affine, { inputs, parameters: weight });
    expect(run).toThrow(EvaluationError);
    expect(run).toThrow(message);
  });

  test("a dim that only a left-off input would bind", () => {
    const graph = graphOf("graph g {\n  dim S\n  input %x: f32[S] = 0\n  output x = %x\n}");
    expect(() => interpret(graph, { inputs: {}, parameters: {} })).toThrow(
      "no input that is given says what S is",
    );
  });

  test.each<[string, Record<string, HostTensor>, string]>([
    ["a missing parameter", {}, "the parameter `layer.weight` is missing"],
    [
      "a parameter of another shape",
      { "layer.weight": f32([1, 2], [1, 2]) },
      "the parameter `layer.weight` is f32[1, 2], expected f32[2, 2]",
    ],
  ])("%s", (_, parameters, message) => {
    const run = () => interpret(affine, { inputs: { x }, parameters });
    expect(run).toThrow(EvaluationError);
    expect(run).toThrow(message);
  });

  test("sizes that fit for no run time are found when they are known", () => {
    const graph = graphOf(`graph g {
  dim T
  input %x: f32[T]
  %y = slice(%x, axis: 0, start: 2, size: 2) label "tail"
  output y = %y
}`);
    expect(() => interpret(graph, { inputs: { x: f32([3], [1, 2, 3]) }, parameters: {} })).toThrow(
      new EvaluationError("slice tail: 2 from 2 reaches past axis 0 of f32[3]"),
    );
    expectClose(
      interpret(graph, { inputs: { x: f32([4], [1, 2, 3, 4]) }, parameters: {} })["y"]!,
      f32([2], [3, 4]),
      0,
    );
  });

  test("an id beyond its table names the layer", () => {
    const graph = graphOf(`graph g {
  dim T
  input %ids: i32[T]
  parameter %table: f32[2, 1] = constant(0) "wte.weight"
  %y = embedding(table: %table, ids: %ids) label "wte"
  output y = %y
}`);
    const parameters = { "wte.weight": f32([2, 1], [1, 2]) };
    expect(() => interpret(graph, { inputs: { ids: i32([2], [1, 2]) }, parameters })).toThrow(
      new EvaluationError("embedding wte: the id 2 is not in a table of 2 rows (0 to 1)"),
    );
  });

  test("bools and floats are told apart", () => {
    const graph = graphOf("graph g {\n  input %m: bool[1]\n  output m = %m\n}");
    expect(() => interpret(graph, { inputs: { m: f32([1], [1]) }, parameters: {} })).toThrow(
      "expected bool[1]",
    );
    expectClose(interpret(graph, { inputs: { m: bool([1], [1]) }, parameters: {} })["m"]!, bool([1], [1]), 0);
  });
});
