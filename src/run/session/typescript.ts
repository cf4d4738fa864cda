import { importModule, type CpuModule, type EmittedTensors } from "../../emit/emitted.ts";
import { emitTypeScript } from "../../emit/ts/emit.ts";
import type { Decoding } from "../../incremental/program.ts";
import { planProgram } from "../../plan/build.ts";
import type { DecodingPart, OpenParts } from "./model.ts";

/** Emits a decoding program as JavaScript, whose models share the weights that they are given. */
export async function typescriptParts({ program }: Decoding, weights: EmittedTensors): Promise<OpenParts> {
  const { text } = emitTypeScript(planProgram(program), { types: false }).files[0]!;
  const { createModel } = await importModule<CpuModule<DecodingPart>>(text);
  return (dims) => {
    const model = createModel(weights, { dims });
    return {
      run: (part, inputs, said) => model[part](inputs, said),
      readState: () => model.readState(),
      writeState: (state) => model.writeState(state),
      close: () => undefined,
    };
  };
}
