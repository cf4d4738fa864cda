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
import { eachRowOf } from "../walk.ts";
import { holdRow, lanesFor, overRow } from "./row.ts";
import { affineText, normText, rounding, type Affine } from "./row-norm.ts";

type Attrs = AttributesOf<"add_norm">;
type Operands = Parameters<WgslKernel<"add_norm">>[0]["operands"];

/**
 * A residual edge's join and the norms of its sum, a workgroup a row. A row that fits into the registers of its
 * invocations is read once: joined, summed, normalized and stored from there.
 */
export const add_norm: WgslKernel<"add_norm"> = ({ operands, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const { joined, vectors, stored } = viewsOf(operands, attrs, results);
  const tensors: Tensors = builder.tensors({ ...joined, ...vectors }, stored);
  const { shape, dtype } = operands.source.type;
  const width = shape.at(-1)!;
  const lanes = lanesFor(width);
  const rows = eachRowOf(builder, shape.slice(0, -1), { ...joined, ...stored });
  builder.size("width", width);
  const edge: Edge = {
    builder,
    attrs,
    dtype,
    lanes,
    hold: (name, element) => {
      const { lines, elements } = holdRow(lanes, width, { [name]: element });
      return { lines, text: elements[name]! };
    },
    row: (name) => tensors[name]!.at(`${name}_row + i`),
    vector: (name) => vectors[name] && vectorText(tensors[name]!),
    branches: Object.keys(joined).slice(1),
  };
  const join = joinText(edge);
  const sum = normedSum(edge, join.element);
  const body = [
    ...rows.lines,
    ...join.lines,
    ...sum.lines,
    ...overRow(lanes, "width", [...sum.element, ...storeRow(edge, tensors)]),
  ];
  return [
    builder.finish({
      name: addNormName(operands.branches.length, attrs),
      doc: [`${addNormDoc(attrs, String(attrs.eps))} A row a workgroup.`],
      body,
      workgroup: [lanes],
      groups: rows.groups,
    }),
  ];
};

type Tensors = Readonly<Record<string, Tensor>>;

/** What the phases of the kernel are told. */
interface Edge {
  readonly builder: KernelBuilder;
  readonly attrs: Attrs;
  readonly dtype: View["type"]["dtype"];
  readonly lanes: number;
  /** Puts an element of each row into registers, if the row fits. */
  readonly hold: (name: string, element: string) => { lines: readonly Code[]; text: string };
  readonly row: (name: string) => string;
  readonly vector: (name: string) => string | undefined;
  readonly branches: readonly string[];
}

/** Operands and results by their names in the kernel: rows that are joined, vectors, and rows that are stored. */
function viewsOf(operands: Operands, attrs: Attrs, results: readonly View[]) {
  const { outs, sum } = addNormResults(results, attrs);
  const joined: Record<string, View> = { source: operands.source };
  operands.branches.forEach((view, index) => {
    joined[numbered("branch", index, operands.branches.length)] = view;
  });
  const stored: Record<string, View> = {};
  outs.forEach((view, index) => (stored[numbered("out", index, outs.length)] = view));
  if (sum !== undefined) stored["sum"] = sum;
  return { joined, vectors: vectorViews(operands, attrs), stored };
}

/** The statistics of the sum; then its `element` and, if there is a norm, that as `normalized`. */
function normedSum({ builder, attrs, lanes, hold }: Edge, sum: string) {
  const { norm: kind, eps } = attrs;
  if (kind === "none") return { lines: [], element: [`let element = ${sum};`] };
  const { lines, text } = hold("joined", sum);
  const norm = normText({ kind, eps, builder, lanes, element: { lines: [], text } });
  return {
    lines: [...lines, ...norm.lines],
    element: [`let element = ${text};`, `let normalized = ${norm.normalized("element")};`],
  };
}

/** Stores the sum, if it is read again, and what each norm makes of it. */
function storeRow({ builder, attrs, dtype, vector }: Edge, tensors: Tensors): string[] {
  const count = attrs.affines.length;
  const outs = attrs.affines.map((_, index) => {
    const affine: Affine = {
      weight: vector(numbered("weight", index, count)),
      bias: vector(numbered("bias", index, count)),
      unitOffset: attrs.unit_offset,
    };
    const name = numbered("out", index, count);
    return tensors[name]!.put(
      `${name}_row + i`,
      affineText(builder, "normalized", affine, dtype, attrs.cast),
    );
  });
  return [...(tensors["sum"] ? [tensors["sum"].put("sum_row + i", "element")] : []), ...outs];
}

const numbered = (name: string, index: number, count: number): string =>
  count === 1 ? name : `${name}${index}`;

/** Vectors and lone numbers by their names in the kernel. */
function vectorViews(operands: Operands, attrs: Attrs): Record<string, View> {
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

/** The element of the sum; the out-norm of the branch needs lines before it. */
function joinText({ builder, attrs, dtype, lanes, hold, row, vector, branches }: Edge) {
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
