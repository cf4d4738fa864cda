import type { Code } from "../../../support/text.ts";
import { dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachRowOf, places } from "../walk.ts";
import { declareFold, holdRow, lanesFor, overRow } from "./row.ts";
import { normText } from "./row-norm.ts";

type NormGrad = StepOf<"norm_grad">;

/** What the first stage leaves of each row, under the names that `normText` gives them. */
const leftOf = (norm: NormGrad["attrs"]["norm"]): readonly string[] =>
  norm === "layer" ? ["mean", "drift", "scale"] : ["scale"];

const leftSize = ({ operands: { x }, attrs }: NormGrad): Dim =>
  multiplyDims(productOfDims(x.type.shape.slice(0, -1)), dim(leftOf(attrs.norm).length));

/** The names of what is left of a row, and where each lies. */
const leftPlaces = (norm: NormGrad["attrs"]["norm"]): { name: string; place: string }[] =>
  leftOf(norm).map((name, index, { length }) => ({ name, place: `row * ${length}u + ${index}u` }));

/**
 * By rows: the gradient of x, and for a weight the statistics of each row. Then, if there are vectors, by columns: their
 * gradients, summed over the rows.
 */
export const norm_grad: WgslKernel<"norm_grad"> = (step, context) => {
  const hasVectors = step.results.length > 1;
  return [
    normRows(step, step.operands.weight !== undefined, context),
    ...(hasVectors ? [normColumns(step, context)] : []),
  ];
};

function normRows(step: NormGrad, leaves: boolean, context: Context): Dispatch {
  const { operands, attrs, results } = step;
  const { grad, x, weight, carried } = operands;
  const builder = new KernelBuilder(context);
  const out = results[0]!;
  const width = x.type.shape.at(-1)!;
  const left = leaves ? builder.scratch(leftSize(step)) : undefined;
  const tensors = builder.tensors({ grad, x, weight, carried }, { out });
  const lanes = lanesFor(width);
  const rows = eachRowOf(builder, x.type.shape.slice(0, -1), { grad, x, out, ...(carried && { carried }) });
  builder.size("width", width);
  const { lines: hold, elements } = holdRow(lanes, width, {
    held_x: tensors.x.at("x_row + i"),
    held_grad: tensors.grad.at("grad_row + i"),
  });
  const element = { lines: [], text: elements.held_x };
  const { lines: statistics, normalized } = normText({ ...attrs, kind: attrs.norm, builder, lanes, element });
  const row: Row = {
    builder,
    attrs,
    lanes,
    normed: normalized(elements.held_x),
    scaled: scaledGradient(attrs, elements.held_grad, tensors.weight),
  };
  const body: Code[] = [
    ...rows.lines,
    ...hold,
    ...statistics,
    ...sumRow(row),
    ...storeRow(row, tensors.out, tensors.carried),
    ...(left === undefined ? [] : leaveStatistics(attrs.norm, left)),
  ];
  const words = [
    ...(weight === undefined ? [] : [attrs.unit_offset ? "unit_weight" : "weight"]),
    ...(carried === undefined ? [] : ["carried"]),
  ];
  const more = carried === undefined ? "" : ", plus what its input carries on";
  return builder.finish({
    stage: 0,
    name: [`${attrs.norm}_norm_grad`, ...words].join("_"),
    doc: [`The gradient of a ${attrs.norm} norm of each row${more}. A row a workgroup.`],
    body,
    workgroup: [lanes],
    groups: rows.groups,
  });
}

/** A row on its way back through the norm; texts are those of element `i`. */
interface Row {
  readonly builder: KernelBuilder;
  readonly attrs: NormGrad["attrs"];
  readonly lanes: number;
  readonly normed: string;
  /** What reaches the normalized element. */
  readonly scaled: string;
}

function scaledGradient(attrs: NormGrad["attrs"], gradient: string, weight: Tensor | undefined): string {
  if (weight === undefined) return gradient;
  return `${gradient} * ${attrs.unit_offset ? `(1.0 + ${weight.at("i")})` : weight.at("i")}`;
}

/** `shift` and `turn`: what the gradient of a row loses along the mean and along the row itself. */
function sumRow({ builder, attrs: { norm, eps }, lanes, normed, scaled }: Row): Code[] {
  const sums = declareFold(builder, "sums", lanes);
  const turn = norm === "l2" ? `select(0.0, sums.y, scale < ${floatText(1 / eps)})` : "sums.y / f32(width)";
  return [
    "var own_sums = vec2f();",
    ...overRow(lanes, "width", [`let h = ${scaled};`, `own_sums += vec2f(h, h * (${normed}));`]),
    `let sums = ${sums("own_sums")};`,
    ...(norm === "layer" ? ["let shift = sums.x / f32(width);"] : []),
    `let turn = ${turn};`,
  ];
}

