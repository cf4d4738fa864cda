import type { LoadOptions, StreamedSource } from "../weights/stream.ts";

/** A tensor as emitted modules take and give it: its elements row-major. */
export interface EmittedTensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

export type EmittedTensors = Readonly<Record<string, EmittedTensor>>;

/** State as it comes back from a module: a copy. */
export type EmittedState = Readonly<Record<string, EmittedTensor & { readonly data: Float32Array }>>;

/*
 * What WebGPU calls them, where its types are declared: programs without `dom` or @webgpu/types read the declarations of
 * lmg too.
 */
export type WebGpu = Declared<"GPU">;
export type WebGpuAdapter = Declared<"GPUAdapter">;
export type WebGpuDevice = Declared<"GPUDevice">;

type Declared<Name extends string> = typeof globalThis extends {
  readonly [name in Name]: { readonly prototype: infer Declaration };
}
  ? Declaration
  : unknown;

/** Weights of which some or all are read when they are wanted. */
export type EmittedWeights = EmittedTensors | StreamedSource;

/** What `createModel` takes beside the weights, which throws WeightsError where they do not fit. */
export interface ModelOptions {
  /** Patterns of tensors that may be there and are not used. */
  readonly ignore?: readonly RegExp[];
  /** Run-time dims of the state, which are fixed when its memory is made. */
  readonly dims?: Readonly<Record<string, number>>;
}

/** What every emitted module exports, as far as lmg itself uses it; `Place` is where its models are made. */
export interface EmittedModule<Place extends readonly unknown[], Model> {
  readonly createModel: (
    ...given: [...place: Place, weights: EmittedTensors, options?: ModelOptions]
  ) => Model;
}

/** A module for the CPU: Float32Arrays that it is given as weights are used where they lie; a state is a copy. */
export type CpuModule<Part extends string = "run"> = EmittedModule<readonly [], CpuModel<Part>>;

/** What of a run's dims no input says. */
export type SaidDims = Readonly<Record<string, number>>;

/** A function for each part of a program; what reads and writes the state is there if the plan has one. */
export type CpuModel<Part extends string = "run"> = Readonly<
  Record<Part, (inputs: EmittedTensors, dims?: SaidDims) => EmittedTensors>
> & {
  readonly readState: () => EmittedState;
  readonly writeState: (state: EmittedTensors) => void;
};

/** What a module of WebAssembly takes beside: in how many threads it runs. */
export interface ThreadedOptions extends ModelOptions, LoadOptions {
  readonly threads?: number;
}

/** A module of WebAssembly, which answers later; throws EngineError for what no thread can do. */
export interface ThreadedModule<Part extends string = "run"> {
  readonly createModel: (weights: EmittedWeights, options?: ThreadedOptions) => Promise<ThreadedModel<Part>>;
}

/** As `CpuModel`, but all of it answers later; `close` ends its threads. */
export type ThreadedModel<Part extends string = "run"> = LaterModel<Part> & {
  readonly close: () => void;
};

/** A module for the CPU that reads a clock as it runs: where the last run began its first step, and ended each, in ms. */
export interface ClockedModule extends CpuModule {
  readonly clock: readonly number[];
}

/** A module of WebAssembly whose models time their steps one by one. */
export interface ProfiledModule {
  readonly createModel: (weights: EmittedTensors, options?: ThreadedOptions) => Promise<ProfiledModel>;
}

export type ProfiledModel = ThreadedModel & {
  readonly profiles: { readonly run: (inputs: EmittedTensors, dims?: SaidDims) => Promise<StepTimes> };
};

/** The milliseconds of each step of a run, each by itself in all threads, and those of no step. */
export interface StepTimes {
  readonly threads: number;
  readonly none: number;
  readonly steps: readonly number[];
}

/** A module for a WebGPU device, which must have been requested with its features; throws DeviceError for what fails there. */
export interface DeviceModule<Part extends string = "run"> {
  readonly requiredFeatures: readonly string[];
  readonly createModel: (
    device: WebGpuDevice,
    weights: EmittedWeights,
    options?: ModelOptions & LoadOptions,
  ) => Promise<DeviceModel<Part>>;
}

/** As `CpuModel`, but all of it answers later. */
export type DeviceModel<Part extends string = "run"> = LaterModel<Part> & {
  readonly destroy: () => void;
};

type LaterModel<Part extends string> = Readonly<
  Record<Part, (inputs: EmittedTensors, dims?: SaidDims) => Promise<EmittedTensors>>
> & {
  readonly readState: () => Promise<EmittedState>;
  readonly writeState: (state: EmittedTensors) => Promise<void>;
};

/** Imports the JavaScript text of an emitted module, in Node and in browsers. */
export const importModule = async <Module>(text: string): Promise<Module> =>
  (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`)) as Module;
