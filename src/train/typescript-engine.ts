import { importModule, type CpuModule } from "../emit/emitted.ts";
import { emitTypeScript } from "../emit/ts/emit.ts";
import { plural } from "../support/text.ts";
import type { EngineFactory } from "./engine.ts";
import { scalarsOf, type PartName } from "./program.ts";

/** Runs emitted JavaScript. Nothing here needs Node. */
export const typescriptEngine: EngineFactory = async (program, initial) => {
  const { createModel } = await importModule<CpuModule<PartName>>(
    emitTypeScript(program.plan, { types: false }).files[0]!.text,
  );
  const model = createModel(initial);
  return {
    description: `plan of ${plural(program.update.plan.steps.length, "step")}`,
    run: (part, inputs) => Promise.resolve(scalarsOf(model[part](inputs))),
    readState: () => Promise.resolve(model.readState()),
    writeState: (given) => {
      model.writeState(given);
      return Promise.resolve();
    },
    close: () => undefined,
  };
};
