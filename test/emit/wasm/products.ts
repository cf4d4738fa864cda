import v8 from "node:v8";
import { expect } from "vitest";
import type { Kernel, KernelWriter } from "../../../src/emit/wasm/kernel.ts";
import { kernelOf } from "../../../src/emit/wasm/kernels/table.ts";
import type { Machine } from "../../../src/emit/wasm/machine.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { Stage } from "../../../src/plan/loops.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { rounded } from "../compare.ts";
import { graphOf } from "../../plan/graphs.ts";
import { runKernels, type Tensor } from "./harness.ts";

// Node 20 has relaxed SIMD behind a flag.
v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const kernels = (stage: Stage, k: KernelWriter): Kernel => kernelOf(stage, k, ({ buffer }) => String(buffer));

type Tensors = Readonly<Record<string, HostTensor>>;

export interface Given {
  readonly graph: Graph;
  readonly inputs: Tensors;
  readonly parameters: Tensors;
  readonly sizes: Readonly<Record<string, number>>;
}

/** A graph, and tensors for it of float32 numbers in [-1, 1). */
export function givenOf(text: string, sizes: Readonly<Record<string, number>> = {}): Given {
  const graph = graphOf(text);
  const inputs = rounded(randomInputs(graph, sizes, 3));
  return { graph, inputs, parameters: rounded(randomParameters(graph, 4)), sizes };
}

/** The outputs, the same for 1, 2, 3 and 7 threads, or for others. */
export function runOn(
  machine: Machine,
  { graph, inputs, parameters, sizes }: Given,
  threads: readonly number[] = [1, 2, 3, 7],
): Record<string, Tensor> {
  const plan = planGraph(graph, { target: wasmTarget });
  const symbols = new Map(Object.entries(sizes));
  const [one, ...others] = threads.map((ranks) =>
    runKernels(plan, { inputs, parameters, sizes: symbols, machine, ranks, kernelOf: kernels }),
  );
  for (const other of others) expect(other).toEqual(one);
  return one!;
}

const absolute = (tensors: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { ...tensor, data: Float64Array.from(tensor.data as Float64Array, Math.abs) },
    ]),
  );

/**
 * The output y of a graph of products and sums, against the interpreter's in float64: each of so many roundings may be off by half a
 * unit of what the sums of the sizes of all terms come to, which the same graph is of the sizes of what it reads.
 */
export function expectProduct(machine: Machine, given: Given, roundings: number): void {
  const found = runOn(machine, given)["y"]!.data;
  const { graph, inputs, parameters } = given;
  const wanted = interpret(graph, { inputs, parameters })["y"]!.data;
  const sizes = interpret(graph, { inputs: absolute(inputs), parameters: absolute(parameters) })["y"]!.data;
  expect(found.length).toBe(wanted.length);
  expect(found.length).toBeGreaterThan(0);
  for (let i = 0; i < wanted.length; i++) {
    const bound = 2 ** -24 * roundings * Number(sizes[i]);
    if (!(Math.abs(found[i]! - Number(wanted[i])) <= bound))
      expect.fail(`element ${i} is ${found[i]}, expected ${wanted[i]} within ${bound}`);
  }
}
