import { fragment } from "../../ts/text.ts";

/** What runs the model, as the emitted module declares it. */
export const modelType = fragment`
  export interface Model {
    /**
     * Runs the model. The run-time dims come from the shapes of the inputs. Memory on the device is kept for the next run
     * and grows when the inputs do. Runs that overlap wait for each other.
     */
    readonly run: (inputs: Inputs) => Promise<Outputs>;
    /** Frees the device's memory; the device itself is the caller's. */
    readonly destroy: () => void;
  }

  interface Dispatch {
    readonly kernel: KernelName;
    readonly constants: Readonly<Record<string, number>>;
    /** Names of the memory of its bindings. */
    readonly memory: readonly string[];
    /** Workgroups along x, y and z; "rows" are those of a part of the matrix that is too large for one binding. */
    readonly groups: (dims: Dims, rows: number) => readonly number[];
    /** Whether it is meant for a run of these sizes. */
    readonly when?: (dims: Dims) => boolean;
    /** The binding of a matrix that may be too large to bind, and its rows. */
    readonly parts?: { readonly binding: number; readonly rows: number; readonly rowBytes: number };
  }

  interface Step {
    /** The layer and its line in the model's file. */
    readonly place: string;
    /** Of these the first that is meant for the run's sizes is run. */
    readonly dispatches: readonly Dispatch[];
  }

  interface Memory {
    readonly name: string;
    readonly bytes: (dims: Dims) => number;
    readonly isOutput?: boolean;
  }

  /** A dispatch with all that does not change from run to run. */
  interface Ready extends Omit<Dispatch, "parts"> {
    readonly place: string;
    readonly pipeline: GPUComputePipeline;
    readonly rows: number;
    /** The bytes of one binding, if it is a part of a matrix. */
    readonly part: { readonly binding: number; readonly offset: number; readonly size: number } | undefined;
    /** Which dispatches stand for each other: one of them runs. */
    readonly step: number;
    /** Which part of a matrix this is. */
    readonly turn: number;
    bound: GPUBindGroup | undefined;
  }
`;
