import { Problem } from "../../checkpoint/problem.ts";
import { toFloat32 } from "../../checkpoint/stored.ts";
import type { EmittedTensor, EmittedTensors } from "../../emit/emitted.ts";
import type { Plan } from "../../plan/plan.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { hostTensor, type HostTensor } from "../../tensor/host.ts";
import { stop, Stop } from "../stop.ts";
import type { Weights } from "./weights.ts";

export function emittedWeights(weights: Weights): EmittedTensors {
  const tensors: Record<string, EmittedTensor> = {};
  for (const [name, tensor] of weights.tensors) {
    const stored = tensor.read();
    const data = toFloat32(stored);
    tensors[name] = { data: isFloat(stored.dtype) ? data : Int32Array.from(data), shape: stored.shape };
  }
  return tensors;
}

export const emittedInputs = (inputs: ReadonlyMap<string, HostTensor>): EmittedTensors =>
  Object.fromEntries([...inputs].map(([name, tensor]) => [name, toEmitted(tensor)]));

const toEmitted = ({ dtype, shape, data }: HostTensor): EmittedTensor => ({
  data: isFloat(dtype) ? Float32Array.from(data) : Int32Array.from(data),
  shape,
});

/** The outputs of an emitted module, with the types that the plan gives them. */
export function hostOutputs(plan: Plan, outputs: EmittedTensors): ReadonlyMap<string, HostTensor> {
  const types = new Map(plan.outputs.map(({ name, type }) => [name, type.dtype]));
  return new Map(
    Object.entries(outputs).map(([name, { data, shape }]) => [
      name,
      hostTensor(types.get(name) ?? "f32", shape, data),
    ]),
  );
}

/** What emitted modules and the interpreter throw for what a user gave them, and with which code it is told. */
const codes: { readonly [name: string]: string } = {
  InputError: "E816",
  EvaluationError: "E816",
  WeightsError: "E816",
  DeviceError: "E832",
};

/** How JavaScript says that an array is too large, for the machine or for the language. */
const TOO_LARGE =
  /^(Array buffer allocation failed|Invalid typed array length|Invalid array (buffer )?length)/;

/** Ends the command where inputs, weights, memory or a device do not fit: emitted modules say so by the error's name. */
export async function mistakes<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const code = error instanceof Error && Object.hasOwn(codes, error.name) ? codes[error.name] : undefined;
    if (code !== undefined) throw new Stop([new Problem(code, (error as Error).message)]);
    if (error instanceof RangeError && TOO_LARGE.test(error.message))
      stop(
        "E835",
        `there is not enough memory for these sizes: ${error.message}`,
        "fewer rows, or shorter ones, take less; `lmg stats` says how much, with --train for a step of training",
      );
    throw error;
  }
}
