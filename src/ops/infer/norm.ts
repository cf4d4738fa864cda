import { sameDim, showDim } from "../../tensor/dim.ts";
import { broadcastShapes, sameShape, showType, type Shape, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { finiteAtLeast, firstOf, floatElements, rankAtLeast, rowVector, sameDtype } from "./check.ts";

type Types = readonly TensorType[] | Mismatch;

/** A norm over the last axis: weight and bias are as wide as it. Their dtype may be another float. */
export const inferRowNorm = (
  x: TensorType,
  vectors: { readonly weight?: TensorType | undefined; readonly bias?: TensorType | undefined },
  eps: number,
): Types =>
  firstOf(
    floatElements("x", x),
    rankAtLeast("x", x, 1),
    rowVector("weight", vectors.weight, x.shape.at(-1), "x"),
    rowVector("bias", vectors.bias, x.shape.at(-1), "x"),
    finiteAtLeast("eps", eps, 0),
  ) ?? [x];

export type Affine = "none" | "weight" | "bias" | "weight_bias";

export const affineHasWeight = (affine: Affine): boolean => affine === "weight" || affine === "weight_bias";
export const affineHasBias = (affine: Affine): boolean => affine === "bias" || affine === "weight_bias";

export interface JoinTypes {
  readonly source: TensorType;
  readonly branches: readonly TensorType[];
  readonly source_gain: TensorType | undefined;
  readonly branch_gain: TensorType | undefined;
}

/**
 * The sum of a residual edge. Source and branches have rows of one width, and may lack each other's leading axes; gains
 * stretch to the sum.
 */
export function inferJoin({ source, branches, source_gain, branch_gain }: JoinTypes): Types {
  const notFloat = floatElements("source", source);
  if (notFloat !== undefined) return notFloat;
  if (branches.length === 0) return new Mismatch("branches", "expected at least one branch");
  let shape = source.shape;
  for (const branch of branches) {
    const wider = sameWidth(branch, source) ? broadcastShapes(shape, branch.shape) : undefined;
    if (wider === undefined)
      return new Mismatch(
        "branches",
        `the edge carries ${showType(source)}, the branch gives ${showType(branch)}`,
      );
    const wrong = sameDtype("branches", branch, "the source", source);
    if (wrong !== undefined) return wrong;
    shape = wider;
  }
  const wrong = firstOf(gain("source_gain", source_gain, shape), gain("branch_gain", branch_gain, shape));
  return wrong ?? [{ dtype: source.dtype, shape }];
}

const sameWidth = (a: TensorType, b: TensorType): boolean =>
  (a.shape.length === 0 && b.shape.length === 0) || sameDim(a.shape.at(-1), b.shape.at(-1));

function gain(name: string, type: TensorType | undefined, shape: Shape): Mismatch | undefined {
  if (type === undefined) return undefined;
  const wide = broadcastShapes(type.shape, shape);
  const notFloat = floatElements(name, type);
  if (notFloat !== undefined || (wide !== undefined && sameShape(wide, shape))) return notFloat;
  return new Mismatch(
    name,
    `${showType(type)} does not broadcast to the edge's sum, [${shape.map(showDim).join(", ")}]`,
  );
}

export interface AddNormTypes extends JoinTypes {
  readonly bias: TensorType | undefined;
  readonly inner_weight: TensorType | undefined;
  readonly inner_bias: TensorType | undefined;
  readonly weights: readonly TensorType[];
  readonly biases: readonly TensorType[];
}

interface AddNormForm {
  readonly norm: string;
  readonly affines: readonly Affine[];
  readonly keep_sum: boolean;
  readonly order: "branches_first" | "in_turn";
  readonly inner: string;
}

/** The outs in the order of `affines`, then the sum if it is kept. */
export function inferAddNorm(operands: AddNormTypes, attrs: AddNormForm): Types {
  const { source, source_gain, branch_gain, weights, biases } = operands;
  const joined = inferJoin(operands);
  if (joined instanceof Mismatch) return joined;
  const [sum] = joined as readonly [TensorType];
  if (!sameShape(sum.shape, source.shape))
    return new Mismatch("branches", `a branch is larger than the source, ${showType(source)}`);
  const width = source.shape.at(-1);
  return (
    firstOf(
      rankAtLeast("source", source, 1),
      gainOfRow("source_gain", source_gain),
      gainOfRow("branch_gain", branch_gain),
      rowVector("bias", operands.bias, width, "the row"),
      rowVector("inner_weight", operands.inner_weight, width, "the row"),
      rowVector("inner_bias", operands.inner_bias, width, "the row"),
      ...weights.map((weight) => rowVector("weights", weight, width, "the row")),
      ...biases.map((bias) => rowVector("biases", bias, width, "the row")),
      asMany("weights", weights.length, attrs.affines.filter(affineHasWeight).length),
      asMany("biases", biases.length, attrs.affines.filter(affineHasBias).length),
      formIsWhole(attrs),
    ) ?? [...attrs.affines.map(() => sum), ...(attrs.keep_sum ? [sum] : [])]
  );
}

function formIsWhole({ norm, affines, keep_sum, order, inner }: AddNormForm): Mismatch | undefined {
  if (order === "in_turn" && inner !== "none")
    return new Mismatch("order", "an inner norm needs the sum of the branches before the source is added");
  if (norm !== "none")
    return affines.length > 0 ? undefined : new Mismatch("affines", "expected at least one norm");
  if (affines.length === 0 && keep_sum) return undefined;
  return new Mismatch("norm", "without a norm the sum is the only result");
}

const gainOfRow = (name: string, type: TensorType | undefined): Mismatch | undefined =>
  type === undefined || type.shape.length <= 1
    ? undefined
    : new Mismatch(name, `expected a gain of rank 1, got ${showType(type)}`);

const asMany = (name: string, found: number, expected: number): Mismatch | undefined =>
  found === expected ? undefined : new Mismatch(name, `affines name ${expected} ${name}, got ${found}`);
