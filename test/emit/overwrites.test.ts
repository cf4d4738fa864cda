import { expect, test } from "vitest";
import { planGraph } from "../../src/plan/build.ts";
import { contracts } from "../../src/kernels/contracts.ts";
import { graphOf, resultHomes } from "../plan/graphs.ts";
import { expectSameAsOracle } from "./compare.ts";
import { overwriting, row } from "./overwriting.ts";

const forward = Object.entries(contracts).filter(
  ([op, { overwrites }]) => overwrites.length > 0 && !/grad|dropout|batch_statistics|write/.test(op),
);

test("every op before training whose result may lie over an operand has a case", () => {
  expect(Object.keys(overwriting).toSorted()).toEqual(forward.map(([op]) => op).toSorted());
});

test.each(Object.entries(overwriting))(
  "%s is right when its result lies over its operand",
  async (_, lines) => {
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
    // The last before the two steps that read it.
    const homes = resultHomes(planGraph(graph));
    expect(homes.at(-3)).toBe(homes[0]);
    await expectSameAsOracle(graph, { B: 2 });
  },
);

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
