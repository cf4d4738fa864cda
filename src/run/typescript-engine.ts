import type { Problem } from "../checkpoint/problem.ts";
import { importModule, type CpuModule } from "../emit/emitted.ts";
import { emitTypeScript } from "../emit/ts/emit.ts";
import type { Plan } from "../plan/plan.ts";
import { plural } from "../support/text.ts";
import { attempt } from "./attempt.ts";
import type { Engine } from "./engine.ts";
import { emittedInputs, emittedWeights, hostOutputs } from "./tensors.ts";
import type { Weights } from "./weights.ts";

/** Emits the plan as JavaScript, imports it, and gives it the weights. */
export async function typescriptEngine(plan: Plan, weights: Weights): Promise<Engine | Problem> {
  const [file] = emitTypeScript(plan, { types: false }).files;
  const { createModel } = await importModule<CpuModule>(file!.text);
  const model = createModel(emittedWeights(weights));
  return {
    description: `plan of ${plural(plan.steps.length, "step")}`,
    run: (inputs) => attempt(() => hostOutputs(plan, model.run(emittedInputs(inputs)))),
    close: () => undefined,
  };
}
