import { isJsonObject, ownValue, type JsonValue } from "../../../checkpoint/json.ts";
import type { KerasLayer } from "../model.ts";

/** A size, null for one that is known when the model runs; without the batch. */
export type Size = number | null;
export type Sizes = readonly Size[];

/** An array of a Keras file. */
export interface KerasArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer as `.lmg` has it. */
export interface Converted {
  /** Calls to be joined by arrows; the first that owns weights has the label. For layers of several inputs a value of their names. */
  readonly steps: readonly string[];
  /** Whether the steps begin with one value made of all inputs: `a + b`. */
  readonly joins?: (inputs: readonly string[]) => string;
  /** Weights by what follows the label, of those of the Keras layer in its order. */
  readonly weights: Readonly<Record<string, KerasArray>>;
  readonly shape: Sizes;
}

/** A layer with its weights, if the file has some, and what comes to it. */
export interface Given {
  readonly layer: KerasLayer;
  readonly weights: readonly KerasArray[];
  readonly inputs: readonly Sizes[];
  /** Its label. */
  readonly label: string;
}

/** A layer, or a configuration of it, that lmg has no form for: with what it is. */
export class NoForm {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

export type Convert = (given: Given) => Converted | NoForm;

export const flag = ({ config }: KerasLayer, key: string, fallback: boolean): boolean =>
  typeof config[key] === "boolean" ? config[key] : fallback;

export const numberOf = ({ config }: KerasLayer, key: string, fallback = 0): number =>
  typeof config[key] === "number" ? config[key] : fallback;

export const numbers = (value: JsonValue | undefined): readonly number[] =>
  Array.isArray(value)
    ? (value as readonly JsonValue[]).filter((each) => typeof each === "number")
    : typeof value === "number"
      ? [value]
      : [];

export const transposed = ({ shape: [rows = 0, columns = 0], data }: KerasArray): KerasArray => {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column]!;
  return { shape: [columns, rows], data: turned };
};

export const filled = (size: number, value: number): KerasArray => ({
  shape: [size],
  data: new Float32Array(size).fill(value),
});

/** What Keras calls its activations, as chains; those with an argument as Keras 3 has them. */
const activations: Readonly<Record<string, readonly string[]>> = {
  linear: [],
  relu: ["relu"],
  tanh: ["tanh"],
  sigmoid: ["sigmoid"],
  softmax: ["softmax"],
  gelu: ["gelu"],
  silu: ["silu"],
  swish: ["silu"],
  softplus: ["softplus"],
  exponential: ["exp"],
};

export function activationOf(value: JsonValue | undefined): readonly string[] | NoForm {
  if (value === null || value === undefined) return [];
  const name = isJsonObject(value) ? (ownValue(value, "config") ?? ownValue(value, "class_name")) : value;
  const found = typeof name === "string" && Object.hasOwn(activations, name) ? activations[name] : undefined;
  return found ?? new NoForm(`the activation ${JSON.stringify(name)}`);
}

/** One whose output is as its input. */
export const plain =
  (steps: (layer: KerasLayer) => readonly string[] | NoForm): Convert =>
  ({ layer, inputs: [shape = []] }) => {
    const made = steps(layer);
    return made instanceof NoForm ? made : { steps: made, weights: {}, shape };
  };

/** What a product owns, of what the file has of it; a kernel is turned as lmg has it. */
export const kernelAndBias = (
  kernel: KerasArray | undefined,
  bias: KerasArray | undefined,
  turned: (kernel: KerasArray) => KerasArray,
): Readonly<Record<string, KerasArray>> => ({
  ...(kernel === undefined ? {} : { ".weight": turned(kernel) }),
  ...(bias === undefined ? {} : { ".bias": bias }),
});
