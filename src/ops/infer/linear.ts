import { sameDim, showDim } from "../../tensor/dim.ts";
import { broadcastShapes, sameShape, showType, tensorType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import type { ScalarExpression } from "../scalar.ts";
import {
  firstOf,
  floatElements,
  integerElements,
  rankAtLeast,
  rankIs,
  rowVector,
  sameDtype,
} from "./check.ts";
import { inferExpression } from "./elementwise.ts";

type Types = readonly TensorType[] | Mismatch;
export type WeightLayout = "out_in" | "in_out";

/** a @ b: [.., M, K] × [.., K, N] → [.., M, N]. */
export function inferMatmul(a: TensorType, b: TensorType, transposeB: boolean): Types {
  const wrong = firstOf(
    floatElements("a", a),
    rankAtLeast("a", a, 2),
    rankAtLeast("b", b, 2),
    sameDtype("b", b, "a", a),
  );
  if (wrong !== undefined) return wrong;
  const [rows, columns] = [b.shape.at(transposeB ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!];
  const inner = a.shape.at(-1)!;
  if (!sameDim(rows, inner))
    return new Mismatch(
      "b",
      `expected ${showDim(inner)} ${transposeB ? "columns" : "rows"}, as a has columns, got ${showType(b)}`,
    );
  const leading = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (leading === undefined)
    return new Mismatch("b", `the leading axes of ${showType(b)} do not broadcast with a, ${showType(a)}`);
  return [{ dtype: a.dtype, shape: [...leading, a.shape.at(-2)!, columns] }];
}

/** The product's type without bias. The weight may be stored in another float dtype; the result has that of x. */
function inferProduct(x: TensorType, weight: TensorType, layout: WeightLayout): TensorType | Mismatch {
  const wrong = firstOf(
    floatElements("x", x),
    rankAtLeast("x", x, 1),
    floatElements("weight", weight),
    rankIs("weight", weight, 2, "a matrix"),
  );
  if (wrong !== undefined) return wrong;
  const [outSize, inSize] = layout === "out_in" ? [0, 1] : [1, 0];
  const width = x.shape.at(-1)!;
  if (!sameDim(weight.shape[inSize], width))
    return new Mismatch(
      "weight",
      `expected ${showDim(width)} ${inSize === 1 ? "columns" : "rows"}, the width of x, got ${showType(weight)}`,
    );
  return { dtype: x.dtype, shape: [...x.shape.slice(0, -1), weight.shape[outSize]!] };
}

/** x Wᵀ + b: [.., K] × [N, K] → [.., N]. */
export function inferLinear(
  x: TensorType,
  weight: TensorType,
  bias: TensorType | undefined,
  layout: WeightLayout,
): Types {
  const product = inferProduct(x, weight, layout);
  if (product instanceof Mismatch) return product;
  return rowVector("bias", bias, product.shape.at(-1), "the result") ?? [product];
}

export function inferLinearEpilogue(
  x: TensorType,
  weight: TensorType,
  extras: readonly TensorType[],
  layout: WeightLayout,
  epilogue: ScalarExpression,
): Types {
  const product = inferProduct(x, weight, layout);
  if (product instanceof Mismatch) return product;
  const width = showDim(product.shape.at(-1)!);
  const odd = extras.find((extra) => {
    const [size] = extra.shape;
    const isRow = extra.shape.length === 1 && (sameDim(size, product.shape.at(-1)) || size?.key === "1");
    return !isRow && extra.shape.length > 0 && !sameShape(extra.shape, product.shape);
  });
  if (odd !== undefined)
    return new Mismatch(
      "extras",
      `expected [${width}], [1] or the shape of the result, ${showType(product)}, got ${showType(odd)}`,
    );
  const inputs = extras.map((type, index) => ({ name: `i${index + 1}`, type: asStored(type, product) }));
  const type = inferExpression("epilogue", epilogue, [{ name: "i0", type: product }, ...inputs]);
  if (type instanceof Mismatch) return type;
  return [{ dtype: product.dtype, shape: product.shape }];
}

/** Rows that a checkpoint stores (bias, gain) are read as the product's dtype, as linear reads its bias. */
const asStored = (type: TensorType, product: TensorType): TensorType =>
  type.shape.length <= 1 && floatElements("", type) === undefined ? { ...type, dtype: product.dtype } : type;

/** Rows of a table [V, D] by ids [..] → [.., D]. */
export const inferEmbedding = (table: TensorType, ids: TensorType): Types =>
  firstOf(
    floatElements("table", table),
    rankIs("table", table, 2, "a matrix"),
    integerElements("ids", ids),
  ) ?? [{ dtype: table.dtype, shape: [...ids.shape, table.shape[1]!] }];

/** A mean over rows: `[.., V]` against one whole number a row. */
export function inferClassLoss(logits: TensorType, targets: TensorType): Types {
  const wrong = firstOf(
    floatElements("logits", logits),
    rankAtLeast("logits", logits, 1),
    integerElements("targets", targets),
  );
  if (wrong !== undefined) return wrong;
  const rows = logits.shape.slice(0, -1);
  if (!sameShape(rows, targets.shape))
    return new Mismatch(
      "targets",
      `expected ${showType({ dtype: targets.dtype, shape: rows })}, one a row of logits, got ${showType(targets)}`,
    );
  return [tensorType(logits.dtype)];
}

export function inferMeanSquaredError(x: TensorType, y: TensorType): Types {
  const wrong = firstOf(floatElements("x", x), sameDtype("y", y, "x", x));
  if (wrong !== undefined) return wrong;
  if (!sameShape(x.shape, y.shape))
    return new Mismatch("y", `expected the shape of x, ${showType(x)}, got ${showType(y)}`);
  return [tensorType(x.dtype)];
}
