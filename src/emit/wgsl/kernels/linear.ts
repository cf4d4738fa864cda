import { rowStep, type View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { expressionName } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor, Tensors, Views } from "../given.ts";
import type { Context, Dispatch, Parts, WgslKernel } from "../kernel.ts";
import { loaded, scalarText, stored, typed } from "../scalar.ts";
import { places } from "../walk.ts";
import { FEW_ROWS, fewRowsGroups, fewRowsProduct, type Fours } from "./few-rows.ts";
import { packedReader, type PackedViews } from "./packed.ts";
import { heldAsFloats, heldOperands, tiledGroups, tiledProduct, type Product } from "./product.ts";

type Linear = StepOf<"linear_epilogue"> | StepOf<"packed_linear">;
type Kind = "tiled" | "few rows";

/** x Wᵀ with its epilogue: for few rows by columns, else by tiles. Of a weight [N, K] that is too large, part by part. */
const linear_epilogue: WgslKernel<"linear_epilogue"> = (step, context) => linears(step, context);

/** The same of a packed weight, whose elements are made where they are read. */
const packed_linear: WgslKernel<"packed_linear"> = (step, context) => {
  invariant(step.attrs.activations === "f32", "no shader multiplies 8-bit numbers");
  return linears(step, context);
};

function linears(step: Linear, context: Context): readonly Dispatch[] {
  const rows = productOfDims(onlyView(step.results).type.shape.slice(0, -1));
  const known = constantDim(rows);
  if (known !== undefined) return [linear(step, context, known <= FEW_ROWS ? "few rows" : "tiled", rows)];
  const few = { ...linear(step, context, "few rows", rows), when: { size: rows, atMost: FEW_ROWS } };
  return [few, linear(step, context, "tiled", rows)];
}

function linear(step: Linear, context: Context, kind: Kind, rows: Dim): Dispatch {
  const { x, extras } = step.operands;
  const { epilogue } = step.attrs;
  const out = onlyView(step.results);
  const builder = new KernelBuilder(context);
  const columns = out.type.shape.at(-1)!;
  const names = extras.map((_, index) => `y${index + 1}`);
  const tensors = builder.tensors(
    { x, ...weightViews(step), ...Object.fromEntries(extras.map((view, index) => [names[index]!, view])) },
    { out },
  );
  const isSplit = context.splitOf(step) === "weight";
  const sizes = {
    rows: builder.size("rows", rows),
    columns: builder.size(isSplit ? "part" : "columns", columns),
    depth: builder.size("depth", x.type.shape.at(-1)!),
  };
  // A part's columns begin at `first`; the result's row is as long as before.
  const whole = isSplit ? builder.size("columns", columns) : sizes.columns;
  const first = isSplit ? `${builder.constant("first", 0)} + ` : "";
  const xTerm = rowTerm(builder, "x_row", rowStep(x));
  const read = names.map((name, index) =>
    extraReader(builder, tensors[name as keyof typeof tensors], name, out, extras[index]!),
  );
  const store: Product["store"] = (row, column, product) => {
    const place = `${first}${column}`;
    const { lines, result, helpers } = scalarText(epilogue, [
      typed(product, "float"),
      ...read.map((reader, index) => loaded(extras[index]!.type.dtype, reader(row, place))),
    ]);
    builder.helper(...helpers);
    return [...lines, tensors.out.put(`${row} * ${whole} + ${place}`, stored(out.type.dtype, result))];
  };
  const weight = weightOf(step, builder, tensors as unknown as WeightTensors, sizes.depth);
  const product: Product = {
    builder,
    ...sizes,
    held: weight.held,
    x: (row, k) => weight.read(tensors.x, `${xTerm(row)}${k}`),
    w: weight.element,
    unit: weight.unit,
    store,
  };
  const fours = kind === "tiled" ? undefined : weight.fours(xTerm);
  const { body, workgroup } =
    kind === "tiled" ? tiledProduct(product, []) : fewRowsProduct(product, [], fours);
  const words = epilogue.steps.length === 0 ? "" : `_${expressionName(epilogue)}`;
  return builder.finish({
    name: `${step.op === "packed_linear" ? `packed_${step.attrs.bits}_` : ""}linear${kind === "tiled" ? "" : fours === undefined ? "_few" : "_few_fours"}${words}`,
    doc: docOf(kind, epilogue.steps.length > 0),
    body,
    workgroup,
    groups: kind === "tiled" ? tiledGroups(rows, columns) : fewRowsGroups(columns, product.unit),
    parts: isSplit && step.op === "linear_epilogue" ? partsOf(step.operands.weight) : undefined,
  });
}

/** Where rows of a weight [N, K] are whole fours, four elements are one load. */
function foursOf(
  { operands: { x, weight }, attrs: { layout } }: StepOf<"linear_epilogue">,
  builder: KernelBuilder,
  element: { readonly x: (index: string) => string; readonly xTerm: RowTerm; readonly weightTerm: RowTerm },
): Fours | undefined {
  const sizes = [x.type.shape.at(-1)!, rowStep(weight)];
  const isWhole =
    sizes.every((size) => (constantDim(size) ?? 1) % 4 === 0) && constantDim(weight.offset) === 0;
  const w = layout === "out_in" && isWhole ? builder.bindFours("weight") : undefined;
  if (w === undefined) return undefined;
  return {
    w: (k, column) => w(`(${element.weightTerm(column)}4u * ${k}) / 4u`),
    x: (row, k) => {
      const elements = [0, 1, 2, 3].map((n) => element.x(`${element.xTerm(row)}4u * ${k} + ${n}u`));
      return `vec4f(${elements.join(", ")})`;
    },
  };
}

