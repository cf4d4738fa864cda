import { toFloat32, toHostTensor } from "../../checkpoint/stored.ts";
import { emitTypeScript } from "../../emit/ts/emit.ts";
import type { Graph } from "../../ir/graph.ts";
import { interpret } from "../../ir/interpret.ts";
import { Problem } from "../../checkpoint/problem.ts";
import type { Plan } from "../../plan/plan.ts";
import { plural } from "../../support/text.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { hostTensor, type HostTensor } from "../../tensor/host.ts";
import { orStop, Stop } from "../stop.ts";
import type { Weights } from "./weights.ts";

/** Something that runs a model on inputs by name and gives its outputs by name. */
export interface Engine {
  /** What the user is told of it. */
  readonly description: string;
  readonly run: (inputs: ReadonlyMap<string, HostTensor>) => Promise<ReadonlyMap<string, HostTensor>>;
}

/** Interprets a graph in float64. */
export function interpreterEngine(graph: Graph, weights: Weights): Engine {
  const parameters: Record<string, HostTensor> = {};
  for (const [name, tensor] of weights.tensors)
    parameters[name] = orStop(toHostTensor(tensor.read(), `${weights.from}: ${name}`));
  return {
    description: `interpreted in float64, ${plural(graph.nodes.length, "node")}`,
    run: (inputs) =>
      mistakes(
        () => new Map(Object.entries(interpret(graph, { inputs: Object.fromEntries(inputs), parameters }))),
      ),
  };
}

/** What a module that `emitTypeScript` wrote has to offer. */
interface EmittedModule {
  readonly createModel: (weights: Readonly<Record<string, EmittedTensor>>) => {
    readonly run: (
      inputs: Readonly<Record<string, EmittedTensor>>,
    ) => Readonly<Record<string, EmittedTensor>>;
  };
}

interface EmittedTensor {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** Emits the plan as JavaScript, imports it, and gives it the weights. */
export async function planEngine(plan: Plan, weights: Weights): Promise<Engine> {
  const [file] = emitTypeScript(plan, { types: false }).files;
  const url = `data:text/javascript;base64,${Buffer.from(file!.text).toString("base64")}`;
  const { createModel } = (await import(url)) as EmittedModule;
  const tensors: Record<string, EmittedTensor> = {};
  for (const [name, tensor] of weights.tensors) {
    const stored = tensor.read();
    const data = toFloat32(stored);
    tensors[name] = { data: isFloat(stored.dtype) ? data : Int32Array.from(data), shape: stored.shape };
  }
  const model = createModel(tensors);
  const outputTypes = new Map(plan.outputs.map(({ name, type }) => [name, type.dtype]));
  return {
    description: `plan of ${plural(plan.steps.length, "step")}`,
    run: (inputs) =>
      mistakes(() => {
        const given = Object.fromEntries([...inputs].map(([name, tensor]) => [name, toEmitted(tensor)]));
        const outputs = Object.entries(model.run(given));
        return new Map(
          outputs.map(([name, { data, shape }]) => [
            name,
            hostTensor(outputTypes.get(name) ?? "f32", shape, data),
          ]),
        );
      }),
  };
}

const toEmitted = ({ dtype, shape, data }: HostTensor): EmittedTensor => ({
  data: isFloat(dtype) ? Float32Array.from(data) : Int32Array.from(data),
  shape,
});

/** Inputs that do not fit are the user's mistake; the interpreter and emitted modules say so by the error's name. */
function mistakes<T>(run: () => T): Promise<T> {
  try {
    return Promise.resolve(run());
  } catch (error) {
    const names = ["InputError", "EvaluationError", "WeightsError"];
    if (error instanceof Error && names.includes(error.name))
      throw new Stop([new Problem("E816", error.message)]);
    throw error;
  }
}
