import { importModule, type ThreadedModule } from "../emit/emitted.ts";
import { emitWasm } from "../emit/wasm/emit.ts";
import { plural } from "../support/text.ts";
import type { EngineFactory } from "./engine.ts";
import { scalarsOf, type PartName } from "./program.ts";

/**
 * Runs emitted WebAssembly, in as many threads as help if none are said. How many there are changes no bit. Nothing here
 * needs Node.
 */
export const webassemblyEngine =
  (threads?: number): EngineFactory =>
  async (program, initial) => {
    const { createModel } = await importModule<ThreadedModule<PartName>>(
      emitWasm(program.plan, { types: false }).files[0]!.text,
    );
    const model = await createModel(initial, threads === undefined ? {} : { threads });
    return {
      description: `plan of ${plural(program.update.plan.steps.length, "step")}`,
      run: async (part, inputs) => scalarsOf(await model[part](inputs)),
      readState: model.readState,
      writeState: model.writeState,
      close: model.close,
    };
  };
