import { fragment } from "../../module/text.ts";

/** What runs a plan that keeps nothing. */
const runsAtOnce = fragment`
  export interface Model {
    /**
     * Runs the model. The run-time dims come from the shapes of the inputs. Memory on the device is kept for the next run
     * and grows when the inputs do. Runs that overlap wait for each other.
     */
    readonly run: (inputs: Inputs) => Promise<Outputs>;
    /** Frees the device's memory; the device itself is the caller's. */
    readonly destroy: () => void;
  }
`;

/** What runs a plan with state: a training step. */
const keepsState = fragment`
  export interface Model {
    /**
     * Runs one step, which changes the state where it lies on the device. The run-time dims come from the shapes of the
     * inputs. Memory on the device is kept for the next run and grows when the inputs do. Runs that overlap wait for each
     * other.
     */
    readonly run: (inputs: Inputs) => Promise<Outputs>;
    /** What passes from step to step: another model on this device that is given it works on the same. */
    readonly state: DeviceState;
    /** A copy of the state as it is after the runs so far. */
    readonly readState: () => Promise<Record<string, FloatTensor>>;
    /** Replaces tensors of the state; throws WeightsError for one that the model does not keep. */
    readonly writeState: (source: WeightSource) => Promise<void>;
    /** Frees the device's memory but for state of another model; the device itself is the caller's. */
    readonly destroy: () => void;
  }

  /** Tensors of 32-bit floats by name, on a device. */
  export type DeviceState = ReadonlyMap<string, GPUBuffer>;

  export interface ModelOptions extends WeightOptions {
    /** The state of another model, which this one shares as far as it has the same tensors. */
    readonly state?: DeviceState;
  }
`;

/** What runs the model, as the emitted module declares it. */
export const modelType = (hasState: boolean): string[] => [
  ...(hasState ? keepsState : runsAtOnce),
  "",
  ...tables,
];

const tables = fragment`
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

  interface Pack {
    readonly name: string;
    readonly parts: readonly string[];
    /** Whether runs change a part. */
    readonly moves?: boolean;
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
