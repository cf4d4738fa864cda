import { expect } from "vitest";
import { parseHeader, readHeaderLength, LENGTH_BYTES } from "../../../src/checkpoint/safetensors-header.ts";
import { writeSafetensors } from "../../../src/checkpoint/safetensors.ts";
import { toStored } from "../../../src/checkpoint/stored.ts";
import { onnxBytes, onnxModel } from "../../../src/export/onnx/emit.ts";
import type { FindPlace } from "../../../src/export/onnx/exporter.ts";
import type { Opset } from "../../../src/export/onnx/opsets.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import type { Dtype } from "../../../src/tensor/dtype.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { rounded } from "../../emit/compare.ts";

/** A tensor of onnxruntime. */
export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array | BigInt64Array;
}

export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly run: (
    feeds: Readonly<Record<string, OnnxTensor>>,
  ) => Promise<Readonly<Record<string, OnnxTensor>>>;
  readonly release: () => Promise<void>;
}

/** As much of onnxruntime-web as is used here. */
interface Runtime {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string };
  readonly Tensor: new (type: string, data: OnnxTensor["data"], dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    readonly create: (model: Uint8Array, options: object) => Promise<OnnxSession>;
  };
}

// By a name that the type checker does not follow: a checkout without it is still checked, and all other tests run.
const runtime: string = "onnxruntime-web";
const { env, Tensor, InferenceSession } = (await import(/* @vite-ignore */ runtime)) as Runtime;
export { Tensor };

// One thread: models are small, and threads of WebAssembly would outlive a test.
env.wasm.numThreads = 1;
env.logLevel = "error";

/** What the file of weights is called beside a model. */
export const WEIGHTS = "model.safetensors";

export type HostTensors = Readonly<Record<string, HostTensor>>;

/** A file of weights, and where in it each is. */
export function weightsFile(
  parameters: HostTensors,
  dtype?: Dtype,
): { readonly bytes: Uint8Array; readonly places: FindPlace } {
  const tensors = Object.entries(parameters).map(
    ([name, tensor]) => [name, toStored(tensor, dtype)] as const,
  );
  const bytes = writeSafetensors(new Map(tensors));
  const length = readHeaderLength(bytes.subarray(0, LENGTH_BYTES), bytes.length, WEIGHTS) as number;
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length), bytes.length, WEIGHTS, {});
  if (!("entries" in header)) throw new Error(header.message);
  const entries = new Map(header.entries.map((entry) => [entry.name, entry]));
  const places: FindPlace = (name) => {
    const { dtype: stored, shape, start, end } = entries.get(name)!;
    return [{ dtype: stored, shape, location: WEIGHTS, offset: start, length: end - start }];
  };
  return { bytes, places };
}

/** A session of onnxruntime's WebAssembly. */
export async function createSession(model: Uint8Array, options: object): Promise<OnnxSession> {
  const session = await InferenceSession.create(model, { executionProviders: ["wasm"], ...options });
  // onnxruntime gives Node a `Worker`, by which modules that run in this process later would take it for a page.
  Reflect.deleteProperty(globalThis, "Worker");
  return session;
}

/** A session on a model and the file of its weights. */
export const openSession = (model: Uint8Array, weights: Uint8Array): Promise<OnnxSession> =>
  createSession(model, { externalData: [{ path: WEIGHTS, data: weights }] });

export async function runSession(session: OnnxSession, inputs: HostTensors): Promise<HostTensors> {
  const feeds = Object.entries(inputs).map(([name, tensor]) => [name, tensorOf(tensor)] as const);
  const results = await session.run(Object.fromEntries(feeds));
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, hostOf(tensor)]));
}

function tensorOf({ dtype, shape, data }: HostTensor): OnnxTensor {
  if (dtype === "bool") return new Tensor("bool", Uint8Array.from(data), shape);
  if (dtype === "i64") return new Tensor("int64", BigInt64Array.from(Array.from(data, BigInt)), shape);
  if (dtype === "i32") return new Tensor("int32", Int32Array.from(data), shape);
  return new Tensor("float32", Float32Array.from(data), shape);
}

function hostOf({ type, dims, data }: OnnxTensor): HostTensor {
  const dtype = type === "bool" ? "bool" : type === "int32" ? "i32" : "f32";
  return { dtype, shape: dims, data: Float64Array.from(data as Float32Array, Number) };
}

export function modelBytes(graph: Graph, places: FindPlace, opset?: Opset): Uint8Array {
  const model = onnxModel(graph, { places, ...(opset && { opset }) });
  if ("reason" in model) throw new Error(model.detail);
  return onnxBytes(model);
}

/** The largest difference of an output, relative to its largest element. */
export async function onnxDifference(
  graph: Graph,
  sizes: readonly Readonly<Record<string, number>>[],
  opset: Opset,
): Promise<number> {
  const parameters = rounded(randomParameters(graph, 2));
  const { bytes, places } = weightsFile(parameters, "f32");
  const session = await openSession(modelBytes(graph, places, opset), bytes);
  let largest = 0;
  for (const [index, each] of sizes.entries()) {
    const inputs = rounded(randomInputs(graph, each, index + 1));
    const found = await runSession(session, inputs);
    const expected = interpret(graph, { inputs, parameters });
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [name, tensor] of Object.entries(expected))
      largest = Math.max(largest, differenceOf(found[name]!, tensor));
  }
  await session.release();
  return largest;
}

/** Relative to the largest element, or to 1 where all are small; elements that are alike, as two NaNs, differ by nothing. */
export function differenceOf(found: HostTensor, expected: HostTensor): number {
  expect(found.shape).toEqual(expected.shape);
  let [scale, difference] = [1, 0];
  expected.data.forEach((value, i) => {
    const got = found.data[i]!;
    if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
    if (Object.is(value, got) || value === got) return;
    difference = Number.isNaN(got - value) ? Infinity : Math.max(difference, Math.abs(got - value));
  });
  return difference / scale;
}
