import { Problem } from "../checkpoint/problem.ts";
import { importModule, type ThreadedModule } from "../emit/emitted.ts";
import { emitWasm } from "../emit/wasm/emit.ts";
import type { Plan } from "../plan/plan.ts";
import { plural } from "../support/text.ts";
import { attempt } from "./attempt.ts";
import type { Engine } from "./engine.ts";
import { loadOptionsOf, type EngineOptions } from "./engine-options.ts";
import { emittedInputs, hostOutputs, streamedWeights } from "./tensors.ts";
import type { Weights } from "./weights.ts";

/** Emits the plan as WebAssembly, imports it, and gives it the weights and threads: as many as help, if none are said. */
export async function webassemblyEngine(
  plan: Plan,
  weights: Weights,
  { threads, ...loading }: EngineOptions,
): Promise<Engine | Problem> {
  const [file] = emitWasm(plan, { types: false }).files;
  const { createModel } = await importModule<ThreadedModule>(file!.text);
  const options = { ...loadOptionsOf(loading), ...(threads === undefined ? {} : { threads }) };
  const model = await attempt(() => createModel(streamedWeights(weights), options));
  if (model instanceof Problem) return model;
  return {
    description: `plan of ${plural(plan.steps.length, "step")}`,
    run: (inputs) => attempt(async () => hostOutputs(plan, await model.run(emittedInputs(inputs)))),
    close: model.close,
  };
}
