import type { EmittedTensors, SaidDims } from "../../emit/emitted.ts";

/** The parts of a decoding program; `encode` is there if the model reads something beside the text. */
export type DecodingPart = "encode" | "append" | "step" | "all";

/** What runs the parts on a state of its own: an emitted model of any target. */
export interface PartsModel {
  readonly run: (
    part: DecodingPart,
    inputs: EmittedTensors,
    dims: SaidDims,
  ) => EmittedTensors | Promise<EmittedTensors>;
  readonly readState: () => EmittedTensors | Promise<EmittedTensors>;
  readonly writeState: (state: EmittedTensors) => void | Promise<void>;
  readonly close: () => void;
}

/** Makes a model whose state has these sizes, on the weights that it has already. */
export type OpenParts = (dims: SaidDims) => PartsModel | Promise<PartsModel>;
