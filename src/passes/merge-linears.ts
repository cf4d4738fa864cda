import type { Graph, Node, NodeOf, Origin, Value } from "../ir/graph.ts";
import { makeNode, onlyResult } from "../ir/node.ts";
import { placeOf } from "../ir/outline.ts";
import { sortNodes } from "../ir/walk.ts";
import { groupBy } from "../support/lists.ts";
import { dim } from "../tensor/dim.ts";
import { addDims } from "../tensor/dim.ts";
import { isScalarNode, loadTimeValues } from "./facts.ts";
import { makeInPlace, mergeOrigins } from "./nodes.ts";
import type { Pass, Report } from "./pass.ts";
import { Uses } from "./uses.ts";

type Linear = NodeOf<"linear">;

/** Why a linear that shares its input with another one was not merged with it. */
export type MergeRefusal = keyof typeof sentences;

const sentences = {
  epilogue:
    "an elementwise op follows it: as an epilogue that saves more memory traffic than reading the input once",
  bias: "one has a bias and the other has none",
  layout: "their weights are laid out differently",
  dtype: "their weights or biases have different dtypes",
  late_weight: "its weight is computed in the run",
  load_time: "it runs once, when the weights are loaded",
  shared_weight: "another op reads its weight too, which would have to be kept twice",
} as const;

/** linear(x, a), linear(x, b)  =>  slices of linear(x, concat(a, b)), the concat computed once at load. */
export const mergeLinears: Pass = {
  name: "merge-linears",
  doc: "multiplies what several linears read by all their weights at once (QKV, gate and up); each row is as before",
  run: (graph, { report }) => new Merging(graph, report).run(),
};

class Merging {
  readonly #graph: Graph;
  readonly #report: Report;
  readonly #uses: Uses;
  readonly #loadTime: ReadonlySet<Value>;
  /** Concatenations by what they join: layers that run several times with the same weights share theirs. */
  readonly #joined = new Map<string, Value>();
  readonly #numbers = new Map<Value, number>();
  readonly #made: Node[] = [];
  readonly #replaced = new Map<Node, readonly Node[]>();

  constructor(graph: Graph, report: Report) {
    this.#graph = graph;
    this.#report = report;
    this.#uses = new Uses(graph);
    this.#loadTime = loadTimeValues(graph);
  }

