import { rowStep } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { elementsOf, type Shape } from "../../../tensor/type.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { forLoop } from "../text.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";
import { heldOperands, TILE, tiledGroups, tiledProduct, type Product } from "./product.ts";

/** Workgroups that are enough for a device to have something to do, and parts of the rows at most. */
const ENOUGH_WORKGROUPS = 64;
const MAX_PARTS = 8;

/** Into how many parts the rows are split: a small weight has few tiles, and its rows are the whole batch. */
function partsOfRows(shape: Shape, rows: Dim): number {
  const known = constantDim(rows);
  if (known !== undefined && known <= TILE) return 1;
  const tiles = shape.reduce((count, size) => count * Math.ceil((constantDim(size) ?? Infinity) / TILE), 1);
  return Math.max(1, Math.min(MAX_PARTS, Math.floor(ENOUGH_WORKGROUPS / tiles)));
}

/** gradᵀ x: a product over the rows, of which both sides are read along their rows. Parts are added in their order. */
export const linear_weight_grad: WgslKernel<"linear_weight_grad"> = (step, context) => {
  const out = onlyView(step.results);
  const parts = partsOfRows(out.type.shape, productOfDims(step.operands.x.type.shape.slice(0, -1)));
  const size = elementsOf(out.type);
  const product = weightProduct(step, parts, context);
  if (parts === 1) return [product];
  const builder = new KernelBuilder(context);
  const left = builder.leftBefore(multiplyDims(size, dim(parts)));
  const tensors = builder.tensors({}, { out });
  const each = eachElement(builder, [size]);
  const sum = builder.finish({
    stage: 1,
    name: "sum_of_parts",
    doc: ["The parts of a product added up. An element an invocation."],
    body: [
      ...each.lines,
      "var sum = 0.0;",
      ...forLoop("part", builder.constant("parts", parts), [`sum += ${left.at("part * count + i")};`]),
      tensors.out.put("i", "sum"),
    ],
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
  return [product, sum];
};

function weightProduct(
  { operands, attrs, results }: StepOf<"linear_weight_grad">,
  parts: number,
  context: Context,
): Dispatch {
  const [a, b] = attrs.layout === "out_in" ? [operands.grad, operands.x] : [operands.x, operands.grad];
  const out = onlyView(results);
  const builder = new KernelBuilder(context);
  const left = parts === 1 ? undefined : builder.scratch(multiplyDims(elementsOf(out.type), dim(parts)));
  const tensors = builder.tensors({ a, b }, left === undefined ? { out } : { out: undefined });
  const [rows, columns] = [out.type.shape[0]!, out.type.shape[1]!];
  const [aRow, bRow] = [builder.strides("a_row", rowStep(a)), builder.strides("b_row", rowStep(b))];
  const at = (rows: (k: string) => string, k: string, place: string): string =>
    [rows(k), place].filter((term) => term !== "").join(" + ");
  const { held, read } = heldOperands(builder, [tensors.a, tensors.b]);
  const [rowsText, columnsText] = [builder.size("rows", rows), builder.size("columns", columns)];
  const depth = builder.size("depth", productOfDims(operands.x.type.shape.slice(0, -1)));
  const product: Product = {
    builder,
    rows: rowsText,
    columns: columnsText,
    depth,
    ...(left && { range: { begin: "begin", end: "end" } }),
    held,
    x: (row, k) => read(tensors.a, at(aRow, k, row)),
    w: (k, column) => read(tensors.b, at(bRow, k, column)),
    unit: "columns",
    xUnit: "rows",
    store: (row, column, value) => {
      const place = `${row} * ${columnsText} + ${column}`;
      return [
        left === undefined
          ? tensors.out!.put(place, value)
          : left.put(`group.z * ${rowsText} * ${columnsText} + ${place}`, value),
      ];
    },
  };
  const { body, workgroup } = tiledProduct(
    product,
    left === undefined
      ? []
      : [
          `let each = (${depth} + ${parts - 1}u) / ${parts}u;`,
          "let begin = group.z * each;",
          `let end = min(begin + each, ${depth});`,
        ],
  );
  return builder.finish({
    stage: 0,
    name: left === undefined ? "weight_grad" : "weight_grad_parts",
    doc: ["out = aᵀ b, summed over the rows.", "A tile of 64 × 64 elements a workgroup."],
    body,
    workgroup,
    groups: tiledGroups(rows, columns, ...(left === undefined ? [] : [dim(parts)])),
  });
}
