/** A tensor as emitted modules take and give it: its elements row-major. */
export interface EmittedTensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

export type EmittedTensors = Readonly<Record<string, EmittedTensor>>;

/** State as it comes back from a module: a copy. */
export type EmittedState = Readonly<Record<string, EmittedTensor & { readonly data: Float32Array }>>;

/** The memory of a state on a device, by name: only to be handed to another module. */
export type DeviceState = ReadonlyMap<string, unknown>;

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

/** What `createModel` takes beside the weights, which throws WeightsError where they do not fit. */
export interface ModelOptions {
  /** Patterns of tensors that may be there and are not used. */
  readonly ignore?: readonly RegExp[];
  /** The state of another model on the same device, which this one shares as far as it has the same tensors. */
  readonly state?: DeviceState;
}

/** What every emitted module exports, as far as lmg itself uses it; `Place` is where its models are made. */
export interface EmittedModule<Place extends readonly unknown[], Model> {
  readonly createModel: (
    ...given: [...place: Place, weights: EmittedTensors, options?: ModelOptions]
  ) => Model;
}

/** A module for the CPU: Float32Arrays that it is given are used where they lie, those of a state too. */
export type CpuModule = EmittedModule<readonly [], CpuModel>;

export interface CpuModel {
  readonly run: (inputs: EmittedTensors) => EmittedTensors;
}

/** A module for a WebGPU device, which must have been requested with its features; throws DeviceError for what fails there. */
export interface DeviceModule extends EmittedModule<readonly [device: WebGpuDevice], Promise<DeviceModel>> {
  readonly requiredFeatures: readonly string[];
}

/** `state` and what reads and writes it are there if the plan has one. */
export interface DeviceModel {
  readonly run: (inputs: EmittedTensors) => Promise<EmittedTensors>;
  readonly state: DeviceState;
  readonly readState: () => Promise<EmittedState>;
  readonly writeState: (state: EmittedTensors) => Promise<void>;
  readonly destroy: () => void;
}

/** Imports the JavaScript text of an emitted module, in Node and in browsers. */
export const importModule = async <Module extends CpuModule | DeviceModule>(text: string): Promise<Module> =>
  (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`)) as Module;
