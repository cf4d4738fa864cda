import { constantDim, sameDim, showDim, type Dim } from "../../tensor/dim.ts";
import { sameShape, showType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { firstOf, floatElements, integerElements, rankAtLeast, rankIs } from "./check.ts";
import type { WeightLayout } from "./linear.ts";

type Types = readonly TensorType[] | Mismatch;

/** Rows of x for choices [.., C]: [.., C, K], or [.., 1, K] where all choices of a place read the same row. */
function rowsFit(x: TensorType, chosen: TensorType): Mismatch | undefined {
  const [leading, each] = [x.shape.slice(0, -2), x.shape.at(-2)];
  const isShared = each !== undefined && constantDim(each) === 1;
  const fits =
    sameShape(leading, chosen.shape.slice(0, -1)) && (isShared || sameDim(each, chosen.shape.at(-1)));
  return fits
    ? undefined
    : new Mismatch(
        "x",
        `expected a row for each choice, or one for all choices of a place, of ${showType(chosen)}, got ${showType(x)}`,
      );
}

/** [.., C, K] or [.., 1, K] by the matrices [E, N, K] that i32[.., C] choose → [.., C, N]; in_out has them as [E, K, N]. */
export function inferRoutedLinear(
  x: TensorType,
  weight: TensorType,
  chosen: TensorType,
  layout: WeightLayout,
): Types {
  const wrong = firstOf(
    floatElements("x", x),
    rankAtLeast("x", x, 2),
    floatElements("weight", weight),
    rankIs("weight", weight, 3, layout === "out_in" ? "[E, N, K]" : "[E, K, N]"),
    integerElements("chosen", chosen),
    rankAtLeast("chosen", chosen, 1),
    rowsFit(x, chosen),
  );
  if (wrong !== undefined) return wrong;
  const [outSize, inSize] = layout === "out_in" ? [1, 2] : [2, 1];
  const width = x.shape.at(-1)!;
  if (!sameDim(weight.shape[inSize], width))
    return new Mismatch(
      "weight",
      `expected matrices of ${showDim(width)} ${inSize === 2 ? "columns" : "rows"}, the width of x, got ${showType(weight)}`,
    );
  return [{ dtype: x.dtype, shape: [...chosen.shape, weight.shape[outSize]!] }];
}

/** The gradient of the matrices: [E, N, K], or [E, K, N] with layout in_out. */
export function inferRoutedWeightGrad(
  grad: TensorType,
  x: TensorType,
  chosen: TensorType,
  { layout, experts }: { readonly layout: WeightLayout; readonly experts: Dim },
): Types {
  const wrong = firstOf(
    floatElements("grad", grad),
    rankAtLeast("grad", grad, 2),
    floatElements("x", x),
    rankAtLeast("x", x, 2),
    integerElements("chosen", chosen),
    sameShape(grad.shape.slice(0, -1), chosen.shape)
      ? undefined
      : new Mismatch("grad", `expected a row for each choice of ${showType(chosen)}, got ${showType(grad)}`),
    rowsFit(x, chosen),
  );
  const [outputs, inputs] = [grad.shape.at(-1)!, x.shape.at(-1)!];
  const matrix = layout === "out_in" ? [outputs, inputs] : [inputs, outputs];
  return wrong ?? [{ dtype: grad.dtype, shape: [experts, ...matrix] }];
}
