import type { Graph, Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isScalarName } from "../../ops/scalar.ts";
import { hasTrait } from "../../ops/table.ts";
import { constantDim, sameDim, symbolsOf, type Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import { reachedFrom } from "../checkpoints.ts";

/**
 * How a number that is taken over a batch becomes that of several: the one that all of their rows would have as one batch.
 * A mean weighs by its rows, or by its targets that count; a sum adds up; what no data reaches is the same in each.
 */
export type Weight =
  | { readonly kind: "rows" | "sum" | "same" }
  | { readonly kind: "targets"; readonly targets: Value; readonly ignore: number };

/** A scalar that is such a number; a measure is made of its parts by scalar functions alone. */
export interface Part {
  readonly value: Value;
  readonly weight: Weight;
  /** False for what is neither a mean nor a sum over the rows of a batch, and so only weighs by its rows. */
  readonly isExact: boolean;
}

/** A text for each weight; equal ones weigh the same. */
export const sameWeight = (a: Weight, b: Weight): boolean =>
  a.kind === "targets" && b.kind === "targets"
    ? a.targets === b.targets && a.ignore === b.ignore
    : a.kind === b.kind;

/** What is known of a value: how it combines, that it still has the rows of the batch, or nothing. */
type Combination = Weight | "by row" | "unknown";

const rows: Weight = { kind: "rows" };
const sum: Weight = { kind: "sum" };
const same: Weight = { kind: "same" };

/** Finds the parts of the measures of a graph. Each value is looked at once. */
export class MeasureParts {
  readonly #makers = new Map<Value, Node>();
  readonly #fed: ReadonlySet<Value>;
  readonly #known = new Map<Value, Combination>();
  /** The size of a batch: the first axis of what comes in. */
  readonly batch: Dim | undefined;

  constructor(graph: Graph) {
    for (const node of graph.nodes) for (const value of node.results) this.#makers.set(value, node);
    this.#fed = reachedFrom(
      graph,
      graph.inputs.map(({ value }) => value),
    );
    this.batch = graph.inputs.find(({ value }) => value.type.shape.length > 0)?.value.type.shape[0];
  }

  /** The node that makes a value; undefined for inputs and parameters. */
  maker(value: Value): Node | undefined {
    return this.#makers.get(value);
  }

  /** The parts of a scalar, each once: itself, if it is a mean or a sum as a whole. */
  of(value: Value): readonly Part[] {
    const combination = this.#combinationOf(value);
    if (typeof combination === "object") return [{ value, weight: combination, isExact: true }];
    const node = this.#makers.get(value);
    const operands = node === undefined ? [] : operandValues(node);
    if (node === undefined || !isPointwise(node) || !operands.every(isOne))
      return [{ value, weight: rows, isExact: false }];
    const parts = operands.flatMap((operand) => this.of(operand));
    return parts.filter(({ value: part }, at) => parts.findIndex((other) => other.value === part) === at);
  }

  #combinationOf(value: Value): Combination {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const found = this.#find(value);
    this.#known.set(value, found);
    return found;
  }

  #find(value: Value): Combination {
    if (!this.#fed.has(value)) return same;
    if (this.#hasRows(value.type.shape)) return "by row";
    const node = this.#makers.get(value);
    if (node === undefined) return "unknown";
    switch (node.op) {
      case "cross_entropy":
      case "accuracy": {
        const { operands, attrs } = node;
        if (this.#combinationOf(operands.targets) !== "by row") return "unknown";
        return attrs.ignore === undefined
          ? rows
          : { kind: "targets", targets: operands.targets, ignore: attrs.ignore };
      }
      case "mean_squared_error":
        return this.#overRows(node, rows);
      case "reduce_mean":
        return this.#overRows(node, rows);
      case "reduce_sum":
        return this.#overRows(node, sum);
      default:
        return this.#linear(node);
    }
  }

  /** The rows of a batch folded into what `folded` says; what was folded before stays that by a further fold. */
  #overRows(node: Node, folded: Weight): Combination {
    const found = operandValues(node).map((operand) => this.#combinationOf(operand));
    if (found.includes("by row")) return folded;
    return node.op === "mean_squared_error" ? "unknown" : found[0]!;
  }

  /** A linear function of means stays a mean, of sums a sum. A mean takes what is the same everywhere added to it. */
  #linear(node: Node): Combination {
    const found = operandValues(node).map((operand) => this.#combinationOf(operand));
    const [first, second] = found;
    if (first === undefined || found.some((each) => typeof each !== "object")) return "unknown";
    const all = found as readonly Weight[];
    if (hasTrait(node.op, "moves") || node.op === "neg")
      return all.every((each) => sameWeight(each, all[0]!)) ? first : "unknown";
    const [x, y] = [first, second] as readonly [Weight, Weight];
    switch (node.op) {
      case "add":
      case "sub":
        if (sameWeight(x, y)) return x;
        if (x.kind === "same" && y.kind !== "sum") return y;
        return y.kind === "same" && x.kind !== "sum" ? x : "unknown";
      case "mul":
        if (x.kind === "same") return y;
        return y.kind === "same" ? x : "unknown";
      case "div":
        return y.kind === "same" ? x : "unknown";
      default:
        return "unknown";
    }
  }

  #hasRows(shape: Shape): boolean {
    const { batch } = this;
    if (batch === undefined) return false;
    const [symbol] = symbolsOf(batch);
    return symbol === undefined
      ? shape.some((size) => sameDim(size, batch))
      : shape.some((size) => symbolsOf(size).has(symbol));
  }
}

/** Scalar functions, and what only moves or converts elements. */
const isPointwise = ({ op }: Node): boolean => isScalarName(op) || hasTrait(op, "moves");

const isOne = ({ type }: Value): boolean => type.shape.every((size) => constantDim(size) === 1);
