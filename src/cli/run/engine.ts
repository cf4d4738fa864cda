import { toHostTensor } from "../../checkpoint/stored.ts";
import { importModule, type CpuModule } from "../../emit/emitted.ts";
import { emitTypeScript } from "../../emit/ts/emit.ts";
import type { Graph } from "../../ir/graph.ts";
import { interpret } from "../../ir/interpret.ts";
import type { Plan } from "../../plan/plan.ts";
import { plural } from "../../support/text.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { orStop } from "../stop.ts";
import { emittedInputs, emittedWeights, hostOutputs, mistakes } from "./emitted.ts";
import type { Weights } from "./weights.ts";

/** Something that runs a model on inputs by name and gives its outputs by name. */
export interface Engine {
  /** What the user is told of it. */
  readonly description: string;
  readonly run: (inputs: ReadonlyMap<string, HostTensor>) => Promise<ReadonlyMap<string, HostTensor>>;
  /** Gives back what it holds beside memory; it does not run after that. */
  readonly close: () => void;
}

/** The weights as the interpreter takes them. */
export function hostWeights(weights: Weights): Readonly<Record<string, HostTensor>> {
  const parameters: Record<string, HostTensor> = {};
  for (const [name, tensor] of weights.tensors)
    parameters[name] = orStop(toHostTensor(tensor.read(), `${weights.from}: ${name}`));
  return parameters;
}

/** Interprets a graph in float64. */
export function interpreterEngine(graph: Graph, weights: Weights): Engine {
  const parameters = hostWeights(weights);
  return {
    description: `interpreted in float64, ${plural(graph.nodes.length, "node")}`,
    run: (inputs) =>
      mistakes(
        () => new Map(Object.entries(interpret(graph, { inputs: Object.fromEntries(inputs), parameters }))),
      ),
    close: () => undefined,
  };
}

/** Emits the plan as JavaScript, imports it, and gives it the weights. */
export async function planEngine(plan: Plan, weights: Weights): Promise<Engine> {
  const { createModel } = await importModule<CpuModule>(
    emitTypeScript(plan, { types: false }).files[0]!.text,
  );
  const model = createModel(emittedWeights(weights));
  return {
    description: `plan of ${plural(plan.steps.length, "step")}`,
    run: (inputs) => mistakes(() => hostOutputs(plan, model.run(emittedInputs(inputs)))),
    close: () => undefined,
  };
}
