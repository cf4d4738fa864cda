import { roundTo, type Dtype } from "../../tensor/dtype.ts";
import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import { affineHasBias, affineHasWeight, type Affine } from "../infer/norm.ts";
import { aroundAxis, broadcastSizes, stretched } from "./index-walk.ts";

export type RowNormKind = "layer" | "rms" | "l2";

/** A norm over the last axis with its affine part: the body that norms and fused kernels share. */
export interface RowNorm {
  readonly kind: RowNormKind;
  readonly eps: number;
  readonly unitOffset?: boolean;
  readonly cast?: "before" | "after";
  readonly weight?: HostTensor | undefined;
  readonly bias?: HostTensor | undefined;
}

/** (x - centre) · scale is the normalized row. Mean first, then the variance about it: stable for a large mean. */
export function statisticsOf(
  row: Float64Array,
  kind: RowNormKind,
  eps: number,
): { centre: number; scale: number } {
  const width = row.length;
  let sum = 0;
  if (kind === "layer") for (const element of row) sum += element;
  const centre = kind === "layer" ? sum / width : 0;
  let squares = 0;
  for (const element of row) squares += (element - centre) ** 2;
  const scale = kind === "l2" ? 1 / Math.max(Math.sqrt(squares), eps) : 1 / Math.sqrt(squares / width + eps);
  return { centre, scale };
}

/** Half-precision results are rounded before the weight, after it, or both; other dtypes never in the oracle. */
const halfRounding = (dtype: Dtype): ((value: number) => number) =>
  dtype === "f16" || dtype === "bf16" ? (value) => roundTo(dtype, value) : (value) => value;

export function evaluateRowNorm(x: HostTensor, norm: RowNorm): HostTensor {
  const width = x.shape.at(-1)!;
  const source = Float64Array.from(x.data);
  const data = new Float64Array(source.length);
  const round = halfRounding(x.dtype);
  for (let start = 0; start < data.length; start += width) {
    const { centre, scale } = statisticsOf(source.subarray(start, start + width), norm.kind, norm.eps);
    for (let i = 0; i < width; i++) {
      const normalized = (source[start + i]! - centre) * scale;
      const weight =
        norm.weight === undefined ? 1 : norm.weight.data[i]! + (norm.unitOffset === true ? 1 : 0);
      const scaled = weight * (norm.cast === "before" ? round(normalized) : normalized);
      data[start + i] = round(norm.bias === undefined ? scaled : scaled + norm.bias.data[i]!);
    }
  }
  return { dtype: x.dtype, shape: x.shape, data };
}

export function evaluateBatchNorm(
  operands: {
    readonly x: HostTensor;
    readonly mean: HostTensor;
    readonly variance: HostTensor;
    readonly weight: HostTensor | undefined;
    readonly bias: HostTensor | undefined;
  },
  { eps, axis }: { readonly eps: number; readonly axis: number },
): HostTensor {
  const { x, mean, variance, weight, bias } = operands;
  const { size, inner } = aroundAxis(x.shape, axis);
  const data = new Float64Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % size;
    const normalized = (x.data[i]! - mean.data[channel]!) / Math.sqrt(variance.data[channel]! + eps);
    data[i] = normalized * (weight?.data[channel] ?? 1) + (bias?.data[channel] ?? 0);
  }
  return { dtype: x.dtype, shape: x.shape, data };
}

export interface JoinOperands {
  readonly source: HostTensor;
  readonly branches: readonly HostTensor[];
  readonly source_gain: HostTensor | undefined;
  readonly branch_gain: HostTensor | undefined;
}

export interface JoinScales {
  readonly source_scale: number;
  readonly branch_scale: number;
  readonly order?: "branches_first" | "in_turn";
}

/**
 * source_scale · source_gain · source + branch_scale · branch_gain · inner(Σ branches); `terms` are the branches, with
 * a bias among them if there is one.
 */
export function evaluateJoin(
  { source, branches: terms, source_gain, branch_gain }: JoinOperands,
  { source_scale, branch_scale, order }: JoinScales,
  inner: (sum: HostTensor) => HostTensor = (sum) => sum,
): HostTensor {
  const shape = broadcastSizes([source, ...terms].map((term) => term.shape));
  const of = (tensor: HostTensor | undefined): Float64Array | undefined => tensor && stretched(tensor, shape);
  const [sourceGain, branchGain] = [of(source_gain), of(branch_gain)];
  const carried = of(source)!.map((element, i) => source_scale * (sourceGain?.[i] ?? 1) * element);
  const added = (sum: Float64Array): Float64Array =>
    sum.map((element, i) => branch_scale * (branchGain?.[i] ?? 1) * element);
  const plus = (a: Float64Array, b: Float64Array): Float64Array => a.map((element, i) => element + b[i]!);
  const branches = terms.map((term) => of(term)!);
  if (order === "in_turn")
    return { dtype: source.dtype, shape, data: branches.map(added).reduce(plus, carried) };
  const sum = inner({ dtype: source.dtype, shape, data: branches.reduce(plus) });
  return { dtype: source.dtype, shape, data: plus(carried, added(stretched(sum, shape))) };
}

export interface AddNormOperands extends JoinOperands {
  readonly bias: HostTensor | undefined;
  readonly inner_weight: HostTensor | undefined;
  readonly inner_bias: HostTensor | undefined;
  readonly weights: readonly HostTensor[];
  readonly biases: readonly HostTensor[];
}

export interface AddNormAttributes extends JoinScales {
  readonly inner: "none" | RowNormKind;
  readonly inner_eps: number;
  readonly inner_unit_offset: boolean;
  readonly norm: "none" | RowNormKind;
  readonly eps: number;
  readonly unit_offset: boolean;
  readonly cast: "before" | "after";
  readonly affines: readonly Affine[];
  readonly keep_sum: boolean;
}

/** The join, its norms in the order of `affines`, and last the sum if it is kept. */
export function evaluateAddNorm(operands: AddNormOperands, attrs: AddNormAttributes): readonly HostTensor[] {
  const { bias, inner_weight, inner_bias } = operands;
  const { inner, inner_eps: eps, inner_unit_offset: unitOffset, cast } = attrs;
  const branches = bias === undefined ? operands.branches : [...operands.branches, bias];
  const outNorm = (sum: HostTensor): HostTensor =>
    inner === "none"
      ? sum
      : evaluateRowNorm(sum, { kind: inner, eps, unitOffset, cast, weight: inner_weight, bias: inner_bias });
  const sum = evaluateJoin({ ...operands, branches }, attrs, outNorm);
  const weights = operands.weights.values();
  const biases = operands.biases.values();
  const { norm: kind } = attrs;
  if (kind === "none") return [sum];
  const outs = attrs.affines.map((affine) =>
    evaluateRowNorm(sum, {
      kind,
      eps: attrs.eps,
      unitOffset: attrs.unit_offset,
      cast,
      weight: affineHasWeight(affine) ? weights.next().value : undefined,
      bias: affineHasBias(affine) ? biases.next().value : undefined,
    }),
  );
  return attrs.keep_sum ? [...outs, sum] : outs;
}

/** A scalar tensor. */
export const scalarTensor = (dtype: Dtype, value: number): HostTensor => ({
  dtype,
  shape: [],
  data: Float64Array.of(value),
});

/** Rows of a tensor seen as a matrix. */
export const rowCount = (x: HostTensor): number => sizeOf(x.shape.slice(0, -1));
