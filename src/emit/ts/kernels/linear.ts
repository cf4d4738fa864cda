import { dim, productOfDims } from "../../../tensor/dim.ts";
import { rowStep, type View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { CallBuilder } from "../call.ts";
import { expressionName } from "../../../kernels/names.ts";
import { KernelBuilder } from "../../loops/builder.ts";
import { plus } from "../../loops/formula.ts";
import { Place } from "../../loops/place.ts";
import { scalarOf } from "../../loops/scalar.ts";
import type { Name } from "../../loops/tree.ts";
import { printStatements } from "../print.ts";
import { BLOCK } from "../helpers/tiles.ts";
import { block, forLoop, sumText, WIDTH, wrapped } from "../../module/text.ts";
import { walk, walkedTensor } from "../walk.ts";
import { extraElement, loopName } from "./extra.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";

/** x and w as multiplyBlock takes them, with the sizes of the product. */
function productOperands(call: CallBuilder, x: View, weight: View, layout: "out_in" | "in_out", out: View) {
  call.size("rows", productOfDims(out.type.shape.slice(0, -1)));
  call.size("columns", out.type.shape.at(-1)!);
  call.size("depth", x.type.shape.at(-1)!);
  const xAt = call.tensor("x", x);
  call.size("xRow", rowStep(x));
  const wAt = call.tensor("w", weight);
  const [unit, row] = [dim(1), rowStep(weight)];
  call.size("wRow", layout === "out_in" ? row : unit);
  call.size("wStep", layout === "out_in" ? unit : row);
  return { xAt, wAt };
}

/** x Wᵀ in blocks, each finished by the epilogue while it is in the cache, before it is stored. */
const linear_epilogue: TsKernel<"linear_epilogue"> = ({ operands, attrs, results }, placing) => {
  const { x, weight, extras } = operands;
  const { layout, epilogue } = attrs;
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  const { xAt, wAt } = productOperands(call, x, weight, layout, out);
  const elements = extras.map((extra, index) => extraElement(call, extra, index, out, element));
  const outAt = call.tensor("out", out);
  if (epilogue.steps.length === 0) {
    call.helper("multiply");
    const args = `rows, columns, depth, x, ${xAt}, xRow, 1, w, ${wAt}, wRow, wStep, out, ${outAt}, columns`;
    return call.finish("linear", ["out = x wᵀ."], [`multiply(${args});`]);
  }
  call.helper("multiplyBlock");
  const k = new KernelBuilder();
  const product = new Place({ name: "product", dtype: "f64" }).at(i, BLOCK).at(j);
  const finished = scalarOf(k, epilogue)([product, ...elements]);
  k.store(new Place({ name: "out", dtype: out.type.dtype }).at(o).at(j), finished);
  const doc = "out = x wᵀ, each element finished before it is stored.";
  const body = productLoops({ xAt, wAt, outAt }, printStatements(k.body, call, placing));
  return call.finish(`linear_${expressionName(epilogue)}`, [doc], body);
};

/** A block of 128 rows and columns at a time; `finish` stores element (m + i, n + j) of the result. */
const productLoops = (
  { xAt, wAt, outAt }: { readonly xAt: string; readonly wAt: string; readonly outAt: string },
  finish: readonly Code[],
): Code[] =>
  block(`for (let n = 0; n < columns; n += ${BLOCK}) {`, [
    `const width = Math.min(${BLOCK}, columns - n);`,
    ...block(`for (let m = 0; m < rows; m += ${BLOCK}) {`, [
      `const height = Math.min(${BLOCK}, rows - m);`,
      ...wrapped(
        "multiplyBlock(",
        [
          ...["height", "width", "depth", "x", sumText(xAt, "m * xRow"), "xRow", "1"],
          ...["w", sumText(wAt, "n * wRow"), "wRow", "wStep"],
        ],
        ");",
        WIDTH - 6,
      ),
      ...forLoop("i", "height", [
        `const o = ${sumText(outAt, "(m + i) * columns", "n")};`,
        ...forLoop("j", "width", finish),
      ]),
    ]),
  ]);

/** The loops' own names, as the language of loops has them. */
const [m, n, i, j, o] = ["m", "n", "i", "j", "o"].map(loopName) as [Name, Name, Name, Name, Name];
const element = { row: plus(m, i), column: [n, j] };

/** One product a pair of matrices. */
const matmul: TsKernel<"matmul"> = ({ operands: { a, b }, attrs: { transpose_b }, results }, placing) => {
  const out = onlyView(results);
  const call = new CallBuilder(placing);
  const rank = out.type.shape.length - 2;
  const [rows, columns] = out.type.shape.slice(-2) as [View["offset"], View["offset"]];
  call.size("rows", rows);
  call.size("columns", columns);
  call.size("depth", a.type.shape.at(-1)!);
  const walkedA = walkedTensor(call, "a", a, rank);
  call.size("aRow", a.strides.at(-2)!);
  const walkedB = walkedTensor(call, "b", b, rank);
  const [outer, inner] = [b.strides.at(-2)!, b.strides.at(-1)!];
  call.size("bRow", transpose_b ? outer : inner);
  call.size("bStep", transpose_b ? inner : outer);
  const walkedOut = walkedTensor(call, "out", out, rank);
  call.helper("multiply");
  const walked = [walkedA, walkedB, walkedOut];
  const body = walk(call, out.type.shape.slice(0, -2), walked, "batch", ([atA, atB, atOut]) => [
    `multiply(rows, columns, depth, a, ${atA!}, aRow, 1, b, ${atB!}, bRow, bStep, out, ${atOut!}, columns);`,
  ]);
  return call.finish("matmul", ["out = a bᵀ, for each pair of matrices; b may lie in either order."], body);
};

/** A product over the rows: out = aᵀ x, where a is the gradient, or x itself for a weight that lies the other way. */
const linear_weight_grad: TsKernel<"linear_weight_grad"> = (
  { operands, attrs: { layout }, results },
  placing,
) => {
  const [a, x] = layout === "out_in" ? [operands.grad, operands.x] : [operands.x, operands.grad];
  const call = new CallBuilder(placing);
  call.size("rows", productOfDims(x.type.shape.slice(0, -1)));
  call.size("outer", a.type.shape.at(-1)!);
  call.size("inner", x.type.shape.at(-1)!);
  const aAt = call.tensor("a", a);
  call.size("aStep", rowStep(a));
  const xAt = call.tensor("x", x);
  call.size("xStep", rowStep(x));
  const outAt = call.tensor("out", onlyView(results));
  call.helper("multiply");
  const body = `multiply(outer, inner, rows, a, ${aAt}, 1, aStep, x, ${xAt}, 1, xStep, out, ${outAt}, inner);`;
  return call.finish("weight_grad", ["out = aᵀ x, summed over the rows."], [body]);
};

export const linearKernels = { linear_epilogue, linear_weight_grad, matmul };
