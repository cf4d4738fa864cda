import { onlyView } from "../../../kernels/results.ts";
import { rowStep, type View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { addDims, constantDim, dim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensors, Views } from "../given.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { fewRowsGroups, fewRowsProduct } from "./few-rows.ts";
import { packedReader, type PackedViews } from "./packed.ts";
import { heldAsFloats, heldOperands, TILE, tiledGroups, tiledProduct } from "./product.ts";

/** Choices that are each a row of their own: few enough that most matrices are chosen by one of them at most. */
const FEW_CHOICES = 32;

/** Invocations that put choices in order. */
const GROUPERS = 256;

/** Choices in the order of what they chose, in scratch memory: where those of each matrix begin and the last end; the choices. */
const groupsSize = (chosen: View, experts: Dim): Dim =>
  [experts, dim(1), elementsOf(chosen.type)].reduce(addDims);

/** The first stage: counts, sums of counts, and the choices; a matrix an invocation, so that their order is always the same. */
function group(chosen: View, experts: Dim, context: Context): Dispatch {
  const builder = new KernelBuilder(context);
  const groups = builder.scratchBetween(groupsSize(chosen, experts));
  const tensors = builder.tensors({ chosen }, {});
  const count = builder.size("experts", experts);
  const choices = builder.size("choices", elementsOf(chosen.type));
  builder.builtin("lane");
  const eachExpert = (body: readonly Code[]): Code[] =>
    forLoop("e", count, body, { start: "lane", step: `${GROUPERS}u` });
  const eachChoice = (body: readonly Code[]): Code[] =>
    forLoop("c", choices, ifThen(`u32(${tensors.chosen.at("c")}) == e`, body));
  const body = [
    ...eachExpert(["var held = 0u;", ...eachChoice(["held++;"]), groups.put("e + 1u", "f32(held)")]),
    "storageBarrier();",
    ...ifThen("lane == 0u", [
      "var first = 0.0;",
      groups.put("0u", "first"),
      ...forLoop("e", count, [`first += ${groups.at("e + 1u")};`, groups.put("e + 1u", "first")]),
    ]),
    "storageBarrier();",
    ...eachExpert([
      `var at = u32(${groups.at("e")}) + ${count} + 1u;`,
      ...eachChoice([groups.put("at", "f32(c)"), "at++;"]),
    ]),
  ];
  return builder.finish({
    stage: 0,
    name: "group_choices",
    doc: ["Choices in the order of what they chose."],
    body,
    workgroup: [GROUPERS],
    groups: { kind: "list", count: dim(1), per: 1 },
  });
}

/** Rows of x by choice: [.., C, K], or [.., 1, K] of which all choices of a place read one. */
function rowTerm(builder: KernelBuilder, name: string, view: View, chosen: View): (choice: string) => string {
  const each = chosen.type.shape.at(-1)!;
  const isShared = constantDim(view.type.shape.at(-2)!) === 1 && constantDim(each) !== 1;
  const shared = isShared ? builder.size(`${name}_each`, each) : undefined;
  const strides = builder.strides(`${name}_row`, rowStep(view));
  return (choice) => {
    const term = strides(shared === undefined ? choice : `(${choice}) / ${shared}`);
    return term === "" ? "" : `${term} + `;
  };
}

/** Elements of the chosen matrix, and how they lie. */
function matrixReader(layout: "out_in" | "in_out", columns: string, depth: string) {
  const isUpright = layout === "out_in";
  return {
    unit: isUpright ? ("depth" as const) : ("columns" as const),
    place: (expert: string, k: string, column: string): string =>
      isUpright
        ? `(${expert} * ${columns} + ${column}) * ${depth} + ${k}`
        : `(${expert} * ${depth} + ${k}) * ${columns} + ${column}`,
  };
}

type Step = StepOf<"routed_linear"> | StepOf<"packed_routed_linear">;

/** The matrices that are chosen from. */
const expertsOf = (step: Step): Dim =>
  step.op === "routed_linear" ? step.operands.weight.type.shape[0]! : dim(step.attrs.experts);

/** What a product binds of its matrices. */
const weightViews = ({ op, operands }: Step): Views =>
  op === "routed_linear"
    ? { weight: operands.weight }
    : { codes: operands.codes, scales: operands.scales, minimums: operands.minimums };

type WeightTensors = Tensors<PackedViews & { readonly x: View; readonly weight: View }>;

/** How elements of the matrices are read, and those of x beside them. */
function weightOf(
  step: Step,
  builder: KernelBuilder,
  tensors: WeightTensors,
  columns: string,
  depth: string,
) {
  const layout = step.op === "routed_linear" ? step.attrs.layout : "out_in";
  const matrix = matrixReader(layout, columns, depth);
  if (step.op === "packed_routed_linear") {
    const element = packedReader(builder, tensors, step.attrs);
    const w = (k: string, column: string): string => element(matrix.place("expert", k, column));
    return { ...heldAsFloats, unit: matrix.unit, w };
  }
  const { held, read } = heldOperands(builder, [tensors.x, tensors.weight]);
  const w = (k: string, column: string): string => read(tensors.weight, matrix.place("expert", k, column));
  return { held, read, unit: matrix.unit, w };
}

const nameOf = (step: Step, name: string): string =>
  step.op === "packed_routed_linear" ? `packed_${step.attrs.bits}_${name}` : name;

/** Few choices: one at a time, with the matrix that it chose. */
function fewChoices(step: Step, context: Context): Dispatch {
  const { x, chosen } = step.operands;
  const out = onlyView(step.results);
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ x, ...weightViews(step), chosen }, { out });
  const columns = builder.size("columns", out.type.shape.at(-1)!);
  const depth = builder.size("depth", x.type.shape.at(-1)!);
  const row = rowTerm(builder, "x", x, chosen);
  const weight = weightOf(step, builder, tensors as unknown as WeightTensors, columns, depth);
  const { body, workgroup } = fewRowsProduct(
    {
      builder,
      rows: "1u",
      columns,
      depth,
      held: weight.held,
      unit: weight.unit,
      x: (_, k) => weight.read(tensors.x, `${row("choice")}${k}`),
      w: weight.w,
      store: (_, column, value) => [tensors.out.put(`choice * ${columns} + ${column}`, value)],
    },
    ["let choice = group.y;", `let expert = u32(${tensors.chosen.at("choice")});`],
  );
  const choices = elementsOf(chosen.type);
  const few = fewRowsGroups(out.type.shape.at(-1)!, weight.unit);
  return builder.finish({
    stage: 1,
    name: nameOf(step, "routed_rows"),
    doc: ["out = x wᵀ with the matrix that each row chose.", `For at most ${FEW_CHOICES} rows.`],
    body,
    workgroup,
    groups: { kind: "grid", axes: [...(few.kind === "grid" ? few.axes : []), { count: choices, per: 1 }] },
    when: { size: choices, atMost: FEW_CHOICES },
  });
}

