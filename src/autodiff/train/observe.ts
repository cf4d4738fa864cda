import {
  noOrigin,
  type Graph,
  type Node,
  type NodeOf,
  type Output,
  type Parameter,
  type State,
  type Value,
} from "../../ir/graph.ts";
import { makeNode, onlyResult, operandValues } from "../../ir/node.ts";
import { constantDim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { Backward } from "../backward.ts";
import type { Differentiation } from "../differentiate.ts";
import { edgeResults } from "../probe.ts";

/**
 * What one output of an observing step measures. Of a residual edge y = post(c + b), with c what is carried and b what the branch
 * adds, both after their gains: means of y², b², c² and b · c over all elements, the largest |y|, the sum of squares of the
 * gradient with respect to y, and of a gain that is a tensor the mean and the largest |g|. Of a branch: the largest logit that a
 * query sees and the mean entropy of its weights in nats; the share of the units behind an activation that no token wakes. Of a
 * matrix: sums of squares of it and of its update.
 */
export const observables = [
  "square",
  "largest",
  "gradient",
  "branch",
  "carried",
  "product",
  "gain",
  "largest gain",
  "logit",
  "entropy",
  "idle",
  "weight",
  "update",
] as const;

export type Observable = (typeof observables)[number];

export interface ObservedOutput {
  /** The name of the output, a scalar. */
  readonly output: string;
  readonly what: Observable;
  /** The index of the edge in the graph's table; for a matrix, of the edge whose branch it stands in, if it stands in one. */
  readonly edge: number | undefined;
  /** The name of the matrix. */
  readonly weight: string | undefined;
}

export interface Observation {
  /** Nodes that measure, each with what it reads before it: those side by side that read the same values. */
  readonly groups: readonly (readonly Node[])[];
  /** Nodes that make what they made and, beside it, what is observed. */
  readonly replaced: ReadonlyMap<Node, Node>;
  readonly outputs: readonly Output[];
  readonly observed: readonly ObservedOutput[];
}

/** What a step has that can be looked at. */
export interface Observed {
  /** The forward pass as the model says it, its edges not lowered. */
  readonly forward: Graph;
  /** The same with its edges lowered; joins have the same results. */
  readonly lowered: Graph;
  /** Gradients by value of the forward pass; undefined where a loss has several parts. */
  readonly cotangents: ReadonlyMap<Value, Value> | undefined;
  /** Of each part of the loss the nodes of its gradient, by the first result of the node that they belong to. */
  readonly rules: readonly Differentiation["rules"][];
  readonly trained: readonly Parameter[];
  readonly states: readonly State[];
}

/** Measures every edge, branch and matrix of a step, beside what the step does. Linear in the nodes. */
export function observe(step: Observed): Observation {
  const observer = new Observer();
  const joins = step.forward.nodes.filter((node): node is NodeOf<"residual"> => node.op === "residual");
  const results = edgeResults(step.forward.nodes);
  const lowered = new Map(
    step.lowered.nodes.flatMap((node) =>
      node.op === "add" && node.origin.edges.some(({ role }) => role === "join")
        ? [[onlyResult(node), node] as const]
        : [],
    ),
  );
  for (const join of joins)
    observer.edge(join, lowered.get(onlyResult(join))!, {
      result: results.get(join.attrs.edge)!,
      cotangents: step.cotangents,
    });
  observeBranches(observer, step);
  observeMatrices(observer, step);
  return observer;
}

/** Each attention and activation belongs to the edge that is joined next. */
function observeBranches(observer: Observer, { forward, rules }: Observed): void {
  const gradientOf = (attend: NodeOf<"attend">): NodeOf<"attend_grad"> | undefined =>
    rules
      .flatMap((found) => found.get(onlyResult(attend)) ?? [])
      .find((node): node is NodeOf<"attend_grad"> => node.op === "attend_grad");
  let pending: Node[] = [];
  for (const node of forward.nodes) {
    if (node.op === "attend" || activations.has(node.op)) pending.push(node);
    if (node.op !== "residual") continue;
    const { edge } = node.attrs;
    for (const inner of pending)
      if (inner.op === "attend") observer.attention(gradientOf(inner), edge);
      else observer.activation(inner, edge);
    pending = [];
  }
}

/** Functions whose units are idle where they are not above 0. */
const activations: ReadonlySet<string> = new Set(["relu", "relu2", "gelu", "gelu_tanh", "silu"]);

/** A matrix belongs to the edge that is joined next after its first reader. */
function observeMatrices(observer: Observer, { forward, trained, states }: Observed): void {
  const nextOf = new Map(states.map(({ name, next }) => [name, next]));
  const matrices = trained.filter(
    ({ value, name }) =>
      nextOf.has(name) && value.type.shape.filter((size) => constantDim(size) !== 1).length >= 2,
  );
  const unowned = new Map(matrices.map((parameter) => [parameter.value, parameter]));
  const owners = new Map<Value, number>();
  let pending: Value[] = [];
  for (const node of forward.nodes) {
    for (const value of operandValues(node)) if (unowned.delete(value)) pending.push(value);
    if (node.op !== "residual") continue;
    for (const value of pending) owners.set(value, node.attrs.edge);
    pending = [];
  }
  for (const { name, value } of matrices)
    observer.matrix(name, { value, next: nextOf.get(name)!, edge: owners.get(value) });
}

/** Writes the nodes that measure. */
class Observer implements Observation {
  readonly groups: Node[][] = [];
  readonly replaced = new Map<Node, Node>();
  readonly outputs: Output[] = [];
  readonly observed: ObservedOutput[] = [];
  #b = new Backward(new Set(), "update");
  readonly #taken = new Set<string>();

  /** What is written from here on stands side by side. */
  #begin(): Backward {
    this.#b = new Backward(new Set(), "update");
    this.#b.origin = noOrigin;
    this.groups.push(this.#b.nodes);
    return this.#b;
  }

  edge(
    { operands, attrs: { edge } }: NodeOf<"residual">,
    { operands: { x: carried, y: branch } }: NodeOf<"add">,
    given: { readonly result: Value; readonly cotangents: ReadonlyMap<Value, Value> | undefined },
  ): void {
    const b = this.#begin();
    this.#mean("square", edge, b.square(given.result));
    this.#largest("largest", edge, b.unary("abs", given.result));
    this.#mean("branch", edge, b.square(branch));
    this.#mean("carried", edge, b.square(carried));
    this.#mean("product", edge, b.mul(branch, carried));
    const gradient = given.cotangents?.get(given.result);
    if (gradient !== undefined) this.#sum("gradient", edge, this.#begin().square(gradient));
    const gain = operands.branch_gain;
    if (gain === undefined) return;
    const largest = this.#begin().unary("abs", gain);
    this.#mean("gain", edge, gain);
    this.#largest("largest gain", edge, largest);
  }

  /** Scores and weights are made again for the gradient, which gives away two numbers a query; nothing where there is none. */
  attention(gradient: NodeOf<"attend_grad"> | undefined, edge: number): void {
    if (gradient === undefined) return;
    const { operands, attrs, origin, results } = gradient;
    const made = makeNode("attend_grad", operands, { ...attrs, observe: true }, origin);
    const [largest, entropy] = made.results.slice(-2) as [Value, Value];
    this.replaced.set(gradient, { ...made, results: [...results, largest, entropy] });
    this.#begin();
    this.#largest("logit", edge, largest);
    this.#begin();
    this.#mean("entropy", edge, entropy);
  }

  activation({ op, results }: Node, edge: number): void {
    const b = this.#begin();
    const units = results[0]!;
    const rank = units.type.shape.length;
    if (rank < 2 || !isFloat(units.type.dtype)) return;
    // Nothing that a relu gives is below 0: a sum says what the largest does, in less time.
    const most = b.emit(
      op === "relu" || op === "relu2" ? "reduce_sum" : "reduce_max",
      { x: units },
      { axes: Array.from({ length: rank - 1 }, (_, axis) => axis) },
    );
    this.#mean("idle", edge, b.cast(b.binary("le", most, 0), "f32"));
  }

  matrix(
    name: string,
    { value, next, edge }: { readonly value: Value; readonly next: Value; readonly edge: number | undefined },
  ): void {
    const b = this.#begin();
    this.#sum("weight", edge, b.square(value), name);
    this.#sum("update", edge, b.square(b.sub(next, value)), name);
  }

  #mean(what: Observable, edge: number | undefined, x: Value): void {
    this.#fold("reduce_mean", what, { edge, x });
  }

  #sum(what: Observable, edge: number | undefined, x: Value, weight?: string): void {
    this.#fold("reduce_sum", what, { edge, x, weight });
  }

  #largest(what: Observable, edge: number, x: Value): void {
    this.#fold("reduce_max", what, { edge, x });
  }

  #fold(
    op: "reduce_mean" | "reduce_sum" | "reduce_max",
    what: Observable,
    {
      edge,
      x,
      weight,
    }: { readonly edge: number | undefined; readonly x: Value; readonly weight?: string | undefined },
  ): void {
    const axes = [...x.type.shape.keys()];
    const value = axes.length === 0 ? x : this.#b.emit(op, { x }, { axes });
    const output = this.#free(`observed.${weight ?? `edge_${edge}`}.${what.replace(" ", "_")}`);
    this.outputs.push({ name: output, value, span: undefined });
    this.observed.push({ output, what, edge, weight });
  }

  /** A branch may have several activations or attentions. */
  #free(name: string): string {
    let [free, number] = [name, 1];
    while (this.#taken.has(free)) free = `${name}_${++number}`;
    this.#taken.add(free);
    return free;
  }
}

/** Nodes with groups of others among them, each as soon as all that it reads is there: then one loop may read it for all of a group. */
export function woven(nodes: readonly Node[], groups: readonly (readonly Node[])[]): readonly Node[] {
  const place = new Map<Value, number>();
  nodes.forEach((node, index) => node.results.forEach((value) => place.set(value, index)));
  const after = new Map<number, Node[]>();
  for (const group of groups) {
    const at = group
      .flatMap(operandValues)
      .reduce((last, value) => Math.max(last, place.get(value) ?? -1), -1);
    after.set(at, [...(after.get(at) ?? []), ...group]);
  }
  return [...(after.get(-1) ?? []), ...nodes.flatMap((node, index) => [node, ...(after.get(index) ?? [])])];
}
