import { expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { evaluateDim } from "../../src/tensor/dim.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import { graphOf } from "../plan/graphs.ts";
import { executionDevice } from "../webgpu/device.ts";
import { cpuTargets, runOnCpu, runOnEachCpu } from "./cpu.ts";
import { runOn } from "./wgsl/module.ts";

const device = await executionDevice();

const inputs = `
  dim B
  input %a: f32[0, 3]
  input %b: f32[3, 0]
  input %many: f32[B, 3, 0]
  input %i: i32[0, 3]
  input %ids: i32[0]
  input %c: f32[3]
  input %row: f32[1, 3]
  input %q: f32[1, 1, 2, 4]
  input %k: f32[1, 1, 0, 4]
  input %pictures: f32[0, 1, 5, 5]
  input %flat: f32[1, 0, 5, 5]
  input %w: f32[4, 3]
  input %kernel: f32[2, 1, 3, 3]
  input %deep: f32[2, 0, 3, 3]`;

const ones = (graph: Graph): Record<string, HostTensor> =>
  Object.fromEntries(
    graph.inputs.map(({ name, value: { type } }) => {
      const shape = type.shape.map((size) => evaluateDim(size, new Map([["B", 2]])));
      return [name, hostTensor(type.dtype, shape, new Array<number>(sizeOf(shape)).fill(1))];
    }),
  );

const [none, nan]: readonly (readonly number[])[] = [[], [NaN]];
const three = (value: number): readonly number[] => [value, value, value];
const zeros = (count: number): readonly number[] => new Array<number>(count).fill(0);

/** Ops over inputs without elements, and what is left: sums of nothing are 0 and means NaN, as PyTorch and NumPy have them. */
const cases: readonly (readonly [string, readonly number[]])[] = [
  ["%y: f32[3] = reduce_sum(x: %a, axes: [0])", three(0)],
  ["%y: f32[] = reduce_sum(x: %a, axes: [0, 1])", [0]],
  ["%y: i32[3] = reduce_sum(x: %i, axes: [0])", three(0)],
  ["%y: f32[3] = reduce_mean(x: %a, axes: [0])", three(NaN)],
  ["%y: f32[3] = reduce_max(x: %a, axes: [0])", three(-Infinity)],
  ["%y: f32[3] = reduce_min(x: %a, axes: [0])", three(Infinity)],
  ["%y: i32[3] = reduce_max(x: %i, axes: [0])", three(-(2 ** 31))],
  ["%y: i32[3] = reduce_min(x: %i, axes: [0])", three(2 ** 31 - 1)],
  ["%y: f32[0] = reduce_max(x: %a, axes: [1])", none!],
  ["%y: f32[0, 3] = softmax(x: %a, axis: 0)", none!],
  ["%y: f32[0, 3] = cumsum(x: %a, axis: 0)", none!],
  ["%y: f32[0, 3] = add(%a, %c)", none!],
  ["%y: f32[3, 3] = matmul(a: %b, b: %a)", zeros(9)],
  ["%y: f32[B, 3, 3] = matmul(a: %many, b: %a)", zeros(18)],
  ["%y: f32[3, 3] = linear(x: %b, weight: %b, bias: %c)", new Array<number>(9).fill(1)],
  ["%y: f32[B, 3, 3] = linear(x: %many, weight: %b)", zeros(18)],
  ["%y: f32[0, 4] = linear(x: %a, weight: %w)", none!],
  ["%y: f32[3, 0] = layer_norm(x: %b, eps: 1e-5)", none!],
  ["%y: f32[0, 3] = rms_norm(x: %a, weight: %c, eps: 1e-5)", none!],
  ["%y: f32[0, 3] = batch_norm(x: %a, mean: %c, variance: %c, eps: 1, axis: 1)", none!],
  ["%s: f32[0, 3] = add(%a, %a)\n %y: f32[0, 3] = layer_norm(x: %s, eps: 1e-5)", none!],
  ["%y: f32[] = cross_entropy(logits: %a, targets: %ids)", nan!],
  ["%y: f32[] = accuracy(logits: %a, targets: %ids)", nan!],
  ["%y: f32[] = mean_squared_error(x: %a, y: %a)", nan!],
  ["%y: f32[1, 3] = concat([%a, %row], axis: 0)", three(1)],
  ["%y: f32[0, 3] = embedding(table: %w, ids: %ids)", none!],
  ["%y: f32[1, 1, 2, 4] = attend(q: %q, k: %k, v: %k, scale: 1)", zeros(8)],
  ["%y: f32[1, 1, 0, 4] = attend(q: %k, k: %q, v: %q, scale: 1)", none!],
  ["%y: f32[1, 1, 0, 4] = rope(x: %k)", none!],
  ["%y: f32[0, 1], %z: i32[0, 1] = topk(x: %a, k: 1)", none!],
  ["%y: f32[0, 2, 3, 3] = conv2d(x: %pictures, weight: %kernel)", none!],
  ["%y: f32[1, 2, 3, 3] = conv2d(x: %flat, weight: %deep)", zeros(18)],
  ["%y: f32[0, 1, 2, 2] = max_pool2d(x: %pictures, kernel: [2, 2], stride: [2, 2])", none!],
  ["%m: bool[0, 3] = gt(%a, %c)\n %y: f32[0, 3] = where(condition: %m, x: %a, y: %c)", none!],
  ["%e: f32[0, 3] = exp(%a)\n %t: f32[0, 3] = tanh(%e)\n %y: f32[] = reduce_sum(x: %t, axes: [0, 1])", [0]],
];

test.each(cases)("inputs without elements are the same on every engine: %s", async (lines, expected) => {
  const graph = graphOf(`${inputs}\n ${lines}\n output y = %y`);
  const bindings = { inputs: ones(graph), parameters: {} };
  for (const form of [graph, runPasses(graph)]) {
    const found = [interpret(form, bindings), ...(await runOnEachCpu(form, bindings))];
    if (device !== undefined) found.push(await runOn(device, form, bindings));
    for (const outputs of found) {
      const y = outputs["y"];
      expect(Array.from<number>(y!.data)).toEqual(expected);
      expect(y!.shape).toEqual(found[0]!["y"]!.shape);
    }
  }
});

test("a run-time dim of 0 is refused by all", async () => {
  const graph = graphOf("dim B\n input %x: f32[B, 3]\n %y: f32[B, 3] = exp(%x)\n output y = %y");
  const bindings = { inputs: { x: hostTensor("f32", [0, 3], []) }, parameters: {} };
  expect(() => interpret(graph, bindings)).toThrow("the input `x` is f32[0, 3], but B is at least 1");
  for (const cpu of cpuTargets)
    await expect(runOnCpu(cpu, graph, bindings)).rejects.toThrow("the input x is empty");
  if (device !== undefined)
    await expect(runOn(device, graph, bindings)).rejects.toThrow("the input x is empty");
});

test("a size that is made of run-time dims may be 0", async () => {
  const graph = graphOf(
    "dim T\n input %x: f32[T]\n input %k: f32[T - 1]\n %y: f32[2*T - 1] = concat([%x, %k], axis: 0)\n output y = %y",
  );
  const given = { x: hostTensor("f32", [1], [3]), k: hostTensor("f32", [0], []) };
  const bindings = { inputs: given, parameters: {} };
  const found = [interpret(graph, bindings), ...(await runOnEachCpu(graph, bindings))];
  if (device !== undefined) found.push(await runOn(device, graph, bindings));
  for (const { y } of found) expect(Array.from<number>(y!.data)).toEqual([3]);
  const wrong = { inputs: { ...given, k: hostTensor("f32", [1], [0]) }, parameters: {} };
  expect(() => interpret(graph, wrong)).toThrow("the input `k` is f32[1], expected f32[T - 1], here [0]");
});