  run(): Graph {
    const linears = this.#graph.nodes.filter((node) => node.op === "linear");
    for (const group of groupBy(linears, (linear) => this.#placeOf(linear)).values())
      if (group.length > 1) this.#mergeGroup(group);
    if (this.#replaced.size === 0) return this.#graph;
    const nodes = this.#graph.nodes.flatMap((node) => this.#replaced.get(node) ?? [node]);
    return { ...this.#graph, nodes: sortNodes([...this.#made, ...nodes]) };
  }

  /** What is read and in which layer: results of other layers would wait for their turn, and take memory meanwhile. */
  #placeOf({ operands, origin }: Linear): string {
    return `${this.#numberOf(operands.x)} ${placeOf(origin)}`;
  }

  #mergeGroup(linears: readonly Linear[]): void {
    const free: Linear[] = [];
    for (const linear of linears) {
      const refusal = this.#refusalOf(linear);
      if (refusal === undefined) free.push(linear);
      else this.#refuse(linear, refusal);
    }
    for (const alike of groupBy(free, (linear) => this.#formOf(linear)).values()) {
      const [first] = alike;
      if (alike.length > 1) this.#merge(alike);
      else if (first !== undefined) this.#refuseAlone(first, free);
    }
  }

  /** No other linear has its form: says in what the next one differs. */
  #refuseAlone(linear: Linear, others: readonly Linear[]): void {
    const other = others.find((candidate) => candidate !== linear);
    if (other !== undefined) this.#refuse(linear, differenceOf(linear, other));
  }

  #refusalOf(linear: Linear): MergeRefusal | undefined {
    const { x, weight, bias } = linear.operands;
    // The weight of one may then be the result of another.
    if (this.#loadTime.has(x)) return "load_time";
    if (!this.#loadTime.has(weight) || (bias !== undefined && !this.#loadTime.has(bias)))
      return "late_weight";
    const isShared = this.#uses.readers(weight).some((reader) => reader.op !== "linear");
    if (isShared || this.#uses.isOutput(weight)) return "shared_weight";
    return isScalarNode(this.#uses.soleReader(onlyResult(linear))) ? "epilogue" : undefined;
  }

  #merge(linears: readonly Linear[]): void {
    const first = linears[0]!;
    const { layout } = first.attrs;
    const axis = layout === "out_in" ? 0 : 1;
    const weight = this.#join(linears, axis, (linear) => linear.operands.weight);
    const bias = first.operands.bias && this.#join(linears, 0, (linear) => linear.operands.bias!);
    const origin = { ...originOf(linears), fused: linears.map((linear) => linear.origin.label || "linear") };
    const merged = makeNode("linear", { x: first.operands.x, weight, bias }, { layout }, origin);
    const x = onlyResult(merged);
    let start = dim(0);
    linears.forEach((linear, index) => {
      const result = onlyResult(linear);
      const size = result.type.shape.at(-1)!;
      const attrs = { axis: result.type.shape.length - 1, start, size };
      const slice = makeInPlace("slice", { x }, attrs, linear.origin, [result]);
      this.#replaced.set(linear, index === 0 ? [merged, slice] : [slice]);
      start = addDims(start, size);
    });
    const into = `linear (${linears.map((linear) => linear.origin.label || "linear").join(", ")})`;
    this.#report({
      pass: mergeLinears.name,
      origin,
      edges: origin.edges,
      outcome: { kind: "fused", into },
    });
  }

  #join(linears: readonly Linear[], axis: number, part: (linear: Linear) => Value): Value {
    const values = linears.map(part);
    const key = [axis, ...values.map((value) => this.#numberOf(value))].join(" ");
    const known = this.#joined.get(key);
    if (known !== undefined) return known;
    const node = makeNode("concat", { values }, { axis }, originOf(linears));
    this.#made.push(node);
    this.#joined.set(key, onlyResult(node));
    return onlyResult(node);
  }

  /** What linears must agree in to be one: of packed weights the codes are joined. */
  #formOf({ attrs, operands: { weight, bias } }: Linear): string {
    const packed = this.#uses.producer(weight);
    const codes =
      packed?.op === "dequantize"
        ? [packed.attrs.bits, packed.attrs.block, packed.operands.minimums?.type.dtype]
        : [];
    return [attrs.layout, weight.type.dtype, bias?.type.dtype ?? "no bias", ...codes].join(", ");
  }

  #numberOf(value: Value): number {
    const number = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, number);
    return number;
  }

  #refuse(linear: Linear, reason: MergeRefusal): void {
    const { origin } = linear;
    const outcome = { kind: "refused", reason, message: sentences[reason] } as const;
    this.#report({ pass: mergeLinears.name, origin, edges: origin.edges, outcome });
  }
}

/** The text of the first, and the label of the layer that all are in. */
function originOf(linears: readonly Linear[]): Origin {
  const paths = linears.map(({ origin }) => origin.label.split("."));
  const [first = []] = paths;
  const end = first.findIndex((part, index) => paths.some((path) => path[index] !== part));
  const label = first.slice(0, end < 0 ? first.length : end).join(".");
  return { ...mergeOrigins(linears), label: label === "" ? first.join(".") : label, fused: [] };
}

/** Why two linears of one input, with different forms, cannot be one. */
function differenceOf(a: Linear, b: Linear): MergeRefusal {
  if (a.attrs.layout !== b.attrs.layout) return "layout";
  return (a.operands.bias === undefined) === (b.operands.bias === undefined) ? "dtype" : "bias";
}