/** What a product binds of its weight. */
const weightViews = ({ op, operands }: Linear): Views =>
  op === "linear_epilogue"
    ? { weight: operands.weight }
    : { codes: operands.codes, scales: operands.scales, minimums: operands.minimums };

type WeightTensors = Tensors<PackedViews & { readonly x: View; readonly weight: View }>;

/** How a weight is read beside x. */
interface Weight extends Pick<Product, "held" | "unit"> {
  readonly read: (operand: Tensor, index: string) => string;
  readonly element: Product["w"];
  readonly fours: (xTerm: RowTerm) => Fours | undefined;
}

function weightOf(step: Linear, builder: KernelBuilder, tensors: WeightTensors, depth: string): Weight {
  if (step.op === "packed_linear") {
    const element = packedReader(builder, tensors, step.attrs);
    return {
      ...heldAsFloats,
      unit: "depth",
      element: (k, column) => element(`${column} * ${depth} + ${k}`),
      fours: () => undefined,
    };
  }
  const isUpright = step.attrs.layout === "out_in";
  const term = rowTerm(builder, "weight_row", rowStep(step.operands.weight));
  const { held, read } = heldOperands(builder, [tensors.x, tensors.weight]);
  return {
    held,
    read,
    unit: isUpright ? "depth" : "columns",
    element: (k, column) => read(tensors.weight, isUpright ? `${term(column)}${k}` : `${term(k)}${column}`),
    fours: (xTerm) => foursOf(step, builder, { x: tensors.x.at, xTerm, weightTerm: term }),
  };
}

const docOf = (kind: Kind, finishes: boolean): string[] => [
  `out = x wᵀ${finishes ? ", each element finished before it is stored" : ""}.`,
  kind === "tiled" ? "A tile of 64 × 64 elements a workgroup." : `For at most ${FEW_ROWS} rows.`,
];

function partsOf(weight: View): Parts {
  const [rows, rowElements] = [constantDim(weight.type.shape[0]!), constantDim(rowStep(weight))];
  invariant(rows !== undefined && rowElements !== undefined, "a weight in parts has run-time sizes");
  return { binding: 1, rows, rowElements, along: true };
}

type RowTerm = (row: string) => string;

/** `row * step + `, or nothing where there is one row. */
function rowTerm(builder: KernelBuilder, name: string, stride: Dim): RowTerm {
  const strides = builder.strides(name, stride);
  return (row) => {
    const text = row === "0u" ? "" : strides(row);
    return text === "" ? "" : `${text} + `;
  };
}

/** A lone number, a row that all rows share, or a tensor of the result's shape. */
function extraReader(
  builder: KernelBuilder,
  tensor: Tensor,
  name: string,
  out: View,
  extra: View,
): (row: string, column: string) => string {
  if (constantDim(elementsOf(extra.type)) === 1) return () => tensor.at("0u");
  if (extra.type.shape.length === 1 && out.type.shape.length > 1) return (_, column) => tensor.at(column);
  const term = rowTerm(builder, `${name}_row`, rowStep(extra));
  return (row, column) => tensor.at(`${term(row)}${column}`);
}

/** One product a pair of matrices. */
const matmul: WgslKernel<"matmul"> = ({ operands: { a, b }, attrs: { transpose_b }, results }, context) => {
  const out = onlyView(results);
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ a, b }, { out });
  const [rows, columns] = out.type.shape.slice(-2) as [Dim, Dim];
  const leading = out.type.shape.slice(0, -2);
  const sizes = {
    rows: builder.size("rows", rows),
    columns: builder.size("columns", columns),
    depth: builder.size("depth", a.type.shape.at(-1)!),
  };
  const aTerm = rowTerm(builder, "a_row", a.strides.at(-2)!);
  const bTerm = rowTerm(builder, "b_row", b.strides.at(-2)!);
  const walked = [a, b].map((view, index) => ({
    name: index === 0 ? "a" : "b",
    strides: view.strides.slice(0, -2),
  }));
  const batch = places(builder, "matrix", leading, walked);
  const before: Code[] =
    leading.length === 0
      ? []
      : [
          "let matrix = group.z;",
          ...batch.lines,
          `let a_first = ${batch.at[0]!};`,
          `let b_first = ${batch.at[1]!};`,
        ];
  const [aFirst, bFirst, outFirst] =
    leading.length === 0
      ? ["", "", ""]
      : ["a_first + ", "b_first + ", `matrix * ${sizes.rows} * ${sizes.columns} + `];
  const { held, read } = heldOperands(builder, [tensors.a, tensors.b]);
  const product: Product = {
    builder,
    ...sizes,
    held,
    x: (row, k) => read(tensors.a, `${aFirst}${aTerm(row)}${k}`),
    w: (k, column) =>
      read(tensors.b, bFirst + (transpose_b ? `${bTerm(column)}${k}` : `${bTerm(k)}${column}`)),
    unit: transpose_b ? "depth" : "columns",
    store: (row, column, value) => [
      tensors.out.put(`${outFirst}${row} * ${sizes.columns} + ${column}`, value),
    ],
  };
  const { body, workgroup } = tiledProduct(product, before);
  return [
    builder.finish({
      name: transpose_b ? "matmul_transposed" : "matmul",
      doc: [
        `out = a b${transpose_b ? "ᵀ" : ""} for each pair of matrices.`,
        "A tile of 64 × 64 elements a workgroup.",
      ],
      body,
      workgroup,
      groups: tiledGroups(rows, columns, ...(leading.length === 0 ? [] : [productOfDims(leading)])),
    }),
  ];
};

export const linearKernels = { linear_epilogue, matmul, packed_linear };
