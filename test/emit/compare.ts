import { expect } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import type { FloatFormat } from "../../src/emit/ts/storage.ts";
import { cpuTargets, runOnCpu, type Tensor } from "./cpu.ts";
import { runEmitted } from "./instantiate.ts";

/** Floats rounded to float32, so that both sides compute with the same numbers. */
export const rounded = (tensors: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data instanceof Float64Array ? tensor.data.map(Math.fround) : tensor.data },
    ]),
  );

/**
 * What a step may lose by storing float32: half a unit in the last place is 6e-8 of the value, and errors of a few
 * steps in a row add up. Sums are float64, so that depth does not count.
 */
export const STEP_TOLERANCE = 1e-6;

/**
 * Runs a graph in the float64 interpreter and as an emitted module of each kernels for the CPU, on the same random numbers;
 * compares all outputs. In float64 there are kernels of TypeScript alone.
 */
export async function expectSameAsOracle(
  graph: Graph,
  sizes: Readonly<Record<string, number>>,
  {
    tolerance = STEP_TOLERANCE,
    seed = 1,
    floats = "f32",
  }: { readonly tolerance?: number; readonly seed?: number; readonly floats?: FloatFormat } = {},
): Promise<void> {
  const inputs = rounded(randomInputs(graph, sizes, seed));
  const parameters = rounded(randomParameters(graph, seed + 1));
  const expected = interpret(graph, { inputs, parameters });
  if (floats === "f64")
    expectNear("TypeScript", await runEmitted(graph, { inputs, parameters }, floats), expected, tolerance);
  else
    for (const cpu of cpuTargets)
      expectNear(cpu.name, await runOnCpu(cpu, graph, { inputs, parameters }), expected, tolerance);
}

function expectNear(
  name: string,
  found: Readonly<Record<string, Tensor>>,
  expected: Readonly<Record<string, HostTensor>>,
  tolerance: number,
): void {
  expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected).toSorted());
  for (const [output, { data, shape }] of Object.entries(expected)) {
    const result = found[output]!;
    expect(result.shape).toEqual(shape);
    expect(result.data.length).toBe(data.length);
    expect(data.length).toBeGreaterThan(0);
    let scale = 1;
    for (const value of data) scale = Math.max(scale, Math.abs(value));
    for (let i = 0; i < data.length; i++) {
      const [wanted, got] = [data[i]!, result.data[i]!];
      if (wanted === got || Math.abs(wanted - got) <= tolerance * scale) continue;
      expect.fail(
        `in ${name} ${output}[${i}] is ${got}, the interpreter has ${wanted}, of at most ${scale}: ${Math.abs(wanted - got) / scale}`,
      );
    }
  }
}
