import { onlyView } from "../../../kernels/results.ts";
import { rowStep, type View } from "../../../kernels/view.ts";
import { constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import { times, type Operand } from "../formula.ts";
import type { Place } from "../place.ts";
import type { Loops } from "./kernel.ts";

/** A row of a matrix at a time: what all that chose the matrix add to it, in their order. */
const routed_weight_grad: Loops<"routed_weight_grad"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const { chosen } = operands;
  const each = chosen.type.shape.at(-1)!;
  const [first, second] =
    attrs.layout === "out_in" ? [operands.grad, operands.x] : [operands.x, operands.grad];
  const [outer, inner] = [first.type.shape.at(-1)!, second.type.shape.at(-1)!];
  const sizes = {
    experts: k.size("experts", attrs.experts),
    outer: k.size("outer", outer),
    inner: k.size("inner", inner),
    matrix: k.size("matrix", multiplyDims(outer, inner)),
    places: k.size("places", productOfDims(chosen.type.shape.slice(0, -1))),
    each: k.size("each", each),
  };
  const choices = k.tensor("chosen", chosen);
  const [a, x] = [rowOf(k, "a", first, each), rowOf(k, "x", second, each)];
  const out = k.tensor("out", onlyView(results));
  k.rows("i", sizes.outer, (i) => {
    k.turns("e", sizes.experts, (e) => k.clear(out.at(e, sizes.matrix).at(i, sizes.inner), sizes.inner));
    k.turns("p", sizes.places, (p) =>
      k.turns("j", sizes.each, (j) => {
        const expert = k.let("expert", choices.at(p, sizes.each).at(j));
        k.check(expert, sizes.experts, "index");
        const factor = k.let("factor", a(p, j).at(i));
        const row = out.at(expert, sizes.matrix).at(i, sizes.inner);
        k.lanes("c", sizes.inner, (c) => k.add(row.at(c), times(factor, x(p, j).at(c))));
      }),
    );
  });
  return k.finish("routed_weight_grad", "The gradients of matrices, by the rows that chose each.");
};

/** The row of choice j of place p; where all choices of a place read one row, that one. */
function rowOf(k: KernelBuilder, name: string, view: View, each: Dim): (p: Operand, j: Operand) => Place {
  const isShared = constantDim(view.type.shape.at(-2)!) === 1 && constantDim(each) !== 1;
  const step = rowStep(view);
  const place = k.tensor(name, view);
  const byPlace = k.stride(`${name}Place`, isShared ? step : multiplyDims(step, each));
  const byChoice = k.stride(`${name}Choice`, isShared ? dim(0) : step);
  return (p, j) => place.at(p, byPlace).at(j, byChoice);
}

export const routedLoops = { routed_weight_grad };
