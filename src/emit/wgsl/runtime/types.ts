import { fragment } from "../../module/text.ts";

/** The types of the tables of an emitted module. */
export const tableTypes = fragment`
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

  /** Weights on a device, and the pipelines of each part: what models on the same weights share. */
  interface Loaded {
    readonly device: GPUDevice;
    readonly memory: DeviceMemory;
    readonly compiled: ReadonlyMap<object, readonly Ready[]>;
    /** How many models use it. */
    users: number;
  }

  /** What a function of the model runs. */
  interface Part<Inputs, Outputs> {
    readonly steps: readonly Step[];
    readonly memory: readonly Memory[];
    readonly read: (inputs: Inputs, dims: Dims) => readonly (readonly [string, Float32Array | Int32Array])[];
    readonly results: (bytes: ReadonlyMap<string, ArrayBuffer>, dims: Dims) => Outputs;
    /** What another part takes or gives where it lies: the memory of logits, of a token. */
    readonly links?: Links;
  }

  interface Links {
    readonly logits: string;
    readonly token?: string;
  }
`;

/** The types of a table of states. */
export const keptType = fragment`
  /** What passes from run to run, and how it begins, if that is not 0: in that way, or as the weight of that name. */
  interface Kept extends KeptPlace {
    readonly begins: Float32Array | Int32Array | string | undefined;
  }

  interface KeptPlace {
    readonly name: string;
    readonly memory: string;
    readonly shape: readonly number[];
    readonly Kind: Float32ArrayConstructor | Int32ArrayConstructor;
  }
`;
