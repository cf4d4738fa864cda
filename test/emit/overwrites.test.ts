import { expect, test } from "vitest";
import { planGraph } from "../../src/plan/build.ts";
import { contracts, type KernelOp } from "../../src/kernels/contracts.ts";
import { graphOf, resultHomes } from "../plan/graphs.ts";
import { expectSameAsOracle } from "./compare.ts";

const row = "f32[B, 3, 8]";

/** For each op whose result may lie over an operand: lines that make %y of type `row` from %a, which dies there. */
const steps: Readonly<Partial<Record<KernelOp, string>>> = {
  elementwise: `%y: ${row} = exp(%a)`,
  cast: `%h: bf16[B, 3, 8] = cast(x: %a, dtype: bf16)\n %y: ${row} = cast(x: %h, dtype: f32)`,
  cumsum: `%y: ${row} = cumsum(x: %a, axis: 1)`,
  softmax: `%y: ${row} = softmax(x: %a, axis: 1)`,
  log_softmax: `%y: ${row} = log_softmax(x: %a)`,
  linear_epilogue: `%y: ${row} = linear_epilogue(x: %x, weight: %w, extras: [%a], epilogue: { mul(i0, i1) })`,
  rope: `%f: f32[B, 1, 3, 8] = reshape(x: %a, shape: [B, 1, 3, 8])
    %r: f32[B, 1, 3, 8] = rope(x: %f, dims: 6)
    %y: ${row} = reshape(x: %r, shape: [B, 3, 8])`,
  layer_norm: `%y: ${row} = layer_norm(x: %a, weight: %v, bias: %v, eps: 1e-5)`,
  rms_norm: `%y: ${row} = rms_norm(x: %a, weight: %v, eps: 1e-5)`,
  l2_norm: `%y: ${row} = l2_norm(x: %a)`,
  batch_norm: `%y: ${row} = batch_norm(x: %a, mean: %v, variance: %p, weight: %v, bias: %v, eps: 1e-5, axis: 2)`,
  add_norm: `%y: ${row} = add_norm(source: %x, branches: [%a], inner_weight: %v, inner: layer, inner_eps: 1e-5, norm: rms, eps: 1e-5, affines: [none], keep_sum: false)`,
};

/** A write lies over a state alone: test/states has it. */
const forward = Object.entries(contracts).filter(
  ([op, { overwrites }]) => overwrites.length > 0 && !/grad|dropout|batch_statistics|write/.test(op),
);

test("every op before training whose result may lie over an operand has a case", () => {
  expect(Object.keys(steps).toSorted()).toEqual(forward.map(([op]) => op).toSorted());
});

test.each(Object.entries(steps))("%s is right when its result lies over its operand", async (_, lines) => {
  const graph = graphOf(`
    dim B
    input %x: ${row}
    parameter %w: f32[8, 8] = normal(0, 1) "w"
    parameter %v: f32[8] = constant(0) "v"
    parameter %p: f32[8] = constant(1) "p"
    %a: ${row} = linear(x: %x, weight: %w)
    ${lines}
    %z: ${row} = linear(x: %y, weight: %w)
    %late: ${row} = sub(%z, %x)
    output z = %late`);
  const [a, y] = resultHomes(planGraph(graph));
  expect(y).toBe(a);
  await expectSameAsOracle(graph, { B: 2 });
});

test("source and branch of an edge may both be taken, by the sum and by the norm, an out-norm between", async () => {
  const graph = graphOf(`
    dim B
    input %x: ${row}
    parameter %w: f32[8, 8] = normal(0, 1) "w"
    parameter %v: f32[8] = constant(0) "v"
    %a: ${row} = linear(x: %x, weight: %w)
    %b: ${row} = linear(x: %a, weight: %w)
    %n: ${row}, %s: ${row} = add_norm(source: %a, branches: [%b], inner_weight: %v, inner: rms, inner_eps: 1e-5, weights: [%v], norm: layer, eps: 1e-5, affines: [weight])
    %c: ${row} = linear(x: %n, weight: %w)
    %d: ${row} = linear(x: %s, weight: %w)
    output c = %c
    output d = %d`);
  const [a, b, n, s] = resultHomes(planGraph(graph));
  expect([n, s].toSorted()).toEqual([a, b].toSorted());
  await expectSameAsOracle(graph, { B: 2 });
});
