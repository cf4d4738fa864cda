import { importModule, type CpuModule, type EmittedTensors } from "../emit/emitted.ts";
import { emitTypeScript } from "../emit/ts/emit.ts";
import { plural } from "../support/text.ts";
import type { EngineFactory, PartName, StateArray, TrainingState } from "./engine.ts";
import { scalarsOf, type ProgramPart } from "./program.ts";

/** Runs emitted JavaScript: the plans' modules work on the same Float32Arrays. Nothing here needs Node. */
export const typescriptEngine: EngineFactory = async (program, initial) => {
  const state = Object.fromEntries(
    Object.entries(initial).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data) },
    ]),
  );
  const open = async (part: ProgramPart) => {
    const { createModel } = await importModule<CpuModule>(
      emitTypeScript(part.plan, { types: false }).files[0]!.text,
    );
    const model = createModel(state, { ignore: [/^/] });
    return (inputs: EmittedTensors) => scalarsOf(model.run(inputs));
  };
  const { update, accumulate, evaluation } = program;
  const runs: Partial<Record<PartName, Awaited<ReturnType<typeof open>>>> = {
    update: await open(update),
    evaluation: await open(evaluation),
    ...(accumulate && { accumulate: await open(accumulate) }),
  };
  return {
    description: `plan of ${plural(update.plan.steps.length, "step")}`,
    run: (part, inputs) => Promise.resolve(runs[part]!(inputs)),
    readState: () => Promise.resolve(copyOf(state)),
    writeState: (given) => {
      for (const [name, { data }] of Object.entries(given)) state[name]!.data.set(data);
      return Promise.resolve();
    },
    close: () => undefined,
  };
};

const copyOf = (state: Readonly<Record<string, StateArray>>): TrainingState =>
  Object.fromEntries(
    Object.entries(state).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  );
