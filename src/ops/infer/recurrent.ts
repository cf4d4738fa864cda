import { constantDim, sameDim, showDim } from "../../tensor/dim.ts";
import { sameShape, showShape, showType, type Shape, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { firstOf, floatElements, rankIs, sameDtype } from "./check.ts";

type Types = readonly TensorType[] | Mismatch;

export interface LinearAttendTypes {
  readonly q: TensorType;
  readonly k: TensorType;
  readonly v: TensorType;
  readonly decay: TensorType | undefined;
  readonly beta: TensorType | undefined;
  readonly state: TensorType | undefined;
}

export function inferLinearAttend(types: LinearAttendTypes): Types {
  const { q, v } = types;
  const wrong = misfit(types);
  if (wrong !== undefined) return wrong;
  return [
    { dtype: q.dtype, shape: v.shape },
    { dtype: q.dtype, shape: stateShape(types) },
  ];
}

/** The gradients of all operands, those of decay and beta also where there are none. */
export function inferLinearAttendGrad({
  grad,
  grad_state,
  ...types
}: LinearAttendTypes & { readonly grad: TensorType; readonly grad_state: TensorType | undefined }): Types {
  const wrong = misfit(types);
  if (wrong !== undefined) return wrong;
  const { q, k, v, decay } = types;
  const state = stateShape(types);
  const misfits = firstOf(
    hasShape("grad", grad, v.shape, q),
    grad_state && hasShape("grad_state", grad_state, state, q),
  );
  if (misfits !== undefined) return misfits;
  const perRow = v.shape.slice(0, 3);
  const shapes = [q.shape, k.shape, v.shape, decay?.shape ?? perRow, perRow, state];
  return shapes.map((shape) => ({ dtype: q.dtype, shape }));
}

const stateShape = ({ k, v }: LinearAttendTypes): Shape => [
  v.shape[0]!,
  v.shape[1]!,
  k.shape[3]!,
  v.shape[3]!,
];

function misfit(types: LinearAttendTypes): Mismatch | undefined {
  const { q, k, v, decay, beta, state } = types;
  const wrong = firstOf(
    floatElements("q", q),
    rankIs("q", q, 4, "[B, G, T, K]"),
    rankIs("k", k, 4, "[B, G, T, K]"),
    rankIs("v", v, 4, "[B, H, T, V]"),
    hasShape("k", k, q.shape, q),
    sameDtype("v", v, "q", q),
    headsShare(q, v),
  );
  if (wrong !== undefined) return wrong;
  const perRow = v.shape.slice(0, 3);
  return firstOf(
    decay && hasShape("decay", decay, decay.shape.length === 4 ? [...perRow, k.shape[3]!] : perRow, q),
    beta && hasShape("beta", beta, perRow, q),
    state && hasShape("state", state, stateShape(types), q),
  );
}

const hasShape = (name: string, type: TensorType, shape: Shape, like: TensorType): Mismatch | undefined =>
  type.dtype === like.dtype && sameShape(type.shape, shape)
    ? undefined
    : new Mismatch(name, `expected ${like.dtype}${showShape(shape)}, got ${showType(type)}`);

/** Batch and length are those of q, and each head of it serves as many heads of v in a row. */
function headsShare(q: TensorType, v: TensorType): Mismatch | undefined {
  const [batch, groups, rows] = q.shape;
  const [valueBatch, heads, valueRows] = v.shape;
  if (!sameDim(batch, valueBatch) || !sameDim(rows, valueRows))
    return new Mismatch("v", `expected the batch and length of q, ${showType(q)}, got ${showType(v)}`);
  const [h, g] = [constantDim(heads!), constantDim(groups!)];
  const even = sameDim(heads, groups) || (h !== undefined && g !== undefined && g >= 1 && h % g === 0);
  if (even) return undefined;
  return new Mismatch(
    "v",
    `${showDim(groups!)} heads of q do not serve ${showDim(heads!)} heads of v evenly`,
  );
}