function storeRow({ attrs, lanes, normed, scaled }: Row, out: Tensor, carried: Tensor | undefined): Code[] {
  const shift = attrs.norm === "layer" ? " - shift" : "";
  const more = carried ? ` + ${carried.at("carried_row + i")}` : "";
  const value = `scale * (${scaled}${shift} - normed * turn)${more}`;
  return overRow(lanes, "width", [`let normed = ${normed};`, out.put("out_row + i", value)]);
}

const leaveStatistics = (norm: NormGrad["attrs"]["norm"], left: Pick<Tensor, "put">): Code[] =>
  ifThen(
    "lane == 0u",
    leftPlaces(norm).map(({ name, place }) => left.put(place, name)),
  );

/** Columns of a workgroup, and the invocations that share the rows of each. */
const COLUMNS = 32;
const SHARES = 8;

function normColumns(step: NormGrad, context: Context): Dispatch {
  const { operands, attrs, results } = step;
  const { grad, x, weight } = operands;
  const builder = new KernelBuilder(context);
  const ofWeight = weight === undefined ? undefined : results[1]!;
  const ofBias = attrs.bias ? results.at(-1)! : undefined;
  const left = ofWeight && builder.leftBefore(leftSize(step));
  const tensors = builder.tensors({ grad, x: ofWeight && x }, { of_weight: ofWeight, of_bias: ofBias });
  const add = addRows(step, tensors, left, builder);
  const width = builder.size("width", x.type.shape.at(-1)!);
  builder.builtin("group", "lane");
  builder.shared("partials", "vec2f", COLUMNS * SHARES);
  const body: Code[] = [
    `let column = group.x * ${COLUMNS}u + lane % ${COLUMNS}u;`,
    `let share = lane / ${COLUMNS}u;`,
    "var sums = vec2f();",
    ...ifThen(`column < ${width}`, add),
    "partials[lane] = sums;",
    "workgroupBarrier();",
    ...ifThen(`share > 0u || column >= ${width}`, ["return;"]),
    "var total = vec2f();",
    ...forLoop("other", `${SHARES}u`, [`total += partials[other * ${COLUMNS}u + lane];`]),
    ...(tensors.of_weight ? [tensors.of_weight.put("column", "total.x")] : []),
    ...(tensors.of_bias ? [tensors.of_bias.put("column", "total.y")] : []),
  ];
  const words = [...(ofWeight ? ["weight"] : []), ...(ofBias ? ["bias"] : [])];
  return builder.finish({
    stage: 1,
    name: [`${attrs.norm}_norm_grad_of`, ...words].join("_"),
    doc: [`The gradients of a ${attrs.norm} norm's ${words.join(" and ")}. ${COLUMNS} columns a workgroup.`],
    body,
    workgroup: [COLUMNS * SHARES],
    groups: { kind: "grid", axes: [{ count: x.type.shape.at(-1)!, per: COLUMNS }] },
  });
}

/** Adds up the own column of a share of the rows: what the weight gets, if there is one, and what the bias. */
function addRows(
  { operands, attrs: { norm } }: NormGrad,
  { grad, x }: { readonly grad: Tensor; readonly x: Tensor | undefined },
  left: Pick<Tensor, "at"> | undefined,
  builder: KernelBuilder,
): Code[] {
  const leading = operands.x.type.shape.slice(0, -1);
  const walked = { grad, ...(x && { x }) };
  const rows = places(
    builder,
    "row",
    leading,
    Object.entries(walked).map(([name, { view }]) => ({ name, strides: view.strides.slice(0, -1) })),
  );
  const count = builder.size("rows", productOfDims(leading));
  const normed = norm === "layer" ? "(element - mean - drift) * scale" : "element * scale";
  const add =
    x === undefined || left === undefined
      ? ["sums.y += g;"]
      : [
          `let element = ${x.at(`${rows.at[1]!} + column`)};`,
          ...leftPlaces(norm).map(({ name, place }) => `let ${name} = ${left.at(place)};`),
          `sums += vec2f(g * (${normed}), g);`,
        ];
  return forLoop("row", count, [...rows.lines, `let g = ${grad.at(`${rows.at[0]!} + column`)};`, ...add], {
    start: "share",
    step: `${SHARES}u`,
  });
}
