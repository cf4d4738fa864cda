import type { NodeOf, Value } from "../../ir/graph.ts";
import type { createOps } from "../../ops/create.ts";
import type { shapeOps } from "../../ops/shape.ts";
import { addDims, constantDim, dim, subtractDims, type Dim } from "../../tensor/dim.ts";
import type { Builder } from "../builder.ts";
import { isCoreNode, type CoreNode } from "../facts/along.ts";
import type { Forms } from "../forms.ts";
import { backOf, type Form, type Letter } from "../letters.ts";
import { Refusal } from "../refusal.ts";
import { ringNumbers, windowPositions } from "../ring.ts";
import { again, pointwise, recipe, type NodeOfAny, type Recipe, type Rule } from "./rule.ts";
import { wholeThenCut } from "./whole.ts";

/** Positions in a shape become those of the form. */
const shaped = (node: NodeOfAny<"reshape" | "broadcast">, form: Form, forms: Forms): Recipe =>
  again(
    node,
    { x: forms.along(node, "x", node.operands.x, form) },
    { shape: forms.shapeOf({ value: node.results[0]!, form }) },
  );

const slice: Rule<"slice"> = (node, form, forms) => {
  const { x } = node.operands;
  const { axis } = node.attrs;
  const isCutText = forms.isText(x, axis);
  if (forms.isText(node.results[0]!, axis))
    return isCutText ? cutRows(node, form, forms) : tableRows(node, form, forms);
  if (isCutText)
    return forms.factOf(node.results[0]!).reach.newest
      ? newestRow(node, form, forms)
      : firstRow(node, form, forms);
  return again(
    node,
    { x: forms.along(node, "x", x, form) },
    { start: placed(node, node.attrs.start, forms) },
  );
};

/** A place of the text where it now ends; others stay. */
function placed(node: NodeOf<"slice">, start: Dim, forms: Forms): Dim {
  const { symbol, length } = forms.positions;
  if (!forms.positions.isIn(start)) return start;
  const rest = subtractDims(start, length);
  if (constantDim(rest) === undefined) throw new Refusal("run_time_cut", node, symbol);
  return addDims(forms.sizes.length, rest);
}

/** Rows of a text without some in front, or without those after its end: the same cut of its new rows. */
function cutRows(node: NodeOf<"slice">, form: Form, forms: Forms): Recipe {
  const { axis } = node.attrs;
  const shape = forms.shapeOf({ value: node.results[0]!, form });
  const need = forms.along(node, "x", node.operands.x, form);
  return again(node, { x: need }, { size: shape[axis]! });
}

/** The first T rows of a table, as learned positions: those of the letter. */
function tableRows(node: NodeOf<"slice">, form: Form, forms: Forms): Recipe {
  const { axis, start } = node.attrs;
  const letter = form[axis]!;
  const size = forms.sizes.sizeOf(forms.runOf(node.results[0]!, axis)!, letter);
  return again(
    node,
    { x: forms.along(node, "x", node.operands.x, form.with(axis, undefined)) },
    { start: addDims(start, forms.sizes.firstOf(letter)), size },
  );
}

/** The row of the newest position, which the form L holds after as many as its lead. */
function newestRow(node: NodeOf<"slice">, form: Form, forms: Forms): Recipe {
  const { x } = node.operands;
  const { axis, start, size } = node.attrs;
  const run = forms.runOf(x, axis)!;
  const first = constantDim(subtractDims(start, forms.positions.length));
  const count = constantDim(size);
  if (run.kind !== "rows") throw new Refusal("merged", node);
  if (first === undefined || count === undefined) throw new Refusal("run_time_cut", node);
  if (first < -1 || first + count > run.lead) throw new Refusal("newest_rows", node);
  const need = forms.along(node, "x", x, form, new Map([[axis, "L"]]));
  return again(node, { x: need }, { start: dim(first + 1) });
}

/** The row of the first position, which only the first run has: kept from then on. */
function firstRow(node: NodeOf<"slice">, form: Form, forms: Forms): Recipe {
  const { x } = node.operands;
  const { axis, start, size } = node.attrs;
  const run = forms.runOf(x, axis)!;
  const [first, count] = [constantDim(start), constantDim(size)];
  if (run.kind !== "rows") throw new Refusal("merged", node);
  if (first === undefined || count === undefined) throw new Refusal("run_time_cut", node);
  if (first + count > run.lead + 1) throw new Refusal("fixed_rows", node);
  const need = forms.along(node, "x", x, form, new Map([[axis, forms.factOf(x).reach.tokens ? "R" : "K"]]));
  return recipe<"slice">({ x: need }, (operands, build) => {
    const row = build.emit("slice", operands, node.attrs);
    return [forms.factOf(x).reach.tokens ? latched(node, row, build) : row];
  });
}

