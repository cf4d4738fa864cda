import type { Problem } from "../checkpoint/problem.ts";
import type { HostTensor } from "../tensor/host.ts";

/** Something that runs what was compiled. */
export interface Runner<Given extends readonly unknown[], Found> {
  /** What the user is told of it: `plan of 212 steps`. */
  readonly description: string;
  readonly run: (...given: Given) => Promise<Found>;
  /** Gives back what it holds beside memory; it does not run after that. */
  readonly close: () => void;
}

/** Inputs or outputs by name. */
export type Tensors = ReadonlyMap<string, HostTensor>;

/** Runs a model on inputs by name and gives its outputs by name; what does not fit is a problem. */
export type Engine = Runner<readonly [inputs: Tensors], Tensors | Problem>;
