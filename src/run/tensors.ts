import { partsOf } from "../checkpoint/parts.ts";
import { readFloat32, readInt32, toInt32 } from "../checkpoint/stored.ts";
import type { EmittedTensor, EmittedTensors } from "../emit/emitted.ts";
import type { Plan } from "../plan/plan.ts";
import { dtypeBytes, isFloat } from "../tensor/dtype.ts";
import { hostTensor, type HostTensor } from "../tensor/host.ts";
import type { StreamedSource, StreamedTensor } from "../weights/stream.ts";
import type { Tensors } from "./engine.ts";
import type { Weights } from "./weights.ts";

/* Tensors as the host has them, and as emitted modules take and give them. */

export function emittedWeights(weights: Weights): EmittedTensors {
  const tensors: Record<string, EmittedTensor> = {};
  for (const [name, tensor] of weights.tensors) {
    const stored = tensor.read();
    tensors[name] = {
      data: isFloat(stored.dtype) ? readFloat32(stored) : toInt32(stored),
      shape: stored.shape,
    };
  }
  return tensors;
}

/** The same read when they are wanted, a part at a time, for modules that take them so. */
export function streamedWeights(weights: Weights): StreamedSource {
  const streamed = [...weights.tensors].map(([name, tensor]): [string, StreamedTensor] => {
    const { dtype, shape } = tensor;
    const parts = partsOf(tensor);
    const read = isFloat(dtype)
      ? (first: number, end: number) => readFloat32(parts(first, end))
      : (first: number, end: number) => readInt32(parts(first, end));
    return [name, { shape, dtype: isFloat(dtype) ? "f32" : "i32", read, elementBytes: dtypeBytes[dtype] }];
  });
  return new Map(streamed);
}

export const emittedInputs = (inputs: Tensors): EmittedTensors =>
  Object.fromEntries([...inputs].map(([name, tensor]) => [name, emittedTensor(tensor)]));

export const emittedTensor = ({ dtype, shape, data }: HostTensor): EmittedTensor => ({
  data: isFloat(dtype) ? Float32Array.from(data) : Int32Array.from(data),
  shape,
});

/** The outputs of an emitted module, with the types that the plan gives them. */
export function hostOutputs(plan: Plan, outputs: EmittedTensors): Tensors {
  const types = new Map(plan.outputs.map(({ name, type }) => [name, type.dtype]));
  return new Map(
    Object.entries(outputs).map(([name, { data, shape }]) => [
      name,
      hostTensor(types.get(name) ?? "f32", shape, data),
    ]),
  );
}
