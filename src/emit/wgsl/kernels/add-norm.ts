import { addNormAffines, addNormDoc, addNormName, addNormResults } from "../../../kernels/norms.ts";
import type { View } from "../../../kernels/view.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { WgslKernel } from "../kernel.ts";
import { floatText } from "../text.ts";
import { eachRow, places } from "../walk.ts";
import { heldBy, lanesFor, overRow } from "./row.ts";
import { affineText, normText, rounding, type Affine } from "./row-norm.ts";

type Attrs = AttributesOf<"add_norm">;

/**
 * A residual edge's join and the norms of its sum, a workgroup a row. A row that fits into the registers of its
 * invocations is read once: joined, summed, normalized and stored from there.
 */
export const add_norm: WgslKernel<"add_norm"> = ({ operands, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const { outs, sum: kept } = addNormResults(results, attrs);
  const joined: Record<string, View> = { source: operands.source };
  operands.branches.forEach((view, index) => (joined[branchName(index, operands.branches.length)] = view));
  const vectors = vectorViews(operands, attrs);
  const stored: Record<string, View> = {};
  outs.forEach((view, index) => (stored[numbered("out", index, outs.length)] = view));
  if (kept !== undefined) stored["sum"] = kept;
  const tensors: Readonly<Record<string, Tensor>> = builder.tensors({ ...joined, ...vectors }, stored);
  const width = operands.source.type.shape.at(-1)!;
  const lanes = lanesFor(width);
  const leading = operands.source.type.shape.slice(0, -1);
  const each = eachRow(builder, leading);
  const moving = { ...joined, ...stored };
  const rows = places(
    builder,
    "row",
    leading,
    Object.entries(moving).map(([name, view]) => ({ name, strides: view.strides.slice(0, -1) })),
  );
  builder.size("width", width);
  const needsSum = attrs.norm !== "none" || attrs.inner !== "none";
  const held = needsSum ? heldBy(lanes, width) : undefined;
  const row = (name: string): string => tensors[name]!.at(`${name}_row + i`);
  const vector = (name: string): string | undefined => vectors[name] && vectorText(tensors[name]!);
  const dtype = operands.source.type.dtype;
  const hold = (name: string, element: string): { lines: Code[]; text: string } => {
    if (held === undefined) return { lines: [], text: element };
    const place = `${name}[i / ${lanes}u]`;
    return {
      lines: [`var ${name}: array<f32, ${held}>;`, ...overRow(lanes, "width", [`${place} = ${element};`])],
      text: place,
    };
  };
  const join = joinText({
    builder,
    attrs,
    dtype,
    lanes,
    hold,
    row,
    vector,
    branches: Object.keys(joined).slice(1),
  });
  const joinedRow = attrs.norm === "none" ? { lines: [], text: join.element } : hold("joined", join.element);
  const norm =
    attrs.norm === "none"
      ? undefined
      : normText({
          kind: attrs.norm,
          eps: attrs.eps,
          builder,
          lanes,
          element: { lines: [], text: joinedRow.text },
        });
  const last = [
    `let element = ${joinedRow.text};`,
    ...(norm === undefined ? [] : [`let normalized = ${norm.normalized("element")};`]),
    ...(kept === undefined ? [] : [tensors["sum"]!.put("sum_row + i", "element")]),
    ...outs.map((_, index) => {
      const affine: Affine = {
        weight: vector(numbered("weight", index, outs.length)),
        bias: vector(numbered("bias", index, outs.length)),
        unitOffset: attrs.unit_offset,
      };
      const name = numbered("out", index, outs.length);
      return tensors[name]!.put(
        `${name}_row + i`,
        affineText(builder, "normalized", affine, dtype, attrs.cast),
      );
    }),
  ];
  const body = [
    ...each.lines,
    ...rows.lines,
    ...Object.keys(moving).map((name, index) => `let ${name}_row = ${rows.at[index]!};`),
    ...join.lines,
    ...joinedRow.lines,
    ...(norm?.lines ?? []),
    ...overRow(lanes, "width", last),
  ];
  return [
    builder.finish({
      name: addNormName(operands.branches.length, attrs),
      doc: [`${addNormDoc(attrs, String(attrs.eps))} A row a workgroup.`],
      body,
      workgroup: [lanes],
      groups: each.groups,
    }),
  ];
};

const branchName = (index: number, count: number): string => numbered("branch", index, count);

const numbered = (name: string, index: number, count: number): string =>
  count === 1 ? name : `${name}${index}`;

/** Vectors and lone numbers by their names in the kernel. */
function vectorViews(
  operands: Parameters<typeof add_norm>[0]["operands"],
  attrs: Attrs,
): Record<string, View> {
  const found: Record<string, View> = {};
  const add = (name: string, view: View | undefined): void => {
    if (view !== undefined) found[name] = view;
  };
  add("branch_bias", operands.bias);
  add("source_gain", operands.source_gain);
  add("branch_gain", operands.branch_gain);
  add("inner_weight", operands.inner_weight);
  add("inner_bias", operands.inner_bias);
  const count = attrs.affines.length;
  addNormAffines(operands, attrs).forEach(({ weight, bias }, index) => {
    add(numbered("weight", index, count), weight);
    add(numbered("bias", index, count), bias);
  });
  return found;
}

/** A vector of the row's width, or one number for all. */
const vectorText = (tensor: Tensor): string =>
  tensor.at(constantDim(elementsOf(tensor.view.type)) === 1 ? "0u" : "i");

const scaled = (element: string, scale: number, gain: string | undefined): string =>
  [...(scale === 1 ? [] : [floatText(scale)]), ...(gain === undefined ? [] : [gain]), element].join(" * ");

interface Join {
  readonly builder: KernelBuilder;
  readonly attrs: Attrs;
  readonly dtype: View["type"]["dtype"];
  readonly lanes: number;
  /** Puts an element of each row into registers, if the row fits. */
  readonly hold: (name: string, element: string) => { lines: Code[]; text: string };
  readonly row: (name: string) => string;
  readonly vector: (name: string) => string | undefined;
  readonly branches: readonly string[];
}

/** The element of the sum; the out-norm of the branch needs lines before it. */
function joinText({ builder, attrs, dtype, lanes, hold, row, vector, branches }: Join) {
  const gain = vector("branch_gain");
  const bias = vector("branch_bias");
  const terms = [...branches.map(row), ...(bias === undefined ? [] : [bias])];
  const source = scaled(row("source"), attrs.source_scale, vector("source_gain"));
  const added = (element: string): string => scaled(element, attrs.branch_scale, gain);
  const [first] = terms;
  invariant(first !== undefined, "an edge without branches");
  if (attrs.order === "in_turn")
    return { lines: [] as Code[], element: [source, ...terms.map(added)].join(" + ") };
  const branch = terms.length === 1 ? first : `(${terms.join(" + ")})`;
  if (attrs.inner === "none") return { lines: [] as Code[], element: `${source} + ${added(branch)}` };
  const inner = hold("inner", branch);
  const norm = normText({
    kind: attrs.inner,
    eps: attrs.inner_eps,
    builder,
    lanes,
    element: { lines: [], text: inner.text },
    prefix: "inner",
  });
  const affine = {
    weight: vector("inner_weight"),
    bias: vector("inner_bias"),
    unitOffset: attrs.inner_unit_offset,
  };
  const normed = affineText(builder, norm.normalized(inner.text), affine, dtype, attrs.cast);
  const isPlain = attrs.branch_scale === 1 && gain === undefined;
  const isWhole = isPlain || (affine.bias === undefined && rounding(builder, dtype)("x") === "x");
  return {
    lines: [...inner.lines, ...norm.lines],
    element: `${source} + ${added(isWhole ? normed : `(${normed})`)}`,
  };
}
