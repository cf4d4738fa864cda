import type { StateSizes, StateTensors } from "./form.ts";

/** The parts of a decoding program; `encode` is there if the model reads something beside the text. */
export type DecodingPart = "encode" | "append" | "step" | "all";

/**
 * What runs the parts on a state of its own: all that a target gives for sessions. Whatever it answers may come later; runs
 * are never asked for while another is under way.
 */
export interface PartsModel {
  readonly run: (
    part: DecodingPart,
    inputs: StateTensors,
    sizes: StateSizes,
  ) => StateTensors | Promise<StateTensors>;
  /** Copies of the states, or of those that are named. */
  readonly readState: (names?: readonly string[]) => StateTensors | Promise<StateTensors>;
  readonly writeState: (state: StateTensors) => void | Promise<void>;
  readonly close: () => void;
}

/** Makes states of these sizes, and what runs on them with the weights that the model has already. */
export type OpenParts = (sizes: StateSizes) => PartsModel | Promise<PartsModel>;
