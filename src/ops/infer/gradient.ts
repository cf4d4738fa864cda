import { constantDim, dim, productOfDims, showDim, type Dim } from "../../tensor/dim.ts";
import { sameShape, sameType, showType, tensorType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { headsFirst, inferAttend, type AttendTypes } from "./attention.ts";
import { firstOf, floatElements, integerElements, rankAtLeast, rankIs, sizeIsNotNegative } from "./check.ts";
import { inferClassLoss } from "./linear.ts";
import { inferRowNorm } from "./norm.ts";
import { inferBatchNorm, inferConv2d, inferMaxPool2d } from "./spatial.ts";

type Types = readonly TensorType[] | Mismatch;

/** The gradient of a result has the type of the result. */
const isGradientOf = (
  name: string,
  grad: TensorType | undefined,
  type: TensorType | undefined,
  of: string,
): Mismatch | undefined =>
  grad === undefined || type === undefined || sameType(grad, type)
    ? undefined
    : new Mismatch(name, `expected ${showType(type)}, the type of ${of}, got ${showType(grad)}`);

export interface NormGradTypes {
  readonly grad: TensorType;
  readonly x: TensorType;
  readonly weight: TensorType | undefined;
  readonly carried: TensorType | undefined;
}

/** grad_x, then grad_weight with a weight, then grad_bias with a bias. */
export function inferNormGrad(
  { grad, x, weight, carried }: NormGradTypes,
  { eps, bias }: { readonly eps: number; readonly bias: boolean },
): Types {
  const norm = inferRowNorm(x, { weight }, eps);
  if (norm instanceof Mismatch) return norm;
  const width: TensorType = { dtype: x.dtype, shape: x.shape.slice(-1) };
  return (
    firstOf(isGradientOf("grad", grad, x, "x"), isGradientOf("carried", carried, x, "x")) ?? [
      x,
      ...(weight === undefined ? [] : [weight]),
      ...(bias ? [width] : []),
    ]
  );
}

export interface BatchNormGradTypes {
  readonly grad: TensorType;
  readonly x: TensorType;
  readonly mean: TensorType;
  readonly variance: TensorType;
  readonly weight: TensorType | undefined;
}

/** grad_x, and a vector for the mean, the variance, the weight and the bias. */
export function inferBatchNormGrad(
  { grad, x, ...vectors }: BatchNormGradTypes,
  { axis }: { readonly axis: number },
): Types {
  const checked = inferBatchNorm(x, vectors, axis);
  if (checked instanceof Mismatch) return checked;
  const { mean, variance } = vectors;
  const channel: TensorType = { dtype: x.dtype, shape: [x.shape[axis]!] };
  return isGradientOf("grad", grad, x, "x") ?? [x, mean, variance, vectors.weight ?? channel, channel];
}

export function inferBatchStatisticsGrad(
  {
    x,
    mean,
    grad_mean,
    grad_variance,
  }: {
    readonly x: TensorType;
    readonly mean: TensorType;
    readonly grad_mean: TensorType;
    readonly grad_variance: TensorType;
  },
  { axis }: { readonly axis: number },
): Types {
  return inferBatchNorm(x, { mean, grad_mean, grad_variance }, axis);
}

/** grad_q, grad_k, grad_v, and grad_bias if there is a bias; two numbers a query row if they are observed. */
export function inferAttendGrad(
  { grad, ...operands }: AttendTypes & { readonly grad: TensorType },
  attrs: Parameters<typeof inferAttend>[1] & { readonly observe: boolean },
): Types {
  const forward = inferAttend(operands, attrs);
  if (forward instanceof Mismatch) return forward;
  const { q, k, v, bias } = operands;
  const ofRow: TensorType = { dtype: "f32", shape: headsFirst(q.shape, attrs.layout).slice(0, 3) };
  return (
    isGradientOf("grad", grad, forward[0], "the result") ?? [
      ...[q, k, v],
      ...(bias === undefined ? [] : [bias]),
      ...(attrs.observe ? [ofRow, ofRow] : []),
    ]
  );
}

export function inferEmbeddingGrad(grad: TensorType, ids: TensorType, rows: Dim): Types {
  const wrong = firstOf(
    floatElements("grad", grad),
    rankAtLeast("grad", grad, 1),
    integerElements("ids", ids),
    sameShape(grad.shape.slice(0, -1), ids.shape)
      ? undefined
      : new Mismatch("grad", `expected one row for each id of ${showType(ids)}, got ${showType(grad)}`),
  );
  return wrong ?? [{ dtype: grad.dtype, shape: [rows, grad.shape.at(-1)!] }];
}

/** [.., N] and [.., K] over the same leading axes → [N, K], or [K, N] with layout in_out. */
export function inferLinearWeightGrad(grad: TensorType, x: TensorType, layout: "out_in" | "in_out"): Types {
  const wrong = firstOf(
    floatElements("grad", grad),
    rankAtLeast("grad", grad, 1),
    rankAtLeast("x", x, 1),
    sameShape(grad.shape.slice(0, -1), x.shape.slice(0, -1))
      ? undefined
      : new Mismatch("x", `expected as many rows as grad has, ${showType(grad)}, got ${showType(x)}`),
  );
  const [outputs, inputs] = [grad.shape.at(-1)!, x.shape.at(-1)!];
  return wrong ?? [{ dtype: grad.dtype, shape: layout === "out_in" ? [outputs, inputs] : [inputs, outputs] }];
}

export function inferCrossEntropyGrad(grad: TensorType, logits: TensorType, targets: TensorType): Types {
  const loss = inferClassLoss(logits, targets);
  if (loss instanceof Mismatch) return loss;
  return isGradientOf("grad", grad, loss[0], "the loss") ?? [logits];
}

interface Window {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

/** The type of a picture, or of a weight, from which the convolution makes a result like grad. */
export function inferConv2dXGrad(
  grad: TensorType,
  weight: TensorType,
  attrs: Window & { readonly groups: number; readonly height: Dim; readonly width: Dim },
): Types {
  const wrong = firstOf(
    rankIs("grad", grad, 4, "[B, O, H, W]"),
    rankIs("weight", weight, 4, "[O, C / groups, R, S]"),
  );
  if (wrong !== undefined) return wrong;
  const channels = productOfDims([weight.shape[1]!, dim(attrs.groups)]);
  const x: TensorType = { dtype: grad.dtype, shape: [grad.shape[0]!, channels, attrs.height, attrs.width] };
  const forward = inferConv2d(x, weight, undefined, attrs);
  if (forward instanceof Mismatch) return forward;
  return isGradientOf("grad", grad, forward[0], "the result") ?? [x];
}

export function inferConv2dWeightGrad(
  grad: TensorType,
  x: TensorType,
  attrs: Window & { readonly groups: number; readonly kernel: readonly number[] },
): Types {
  const wrong = firstOf(rankIs("grad", grad, 4, "[B, O, H, W]"), rankIs("x", x, 4, "[B, C, H, W]"));
  if (wrong !== undefined) return wrong;
  const channels = constantDim(x.shape[1]!);
  if (channels === undefined || channels % attrs.groups !== 0)
    return new Mismatch(
      "groups",
      `${showDim(x.shape[1]!)} channels do not split into ${attrs.groups} groups`,
    );
  const weight = tensorType(grad.dtype, grad.shape[1]!, channels / attrs.groups, ...attrs.kernel);
  const forward = inferConv2d(x, weight, undefined, attrs);
  if (forward instanceof Mismatch) return forward;
  return isGradientOf("grad", grad, forward[0], "the result") ?? [weight];
}

export function inferMaxPool2dGrad(
  grad: TensorType,
  x: TensorType,
  attrs: Window & { readonly kernel: readonly number[] },
): Types {
  const forward = inferMaxPool2d(x, attrs);
  if (forward instanceof Mismatch) return forward;
  return isGradientOf("grad", grad, forward[0], "the result") ?? [x];
}

export const inferExtent = (size: Dim): Types => sizeIsNotNegative("size", size) ?? [tensorType("f32")];
