import { Problem, quote, showSizes } from "../../checkpoint/problem.ts";
import { toFloat32 } from "../../checkpoint/stored.ts";
import { scalarFunctions } from "../../ops/scalar.ts";
import { listWords } from "../../support/text.ts";
import { orUnfit, Unfit, type CheckpointFiles, type Members } from "./files.ts";

/** What is done to the vector of a text when it is made: the modules behind the pooling, and heads on one token. */
export type VectorLayer = DenseLayer | NormLayer | { readonly kind: "normalize" };

/** y = act(W x + b), and x or R x beside it where it has a residual. */
export interface DenseLayer {
  readonly kind: "dense";
  readonly activation: Activation;
  /** [out, in] */
  readonly weight: Matrix;
  readonly bias: Float32Array | undefined;
  /** True for x itself. */
  readonly residual: Matrix | boolean;
}

interface NormLayer {
  readonly kind: "layernorm";
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** Modules of PyTorch by their names, as functions of numbers. */
const activations = {
  Identity: (x: number) => x,
  Tanh: Math.tanh,
  Sigmoid: scalarFunctions.sigmoid.evaluate,
  ReLU: (x: number) => Math.max(0, x),
  GELU: scalarFunctions.gelu.evaluate,
  SiLU: scalarFunctions.silu.evaluate,
} as const;

export type Activation = keyof typeof activations;

/** The activation of a class by its path, `torch.nn.modules.activation.Tanh`; undefined for one that is not known. */
export const activationOf = (path: string): Activation | undefined => {
  const name = path.split(".").at(-1)!;
  return path.startsWith("torch.") && Object.hasOwn(activations, name) ? (name as Activation) : undefined;
};

export const activationNames = listWords(Object.keys(activations), "or");

/** As `torch.nn.LayerNorm` has it if nothing is said. */
const NORM_EPS = 1e-5;
/** As `torch.nn.functional.normalize`. */
const LEAST_LENGTH = 1e-12;

/** The vector after a layer, in float64. */
export function applyLayer(layer: VectorLayer, x: Float64Array): Float64Array {
  switch (layer.kind) {
    case "normalize": {
      const length = Math.max(LEAST_LENGTH, Math.sqrt(x.reduce((sum, value) => sum + value * value, 0)));
      return x.map((value) => value / length);
    }
    case "layernorm": {
      const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
      const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
      const scale = 1 / Math.sqrt(variance + NORM_EPS);
      return x.map((value, i) => (value - mean) * scale * layer.weight[i]! + layer.bias[i]!);
    }
    case "dense": {
      const { weight, bias, residual } = layer;
      const act = activations[layer.activation];
      const beside = typeof residual === "object" ? product(residual, x) : residual ? x : undefined;
      return product(weight, x).map((value, i) => act(value + (bias?.[i] ?? 0)) + (beside?.[i] ?? 0));
    }
  }
}

function product({ rows, columns, data }: Matrix, x: Float64Array): Float64Array {
  const out = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += data[row * columns + i]! * x[i]!;
    out[row] = sum;
  }
  return out;
}

/** The width of a vector after layers; what does not fit is a problem that names the folder. */
export function widthAfter(layers: readonly VectorLayer[], width: number, name: string): number | Problem {
  let now = width;
  for (const layer of layers) {
    const wanted =
      layer.kind === "dense" ? layer.weight.columns : layer.kind === "layernorm" ? layer.weight.length : now;
    if (wanted !== now)
      return new Problem(
        "E745",
        `${name}: a module behind the pooling takes vectors of ${wanted} numbers, and those that come to it have ${now}`,
      );
    if (layer.kind === "dense") now = layer.weight.rows;
  }
  return now;
}

/** The Dense of a module's folder. */
export function denseLayer(members: Members, files: CheckpointFiles, path: string): DenseLayer {
  const given = members.text("activation_function") ?? "torch.nn.modules.activation.Tanh";
  const activation = activationOf(given);
  if (activation === undefined) members.refuse("activation_function", `${activationNames} of torch`);
  return withTensors(files, path, ({ matrix, vector }) => {
    const weight = matrix("linear.weight");
    const isWide = members.truth("use_residual") === true;
    return {
      kind: "dense",
      activation,
      weight,
      bias: members.truth("bias") === false ? undefined : vector("linear.bias", weight.rows),
      residual: isWide && weight.rows !== weight.columns ? matrix("residual.weight") : isWide,
    };
  });
}

/** The LayerNorm of a module's folder. */
export const readNorm = (files: CheckpointFiles, path: string): VectorLayer =>
  withTensors(files, path, ({ vector }) => {
    const weight = vector("norm.weight");
    return { kind: "layernorm", weight, bias: vector("norm.bias", weight.length) };
  });

/** The head of a decoder that gives classes: `score`, a product with the vector of the last token. */
export const scoreLayer = (files: CheckpointFiles, width: number, labels: number): DenseLayer =>
  withTensors(files, "", ({ matrix }) => {
    const weight = matrix("score.weight", [labels, width]);
    return { kind: "dense", activation: "Identity", weight, bias: undefined, residual: false };
  });

/** The tensors of a folder as float32, by name. */
interface Tensors {
  readonly matrix: (tensor: string, sizes?: readonly number[]) => Matrix;
  readonly vector: (tensor: string, size?: number) => Float32Array;
}

/** Reads tensors of a folder; one that is not there or of another shape ends the reading. */
function withTensors<T>(files: CheckpointFiles, path: string, use: (tensors: Tensors) => T): T {
  const { tensors, name, close } = orUnfit(files.weights(path));
  const read = (tensor: string, fits: (shape: readonly number[]) => boolean, expected: string) => {
    const found = tensors.get(tensor);
    if (found !== undefined && fits(found.shape))
      return { shape: found.shape, data: toFloat32(found.read()) };
    const what = found === undefined ? "and it is not there" : `found ${showSizes(found.shape)}`;
    throw new Unfit(new Problem("E745", `${name}: expected ${quote(tensor)} to be ${expected}, ${what}`));
  };
  try {
    return use({
      matrix: (tensor, sizes) => {
        const expected = sizes === undefined ? "a matrix" : `a matrix ${showSizes(sizes)}`;
        const fits = (found: readonly number[]): boolean =>
          found.length === 2 && (sizes === undefined || found.join() === sizes.join());
        const { shape, data } = read(tensor, fits, expected);
        return { rows: shape[0]!, columns: shape[1]!, data };
      },
      vector: (tensor, size) => {
        const expected = size === undefined ? "a vector" : `a vector of ${size}`;
        const fits = ({ length, 0: first }: readonly number[]): boolean =>
          length === 1 && (size === undefined || first === size);
        return read(tensor, fits, expected).data;
      },
    });
  } finally {
    close();
  }
}
