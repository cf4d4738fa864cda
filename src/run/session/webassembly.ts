import { importModule, type EmittedTensors, type ThreadedModule } from "../../emit/emitted.ts";
import { emitWasm } from "../../emit/wasm/emit.ts";
import type { Decoding } from "../../incremental/program.ts";
import type { Target } from "../../kernels/target.ts";
import { planProgram } from "../../plan/build.ts";
import type { DecodingPart, OpenParts } from "./model.ts";

/** The same as WebAssembly, in as many threads as help if none are said; each model has a copy of the weights. */
export async function webassemblyParts(
  { program }: Decoding,
  weights: EmittedTensors,
  target: Target,
  threads?: number,
): Promise<OpenParts> {
  const { text } = emitWasm(planProgram(program, { target }), { types: false }).files[0]!;
  const { createModel } = await importModule<ThreadedModule<DecodingPart>>(text);
  return async (dims) => {
    const model = await createModel(weights, { dims, ...(threads === undefined ? {} : { threads }) });
    return {
      run: (part, inputs, said) => model[part](inputs, said),
      readState: () => model.readState(),
      writeState: (state) => model.writeState(state),
      close: () => model.close(),
    };
  };
}