/** The tile of rows of a workgroup: which matrix they chose, and how far their numbers are from places in the order. */
const findTile = (experts: string, start: (expert: string) => string): Code[] => [
  "var expert = 0u;",
  "var offset = 0u;",
  "var tile_rows = 0u;",
  "var before = 0u;",
  ...forLoop("e", experts, [
    `let first = u32(${start("e")});`,
    `let last = u32(${start("e + 1u")});`,
    `let tiles = (last - first + ${TILE - 1}u) / ${TILE}u;`,
    "// Numbers wrap around where a place comes before that of the tile.",
    ...ifThen("group.y >= before && group.y < before + tiles", [
      "expert = e;",
      `offset = first - before * ${TILE}u;`,
      "tile_rows = last - offset;",
    ]),
    "before += tiles;",
  ]),
];

/** Many choices: tiles of the rows that chose one matrix. */
function manyChoices(step: Step, context: Context): Dispatch {
  const { x, chosen } = step.operands;
  const out = onlyView(step.results);
  const builder = new KernelBuilder(context);
  const experts = expertsOf(step);
  const groups = builder.leftBefore(groupsSize(chosen, experts));
  const tensors = builder.tensors({ x, ...weightViews(step) }, { out });
  const count = builder.size("experts", experts);
  const columns = builder.size("columns", out.type.shape.at(-1)!);
  const depth = builder.size("depth", x.type.shape.at(-1)!);
  const row = rowTerm(builder, "x", x, chosen);
  const weight = weightOf(step, builder, tensors as unknown as WeightTensors, columns, depth);
  const choice = (place: string): string => `u32(${groups.at(`${count} + 1u + ${place} + offset`)})`;
  const { body, workgroup } = tiledProduct(
    {
      builder,
      rows: "tile_rows",
      columns,
      depth,
      held: weight.held,
      unit: weight.unit,
      x: (place, k) => weight.read(tensors.x, `${row(choice(place))}${k}`),
      w: weight.w,
      store: (place, column, value) => [tensors.out.put(`${choice(place)} * ${columns} + ${column}`, value)],
    },
    findTile(count, groups.at),
  );
  // Each matrix has a last tile that may not be full.
  const tiles = addDims(elementsOf(chosen.type), multiplyDims(experts, dim(TILE)));
  return builder.finish({
    stage: 1,
    name: nameOf(step, "routed_linear"),
    doc: [
      "out = x wᵀ with the matrix that each row chose.",
      "A tile of 64 × 64 elements a workgroup, its rows of one matrix.",
    ],
    body,
    workgroup,
    groups: tiledGroups(tiles, out.type.shape.at(-1)!),
  });
}

