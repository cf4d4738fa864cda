import type { Graph, Node, NodeOf, Value } from "../../ir/graph.ts";
import { producersOf } from "../../ir/walk.ts";
import { isScalarName } from "../../ops/scalar.ts";
import { alongOf } from "../facts/along.ts";
import type { Facts } from "../facts/facts.ts";
import { operandsWithAxes } from "../facts/operands.ts";

/**
 * What is known of the rows in front of a text: where all of them are one number, or alike, its own rows before its beginning
 * are made the same, so that a text that begins later still stands right behind them.
 */
export class Fronts {
  readonly #facts: Facts;
  readonly #isOwn: (value: Value) => boolean;
  readonly #producers: ReadonlyMap<Value, { readonly node: Node }>;
  readonly #alike = new Map<Value, Map<number, boolean>>();

  constructor(graph: Graph, facts: Facts, isOwn: (value: Value) => boolean) {
    this.#facts = facts;
    this.#isOwn = isOwn;
    this.#producers = producersOf(graph);
  }

  /** The number that all rows are that a concat puts in front of a text; undefined if they are not one. */
  paddingOf(node: NodeOf<"concat">): number | undefined {
    const { values } = node.operands;
    const { axis } = node.attrs;
    const at = values.findIndex((value) => this.#facts.of(value).axes.has(axis));
    const [first, ...others] = values.slice(0, at).map((value) => this.#facts.of(value).known);
    if (first === undefined || others.some((number) => !Object.is(number, first))) return undefined;
    const text = values[at]!;
    if (this.#leadOf(text, axis) === 0) return first;
    const inner = this.#producers.get(text)?.node;
    const isSame = inner?.op === "concat" && inner.attrs.axis === axis && this.#isOwn(text);
    return isSame && Object.is(this.paddingOf(inner), first) ? first : undefined;
  }

  /** Whether the rows in front of a text are alike along an axis, and so are its own before its beginning. */
  areAlike(value: Value, axis: number): boolean {
    const known = this.#alike.get(value)?.get(axis);
    if (known !== undefined) return known;
    const found = this.#areAlike(value, axis);
    const axes = this.#alike.get(value) ?? new Map<number, boolean>();
    this.#alike.set(value, axes.set(axis, found));
    return found;
  }

  #leadOf(value: Value, axis: number): number {
    const run = this.#facts.of(value).axes.get(axis);
    return run?.kind === "rows" ? run.lead : 0;
  }

  #areAlike(value: Value, axis: number): boolean {
    if (this.#leadOf(value, axis) === 0 || this.#facts.of(value).known !== undefined) return true;
    const node = this.#producers.get(value)?.node;
    if (node === undefined || !this.#isOwn(value)) return false;
    if (node.op === "concat" && node.attrs.axis === axis) return this.paddingOf(node) !== undefined;
    if (!isPointwise(node)) return false;
    const sources = operandsWithAxes(node, (each) => this.#facts.of(each)).flatMap((operand) => {
      const at = alongOf(node, axis, operand);
      return at === undefined ? [] : [this.areAlike(operand.value, at)];
    });
    return sources.length > 0 && sources.every(Boolean);
  }
}

/** Ops that make alike rows of alike rows. */
const isPointwise = ({ op }: Node): boolean =>
  isScalarName(op) ||
  [
    "cast",
    "reshape",
    "permute",
    "broadcast",
    "slice",
    "concat",
    "linear",
    "conv2d",
    "layer_norm",
    "rms_norm",
    "l2_norm",
  ].includes(op);