/** What it was in the run that had no past. */
function latched(node: NodeOf<"slice">, row: Value, build: Builder): Value {
  let kept: Value | undefined;
  build.keep(node.results[0]!, { kind: "first" }, row.type, 0, (before) => {
    return (kept = build.emit("where", { condition: build.isFirst(), x: row, y: before }, {}));
  });
  return kept!;
}

/** What stands in front of a text: its parts, the rows of the text, and how many rows the parts are. */
export interface Front {
  readonly text: Value;
  readonly before: readonly Value[];
  readonly rows: number;
  /** The number that all rows in front are, if they are. */
  readonly padding: number | undefined;
}

/** A concat along positions as a text with rows in front, through concats in concats. */
export function frontOf(node: NodeOf<"concat">, forms: Forms): Front {
  const { axis } = node.attrs;
  let before: Value[] = [];
  let rows = 0;
  let inner: CoreNode | undefined = node;
  let text: Value | undefined;
  while (inner?.op === "concat" && inner.attrs.axis === axis) {
    const { values } = inner.operands;
    const at = values.findIndex((value) => forms.isText(value, axis));
    if (values.filter((value) => forms.isText(value, axis)).length > 1) throw new Refusal("two_texts", inner);
    if (inner !== node && at < values.length - 1) break;
    text = values[at]!;
    before = [...values.slice(0, at), ...before];
    for (const value of values.slice(0, at)) rows += constantDim(value.type.shape[axis]!)!;
    const producer = forms.producerOf(text);
    inner = producer !== undefined && isCoreNode(producer) ? producer : undefined;
  }
  const [first, ...rest] = before.map((value) => forms.factOf(value).known);
  const isPadding = rest.every((number) => Object.is(number, first));
  return { text: text!, before, rows, padding: isPadding ? first : undefined };
}

const concat: Rule<"concat"> = (node, form, forms) => {
  const { axis } = node.attrs;
  if (!forms.isText(node.results[0]!, axis)) return pointwise(node, form, forms);
  const { text, before, rows, padding } = frontOf(node, forms);
  const inForm = (value: Value, letter = form[axis]!) =>
    forms.along(node, "values", value, form.with(axis, letter));
  const whole = recipe<"concat">(
    { values: [...before, text].map((value) => inForm(value, "K")) },
    ({ values }, build) => [values.length === 1 ? values[0]! : build.emit("concat", { values }, { axis })],
  );
  if (form[axis] === "K") return whole;
  if (!forms.factOf(node.results[0]!).reach.tokens) return wholeThenCut(node, form, forms, axis, whole);
  if (before.length === 0) return { needs: [inForm(text)], make: (made) => made };
  if (padding === undefined) throw new Refusal("front", node);
  const tail = forms.tails.claim(text, axis, padding, rows);
  return { needs: [inForm(text, "R")], make: ([made], build) => [build.withTail(tail, made!, rows)] };
};

/** Numbers of positions are made for those of the letters: none depends on how many there are. */
const counted = (node: NodeOfAny<"iota" | "relative_bucket">, form: Form, forms: Forms): Recipe => {
  const sizes = forms.shapeOf({ value: node.results[0]!, form });
  const from = (start: Dim, axis: number): Dim => {
    const letter = form[axis];
    return letter === undefined ? start : addDims(start, forms.sizes.firstOf(letter));
  };
  if (node.op === "iota") {
    const [letter, back] = [form[0], form[0] && backOf(form[0])];
    if (back !== undefined) return windowNumbers(node, letter!, back);
    return again(node, {}, { size: sizes[0]!, start: from(node.attrs.start, 0) });
  }
  const { row_start, column_start } = node.attrs;
  const [rows, columns] = [sizes[0]!, sizes[1]!];
  return again(
    node,
    {},
    { rows, columns, row_start: from(row_start, 0), column_start: from(column_start, 1) },
  );
};

/** The positions of the rows of a window; of those before the text, numbers below 0. */
const windowNumbers = (node: NodeOf<"iota">, letter: Letter, back: number): Recipe => ({
  needs: [],
  make: (_, build) => {
    const first = constantDim(node.attrs.start) ?? 0;
    const at = build.sizes.areRing(letter) ? ringNumbers(build, back) : windowPositions(build, back);
    return [first === 0 ? at : build.emit("add", { x: at, y: build.number(first, "i32") }, {})];
  },
});

export const createRules: { readonly [K in keyof typeof createOps]: Rule<K> } = {
  constant: pointwise,
  full: pointwise,
  iota: counted,
  relative_bucket: counted,
};

export const shapeRules: { readonly [K in keyof typeof shapeOps]: Rule<K> } = {
  reshape: shaped,
  permute: pointwise,
  broadcast: shaped,
  slice,
  concat,
  cast: pointwise,
};