const routed = (step: Step, context: Context): readonly Dispatch[] => [
  group(step.operands.chosen, expertsOf(step), context),
  fewChoices(step, context),
  manyChoices(step, context),
];

const routed_linear: WgslKernel<"routed_linear"> = (step, context) => routed(step, context);

/** The same of packed matrices, whose elements are made where they are read. */
const packed_routed_linear: WgslKernel<"packed_routed_linear"> = (step, context) => {
  invariant(step.attrs.activations === "f32", "no shader multiplies 8-bit numbers");
  return routed(step, context);
};

/** A product over the rows that chose a matrix, for each matrix. */
const routed_weight_grad: WgslKernel<"routed_weight_grad"> = ({ operands, attrs, results }, context) => {
  const { chosen } = operands;
  const [a, b] = attrs.layout === "out_in" ? [operands.grad, operands.x] : [operands.x, operands.grad];
  const out = onlyView(results);
  const [experts, rows, columns] = out.type.shape as readonly [Dim, Dim, Dim];
  const builder = new KernelBuilder(context);
  const groups = builder.leftBefore(groupsSize(chosen, experts));
  const tensors = builder.tensors({ a, b }, { out });
  const count = builder.size("experts", experts);
  const [rowCount, columnCount] = [builder.size("rows", rows), builder.size("columns", columns)];
  const [aRow, bRow] = [rowTerm(builder, "a", a, chosen), rowTerm(builder, "b", b, chosen)];
  const { held, read } = heldOperands(builder, [tensors.a, tensors.b]);
  const choice = (place: string): string => `u32(${groups.at(`${count} + 1u + ${place}`)})`;
  const { body, workgroup } = tiledProduct(
    {
      builder,
      rows: rowCount,
      columns: columnCount,
      depth: "end",
      range: { begin: "begin", end: "end" },
      held,
      unit: "columns",
      xUnit: "rows",
      x: (row, place) => read(tensors.a, `${aRow(choice(place))}${row}`),
      w: (place, column) => read(tensors.b, `${bRow(choice(place))}${column}`),
      store: (row, column, value) => [
        tensors.out.put(`(group.z * ${rowCount} + ${row}) * ${columnCount} + ${column}`, value),
      ],
    },
    [`let begin = u32(${groups.at("group.z")});`, `let end = u32(${groups.at("group.z + 1u")});`],
  );
  const product = builder.finish({
    stage: 1,
    name: "routed_weight_grad",
    doc: [
      "The gradients of matrices, by the rows that chose each.",
      "A tile of 64 × 64 elements a workgroup.",
    ],
    body,
    workgroup,
    groups: tiledGroups(rows, columns, experts),
  });
  return [group(chosen, experts, context), product];
};

export const routedKernels = { routed_linear, packed_routed_linear, routed_weight_grad };
