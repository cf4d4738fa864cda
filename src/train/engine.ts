import type { Runner } from "../run/engine.ts";
import type { HostTensor } from "../tensor/host.ts";
import type { Scalars } from "./measures.ts";
import type { PartName, TrainingProgram } from "./program.ts";

/** A tensor of the state. An engine that computes in float64 keeps it so, else a resumed run would differ. */
export interface StateArray {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array | Float64Array;
}

/** Parameters, running statistics, moments and sums of gradients by name: all that passes from step to step. */
export type TrainingState = Readonly<Record<string, StateArray>>;

/**
 * Something that runs the graphs of a training on a state that it keeps, where it likes: in arrays, or on a device. It runs
 * one part on its inputs and changes the state as that says. Runs of one engine never overlap.
 */
export interface TrainingEngine extends Runner<
  readonly [part: PartName, inputs: Readonly<Record<string, HostTensor>>],
  Scalars
> {
  /** The whole state, as copies that later runs leave alone. */
  readonly readState: () => Promise<TrainingState>;
  /** Replaces the tensors that are given; each has the shape of the one it replaces. */
  readonly writeState: (state: TrainingState) => Promise<void>;
}

/** Makes an engine that begins with a state, which has every tensor of `program.states`. */
export type EngineFactory = (program: TrainingProgram, state: TrainingState) => Promise<TrainingEngine>;
