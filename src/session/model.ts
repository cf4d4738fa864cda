import type { StateSizes, StateTensor, StateTensors } from "./form.ts";
import type { StateMove } from "./state.ts";

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
  /** The states where they lie, for targets on which a way through the host takes long. */
  readonly memory?: StateMemory;
  /** What tells of logits where they lie; there if the form has `picks`. */
  readonly picks?: PickingModel;
  readonly close: () => void;
}

/** States where they lie. */
export interface StateMemory {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Takes elements of the states of another one, which was opened by the same model. */
  readonly take: (other: PartsModel, moves: readonly StateMove[]) => Promise<void>;
}

/**
 * A part that tells of the logits of a run: `best` the likeliest token alone, -1 where they are no numbers; `top` the
 * likeliest ones, what the others weigh, and the logits that are asked for.
 */
export interface LogitsPick {
  readonly part: "best" | "top";
  readonly inputs: StateTensors;
}

/** Logits of one text that stay where they are made. What is asked for while a run is under way is run after it. */
export interface PickingModel {
  /** Runs a part, and what tells of its logits, which alone comes back. */
  readonly run: (
    part: "append" | "step",
    inputs: StateTensors,
    sizes: StateSizes,
    pick: LogitsPick,
  ) => Promise<StateTensors>;
  /** Runs `step` on the token that `best` found last, wherever it is known. */
  readonly follow: (sizes: StateSizes) => Promise<StateTensors>;
  /** The logits [V] of the last run. */
  readonly logits: () => Promise<StateTensor>;
}

/** Makes states of these sizes, and what runs on them with the weights that the model has already. */
export type OpenParts = (sizes: StateSizes) => PartsModel | Promise<PartsModel>;
