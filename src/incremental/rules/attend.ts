import type { NodeOf, Value } from "../../ir/graph.ts";
import { addDims, dim } from "../../tensor/dim.ts";
import type { Builder } from "../builder.ts";
import { cornerOf, isHidden } from "../facts/above.ts";
import type { Forms, Need } from "../forms.ts";
import type { Form, Letter } from "../letters.ts";
import { Refusal } from "../refusal.ts";
import { requireSelf } from "./fold.ts";
import { areWritten } from "../ring.ts";
import { again, recipe, type Recipe } from "./rule.ts";

/** [B, H, T, K] or [B, T, H, K]: the axis of queries and of keys. */
const rowAxis = ({ attrs }: NodeOf<"attend">): number => (attrs.layout === "heads_last" ? 1 : 2);

/**
 * Queries of the form's rows see all keys so far, or those of a window. That query i stands at key i + S - T holds for the
 * derived sizes too, so that causal, window and ALiBi stay as written.
 */
export function attend(node: NodeOf<"attend">, form: Form, forms: Forms): Recipe {
  const { q, k, v } = node.operands;
  const row = rowAxis(node);
  for (const value of [q, k, v])
    for (const axis of forms.factOf(value).axes.keys()) if (axis !== row) throw new Refusal("mixed", node);
  if (!forms.isText(k, row)) return attendMemory(node, form, forms);
  if (!forms.isText(q, row)) throw new Refusal("all_queries", node);
  requireCausal(node, forms);
  const back = windowOf(node, forms);
  const keys: Letter = back === undefined ? "K" : node.attrs.alibi ? `W${back}` : `O${back}`;
  const all = (value: Value): Need => ({
    value,
    form: value.type.shape.map((_, axis) => (axis === row ? keys : undefined)),
  });
  const needs = {
    q: forms.along(node, "q", q, form),
    k: all(k),
    v: all(v),
    ...scoresOf(node, form[row], keys, forms),
  };
  if (back === undefined && !isIdle(node.attrs.window, forms)) return again(node, needs);
  return recipe<"attend">(needs, (operands, build) => {
    if (back === undefined) return build.emitAll("attend", operands, { ...node.attrs, window: undefined });
    const isRing = !node.attrs.alibi && build.sizes.isStep;
    const there = isRing ? areWritten(build, back) : areThere(back, build);
    const mask = operands.mask === undefined ? there : build.emit("and", { x: operands.mask, y: there }, {});
    // One query stands after all keys of its window, in whatever order they are.
    const attrs = isRing ? { ...node.attrs, causal: false, window: undefined } : node.attrs;
    return build.emitAll("attend", { ...operands, mask }, attrs);
  });
}

/** A memory that the text does not grow is seen whole by each position. */
function attendMemory(node: NodeOf<"attend">, form: Form, forms: Forms): Recipe {
  const { q, k, v } = node.operands;
  const { causal, window, alibi } = node.attrs;
  const row = rowAxis(node);
  if (forms.isText(q, row) && (causal || window !== undefined || alibi))
    throw new Refusal("fixed_memory", node);
  const needs = { q: forms.along(node, "q", q, form), k: forms.asIs(k), v: forms.asIs(v) };
  return again(node, { ...needs, ...scoresOf(node, form[row], undefined, forms) });
}

/** What is added to scores or hides them, in the letters of queries and of keys. */
function scoresOf(
  { operands: { bias, mask } }: NodeOf<"attend">,
  queries: Letter | undefined,
  keys: Letter | undefined,
  forms: Forms,
): { readonly bias: Need | undefined; readonly mask: Need | undefined } {
  const inLetters = (value: Value | undefined): Need | undefined => {
    if (value === undefined) return undefined;
    const last = value.type.shape.length - 1;
    const letters = value.type.shape.map((_, axis) => {
      if (!forms.isText(value, axis)) return undefined;
      return axis === last ? keys : axis === last - 1 ? queries : undefined;
    });
    return { value, form: letters };
  };
  return { bias: inLetters(bias), mask: inLetters(mask) };
}

/** Throws unless no query sees a later key, by the attribute, the mask or the bias. */
function requireCausal(node: NodeOf<"attend">, forms: Forms): void {
  const { q, k, bias, mask } = node.operands;
  const row = rowAxis(node);
  const [queries, keys] = [forms.runOf(q, row)!, forms.runOf(k, row)!];
  if (queries.kind !== "rows" || keys.kind !== "rows") throw new Refusal("merged", node);
  // Keys after the text would move the query's place among them.
  if (keys.trail !== 0 || queries.trail !== 0) throw new Refusal("leads", node);
  requireLeads(node, queries.lead, keys.lead, forms);
  if (node.attrs.causal) return;
  if (keys.lead < queries.lead) throw new Refusal("leads", node);
  const above = (value: Value | undefined): number | undefined => {
    const last = (value?.type.shape.length ?? 0) - 1;
    return value && cornerOf(forms.factOf(value), last - 1, last, "above");
  };
  if (above(mask) === 0) return;
  if (!isHidden(above(bias))) throw new Refusal("later_keys", node);
  requireSelf(node, bias!, bias!.type.shape.length - 1, forms);
}

/** Masks and biases are cut where queries and keys are. */
function requireLeads(node: NodeOf<"attend">, queries: number, keys: number, forms: Forms): void {
  for (const value of [node.operands.bias, node.operands.mask]) {
    if (value === undefined || forms.factOf(value).known !== undefined) continue;
    const last = value.type.shape.length - 1;
    for (const [axis, run] of forms.factOf(value).axes) {
      const lead = axis === last ? keys : axis === last - 1 ? queries : undefined;
      if (lead === undefined) throw new Refusal("mixed", node);
      if (run.kind !== "rows" || run.lead !== lead) throw new Refusal("leads", node);
    }
  }
}

/** Whether no text is long enough for a window to hide anything of it. */
const isIdle = (window: number | undefined, { options: { limit } }: Forms): boolean =>
  window !== undefined && limit !== undefined && limit <= window;

/** How many keys before the new ones a window needs, where only these are kept. */
function windowOf(node: NodeOf<"attend">, forms: Forms): number | undefined {
  const { k, v, bias, mask } = node.operands;
  const { window, causal } = node.attrs;
  if (!forms.options.windows || !causal || window === undefined || window < 2) return undefined;
  if (isIdle(window, forms)) return undefined;
  const isPlain = [k, v].every((value) => {
    const run = forms.runOf(value, rowAxis(node));
    return run?.kind === "rows" && run.lead === 0 && forms.factOf(value).reach.tokens;
  });
  const isOfKeys = (value: Value | undefined): value is Value =>
    value !== undefined && forms.isText(value, value.type.shape.length - 1);
  const areCounted = [bias, mask].filter(isOfKeys).every((value) => forms.isCounted(value));
  return isPlain && areCounted ? window - 1 : undefined;
}

/** bool[N + back]: whether a key of a window is in the text, and not before it. */
function areThere(back: number, build: Builder): Value {
  const { past, added } = build.sizes;
  const shifted = build.emit("iota", {}, { size: addDims(added, dim(back)), start: past });
  return build.emit("ge", { x: shifted, y: build.number(back, "i32") }, {});
}
