import { tailOf, weightOf } from "../autodiff/train/accumulate.ts";
import { MeasureParts, sameWeight, type Weight } from "../autodiff/train/parts.ts";
import { Backward } from "../autodiff/backward.ts";
import type { Graph, Output, Value } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import { makeValue } from "../ir/node.ts";
import { hostTensor } from "../tensor/host.ts";

/** Outputs that are one number, by name: `loss`, the metrics, `gradient_norm`. */
export type Scalars = Readonly<Record<string, number>>;

/** How the loss or a metric of several batches is made: it is what one batch of all their rows would have. */
export interface MeasureRule {
  readonly name: string;
  readonly parts: readonly MeasurePart[];
  /** What makes the measure of its parts, its inputs in their order; undefined if it is its only part. */
  readonly tail: Graph | undefined;
}

interface MeasurePart {
  /** The output of the graph that gives it for a batch. */
  readonly output: string;
  /** A mean over the rows or over a number that an output gives; a sum; or the same in all batches. */
  readonly weight: "rows" | "sum" | "same" | { readonly count: string };
}

/** The graph with outputs, named `part.N` and `count.N`, for what its measures lack to be told of several batches. */
export function withMeasureParts(graph: Graph): {
  readonly graph: Graph;
  readonly rules: readonly MeasureRule[];
} {
  const observer = new Observer(graph);
  const rules = graph.outputs.map((output) => observer.ruleOf(output));
  const { nodes } = observer.b;
  return {
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...nodes],
      outputs: [...graph.outputs, ...observer.outputs],
    },
    rules,
  };
}

class Observer {
  readonly b = new Backward(new Set(), "update");
  readonly outputs: Output[] = [];
  readonly #parts: MeasureParts;
  readonly #names: Map<Value, string>;
  readonly #counts: { readonly weight: Weight; readonly name: string }[] = [];
  #made = 0;

  constructor(graph: Graph) {
    this.#parts = new MeasureParts(graph);
    this.#names = new Map(graph.outputs.map(({ name, value }) => [value, name]));
  }

  ruleOf({ name, value }: Output): MeasureRule {
    const parts = this.#parts.of(value);
    const made = parts.map((part): MeasurePart => ({
      output: this.#outputOf(part.value),
      weight: part.weight.kind === "targets" ? { count: this.#countOf(part.weight) } : part.weight.kind,
    }));
    if (parts.length === 1 && parts[0]!.value === value) return { name, parts: made, tail: undefined };
    const given = new Map(parts.map((part) => [part.value, makeValue(part.value.type)]));
    return { name, parts: made, tail: tailOf(this.#parts, value, given).graph };
  }

  #outputOf(value: Value): string {
    const found = this.#names.get(value);
    if (found !== undefined) return found;
    const name = this.#add(`part.${this.#made++}`, value);
    this.#names.set(value, name);
    return name;
  }

  #countOf(weight: Weight): string {
    const found = this.#counts.find((count) => sameWeight(count.weight, weight));
    if (found !== undefined) return found.name;
    const name = this.#add(`count.${this.#counts.length}`, weightOf(this.b, this.#parts, weight)!);
    this.#counts.push({ weight, name });
    return name;
  }

  #add(name: string, value: Value): string {
    this.outputs.push({ name, value: this.b.reshape(value, []), span: undefined });
    return name;
  }
}

/** Adds up batches, and gives the measures that all their rows have as one. */
export class MeasureTotals {
  readonly #rules: readonly MeasureRule[];
  readonly #sums = new Map<MeasurePart, { sum: number; weight: number }>();
  #rows = 0;

  constructor(rules: readonly MeasureRule[]) {
    this.#rules = rules;
  }

  /** A batch of so many rows, or of tokens where they are counted; `scalars` are the outputs of its graph. */
  add(scalars: Scalars, rows: number): void {
    this.#rows += rows;
    for (const part of this.#rules.flatMap(({ parts }) => parts)) {
      const value = scalars[part.output]!;
      const weight = weightIn(part, scalars, rows);
      const total = this.#sums.get(part) ?? { sum: 0, weight: 0 };
      // A mean of nothing is NaN, and weighs nothing.
      const added = weight === 0 ? 0 : weight * value;
      this.#sums.set(
        part,
        part.weight === "same"
          ? { sum: value, weight: 1 }
          : { sum: total.sum + added, weight: total.weight + weight },
      );
    }
  }

  /** Of all batches, what a sum is in so many rows; of all of them if not given. Undefined if there were none. */
  measures(rows = this.#rows): Scalars | undefined {
    if (this.#rows === 0) return undefined;
    return Object.fromEntries(this.#rules.map((rule) => [rule.name, this.#measure(rule, rows)]));
  }

  #measure({ parts, tail }: MeasureRule, rows: number): number {
    const values = parts.map((part) => {
      const { sum, weight } = this.#sums.get(part)!;
      return part.weight === "sum" ? (sum * rows) / this.#rows : sum / weight;
    });
    if (tail === undefined) return values[0]!;
    const inputs = tail.inputs.map(({ name, value: { type } }, index) => {
      const shape = type.shape.map(() => 1);
      return [name, hostTensor(type.dtype, shape, [values[index]!])] as const;
    });
    const { measure } = interpret(tail, { inputs: Object.fromEntries(inputs), parameters: {} });
    return measure!.data[0]!;
  }
}

const weightIn = ({ weight }: MeasurePart, scalars: Scalars, rows: number): number =>
  weight === "rows" ? rows : typeof weight === "string" ? 1 : scalars[weight.count]!;
