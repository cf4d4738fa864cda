import { describe, expect, test } from "vitest";
import { planGraph } from "../../../src/plan/build.ts";
import { initialTensors, randomParameters } from "../../../src/ir/initialize.ts";
import { interpretRun } from "../../../src/ir/interpret.ts";
import { evaluateDim } from "../../../src/tensor/dim.ts";
import { isFloat } from "../../../src/tensor/dtype.ts";
import { makeData, sizeOf, type HostTensor } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { executionDevice } from "../../webgpu/device.ts";
import { cases, type Case } from "./cases.ts";
import { expectNear } from "./near.ts";
import { instantiate, type Tensor } from "./module.ts";

const device = await executionDevice(["subgroups"]);

/**
 * f32 against float64: sums of at most 300 products of numbers near 1, each rounded to 6e-8, and e^x, tanh, … within a
 * few units in the last place, as WGSL allows.
 */
const TOLERANCE = 2e-5;

function inputsOf(
  graph: Graph,
  { ids = 16, lastIds = ids, range = [-1, 1] }: Case,
  sizes: ReadonlyMap<string, number>,
): Record<string, HostTensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, value }, index) => {
      const below = index === graph.inputs.length - 1 ? lastIds : ids;
      const random = new RandomStream(7, name);
      const { dtype } = value.type;
      const shape = value.type.shape.map((size) => evaluateDim(size, sizes));
      const data = makeData(dtype, sizeOf(shape));
      for (let i = 0; i < data.length; i++) {
        if (isFloat(dtype)) data[i] = Math.fround(range[0] + (range[1] - range[0]) * random.uniform());
        else data[i] = dtype === "bool" ? random.below(2) : random.below(below);
      }
      return [name, { dtype, shape, data }];
    }),
  );
}

async function check(each: Case, subgroups: boolean): Promise<void> {
  const module = await instantiate(planGraph(each.graph), { subgroups });
  const parameters = randomParameters(each.graph, 5);
  const model = await module.createModel(device!, parameters);
  let states = initialTensors(each.graph.states, 5);
  const compare = (found: Readonly<Record<string, Tensor>>, expected: typeof states): void => {
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    for (const [name, tensor] of Object.entries(expected)) expectNear(found[name]!, tensor, TOLERANCE);
  };
  for (const sizes of each.sizes ?? [{}]) {
    const inputs = inputsOf(each.graph, each, new Map(Object.entries(sizes)));
    const expected = interpretRun(each.graph, { inputs, parameters, states });
    compare(await model.run(inputs), expected.outputs);
    states = expected.states;
    if (each.graph.states.length > 0) compare(await model.readState(), states);
  }
  model.destroy();
}

const named = (list: readonly Case[]) => list.map((each) => [each.about, each] as const);

describe.skipIf(device === undefined)("each kernel computes what its op means", () => {
  for (const [op, list] of Object.entries(cases))
    test.each(named(list))(`${op}: %s`, (_, each) => check(each, false));
});

describe.skipIf(device?.features.has("subgroups") !== true)("rows summed by subgroups give the same", () => {
  for (const op of ["layer_norm", "rms_norm", "softmax", "add_norm", "cross_entropy"] as const)
    test.each(named(cases[op]))(`${op}: %s`, (_, each) => check(each, true));
});
