import { orThrow } from "../../src/checkpoint/problem.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import type { Engine } from "../../src/run/engine.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { openEngine } from "../../src/run/engines.ts";
import type { Weights } from "../../src/run/weights.ts";
import { compile } from "../../src/compile.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { planGraph } from "../../src/plan/build.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { cpuTargets } from "../emit/cpu.ts";
import type { GoldenCase } from "../ops/golden.ts";
import { inputOf, modelOf, PREFIX } from "./models.ts";

export interface Difference {
  /** What ran: the interpreter before and after the passes, or the plan on each kernels for the CPU. */
  readonly engine: string;
  /** The largest difference from PyTorch, relative to the largest value. */
  readonly relative: number;
}

/** Runs a golden case in every way and compares; undefined if the language has no form of it. */
export async function runCase(found: GoldenCase): Promise<readonly Difference[] | undefined> {
  const text = modelOf(found);
  if (text === undefined) return undefined;
  const { diagnostics, model, graph } = compile({ name: found.name, text });
  if (model === undefined || graph === undefined)
    throw new Error(diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n"));
  const weights = weightsOf(found, model.graph);
  const engines: (readonly [string, Engine])[] = [
    ["interpreter", orThrow(interpreterEngine(model.graph, weights))],
    ["interpreter after the passes", orThrow(interpreterEngine(graph, weights))],
  ];
  for (const { name, engine, target } of cpuTargets) {
    const plan = planGraph(graph, { target });
    engines.push([`plan in ${name}`, orThrow(await openEngine(engine, plan, weights, { threads: 1 }))]);
  }
  const [name, input] = inputOf(found);
  const memory = found.optional("memory");
  const inputs = new Map([[name, input], ...(memory === undefined ? [] : ([["memory", memory]] as const))]);
  const differences: Difference[] = [];
  for (const [engine, { run, close }] of engines) {
    const y = orThrow(await run(inputs)).get("y")!;
    close();
    differences.push({ engine, relative: relativeDifference(y, found.tensor("y")) });
  }
  return differences;
}

function weightsOf(found: GoldenCase, graph: Graph): Weights {
  const entries = graph.parameters.map(({ name }) => {
    const tensor = found.tensor(`param.${name.slice(PREFIX.length)}`);
    return [name, { dtype: tensor.dtype, shape: tensor.shape, read: () => toStored(tensor) }] as const;
  });
  return { tensors: new Map(entries), from: found.name, close: () => undefined };
}

/** The largest difference over the largest expected value; infinite for another shape, and where only one is NaN. */
export function relativeDifference(actual: HostTensor, expected: HostTensor): number {
  if (actual.shape.join() !== expected.shape.join() || expected.data.length === 0) return Infinity;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const here = Math.abs(actual.data[i]! - expected.data[i]!);
    difference = Math.max(difference, Number.isNaN(here) ? Infinity : here);
    largest = Math.max(largest, Math.abs(expected.data[i]!));
  }
  return difference === 0 ? 0 : difference / largest;
}
