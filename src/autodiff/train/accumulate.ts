import { append } from "../../support/lists.ts";
import { noOrigin, type Graph, type Node, type Parameter, type Value } from "../../ir/graph.ts";
import { makeNode, operandValues, withOperands } from "../../ir/node.ts";
import { invariant } from "../../support/invariant.ts";
import { constantDim, dim, type Dim } from "../../tensor/dim.ts";
import type { Backward } from "../backward.ts";
import { differentiate } from "../differentiate.ts";
import { sameWeight, type Part, type MeasureParts, type Weight } from "./parts.ts";
import type { StateBuilder } from "./state.ts";

/** A part of the loss with its gradients, by parameter; none where it depends on no parameter. */
export interface LossPart extends Part {
  readonly gradients: ReadonlyMap<Value, Value>;
}

/** What a weight is of one batch: its rows, or its targets that count, f32[]; undefined for what is added as it is. */
export function weightOf(b: Backward, parts: MeasureParts, weight: Weight): Value | undefined {
  switch (weight.kind) {
    case "rows":
      return sizeAsNumber(b, parts.batch ?? dim(1));
    case "targets": {
      const { targets, ignore } = weight;
      const counts = b.cast(b.binary("ne", targets, ignore), "f32");
      return b.emit("reduce_sum", { x: counts }, { axes: [...targets.type.shape.keys()] });
    }
    case "sum":
    case "same":
      return undefined;
  }
}

function sizeAsNumber(b: Backward, size: Dim): Value {
  const known = constantDim(size);
  return known === undefined ? b.emit("extent", {}, { size }) : b.full("f32", [], known);
}

/**
 * Adds up over the micro-steps of an update what makes their gradient that of one batch of all their rows. With
 * loss = f(p₀, p₁, …), each pⱼ a mean of weight wⱼ (or a sum, w = 1 and not divided), that is
 *
 *     Σⱼ ∂f/∂pⱼ · Σᵢ wⱼᵢ ∇pⱼᵢ / Σᵢ wⱼᵢ   over the micro-steps i, ∂f/∂pⱼ at the parts of the one batch.
 *
 * The sums are state, zero between two updates.
 */
export class Accumulation {
  readonly #b: Backward;
  readonly #state: StateBuilder;
  readonly #parts: MeasureParts;
  readonly #loss: Value;
  readonly #lossParts: readonly LossPart[];
  /** Whether the micro-step ends the update: its sums begin again at zero. */
  readonly #isLast: boolean;
  readonly #weights: { readonly weight: Weight; readonly own: Value; readonly all: Value }[] = [];
  #scalars = 0;

  constructor(
    { b, state, isLast }: { readonly b: Backward; readonly state: StateBuilder; readonly isLast: boolean },
    parts: MeasureParts,
    loss: Value,
    lossParts: readonly LossPart[],
  ) {
    this.#b = b;
    this.#state = state;
    this.#isLast = isLast;
    this.#parts = parts;
    this.#loss = loss;
    this.#lossParts = lossParts;
  }

  /** Adds this micro-step, and gives the gradient over all so far, by parameter. */
  add(trained: readonly Parameter[]): ReadonlyMap<Value, Value> {
    const b = this.#b;
    const factors = this.#factors();
    const gradients = new Map<Value, Value>();
    for (const parameter of trained) {
      const terms = this.#lossParts.flatMap((part, index) => {
        const gradient = part.gradients.get(parameter.value);
        if (gradient === undefined) return [];
        const all = this.#gradientOfAll(part, gradient, nameOf(parameter, index));
        const factor = factors?.get(part.value);
        return [factor === undefined ? all : b.mul(all, b.cast(factor, all.type.dtype))];
      });
      gradients.set(parameter.value, terms.reduce(b.add));
    }
    return gradients;
  }

  #gradientOfAll({ weight }: LossPart, gradient: Value, name: string): Value {
    const b = this.#b;
    if (weight.kind === "same") return gradient;
    const weighs = this.#weightOfAll(weight);
    const dtype = gradient.type.dtype;
    const own = weighs === undefined ? gradient : this.#weighed(gradient, weight, weighs.own);
    const all = this.#sum(name, "accumulated", own);
    return weighs === undefined ? all : b.div(all, b.cast(weighs.all, dtype));
  }

  /** Of this micro-step, and of all so far. */
  #weightOfAll(weight: Weight): { readonly own: Value; readonly all: Value } | undefined {
    const found = this.#weights.find((each) => sameWeight(each.weight, weight));
    if (found !== undefined) return found;
    const own = weightOf(this.#b, this.#parts, weight);
    if (own === undefined) return undefined;
    const made = { weight, own, all: this.#sum(this.#scalarName(), "total", own) };
    this.#weights.push(made);
    return made;
  }

  /** No label is a number, so no parameter has this name. */
  #scalarName(): string {
    return `accumulated.${this.#scalars++}`;
  }

  #sum(name: string, kind: "accumulated" | "total", value: Value): Value {
    const all = this.#b.add(this.#state.open(name, value.type), value);
    const { dtype, shape } = value.type;
    this.#state.close(name, kind, this.#isLast ? this.#b.full(dtype, shape, 0) : all);
    return all;
  }

  /** ∂f/∂pⱼ at the parts of all micro-steps; undefined if the loss is its only part. */
  #factors(): ReadonlyMap<Value, Value> | undefined {
    const [only] = this.#lossParts;
    if (this.#lossParts.length === 1 && only!.value === this.#loss) return undefined;
    const given = new Map(this.#lossParts.map((part) => [part.value, this.#partOfAll(part)]));
    if (!this.#isLast) return undefined;
    const tail = tailOf(this.#parts, this.#loss, given);
    const values = [...given.values()];
    const derived = differentiate(tail.graph, [tail.value], values);
    append(this.#b.nodes, derived.graph.nodes);
    return new Map([...given].map(([part, all]) => [part, derived.gradients.get(all)!]));
  }

  #partOfAll({ value, weight }: LossPart): Value {
    const b = this.#b;
    if (weight.kind === "same") return value;
    const weighs = this.#weightOfAll(weight);
    if (weighs === undefined) return this.#sum(this.#scalarName(), "total", value);
    const weighed = this.#weighed(value, weight, weighs.own);
    const sum = this.#sum(this.#scalarName(), "total", weighed);
    return b.div(sum, b.cast(weighs.all, value.type.dtype));
  }

  /** A mean of no targets is NaN, and so may be what is made of it; it weighs nothing. */
  #weighed(value: Value, { kind }: Weight, own: Value): Value {
    const b = this.#b;
    const factor = b.cast(own, value.type.dtype);
    const product = b.mul(value, factor);
    return kind === "targets" ? b.where(b.binary("gt", factor, 0), product, 0) : product;
  }
}

/** No parameter's name ends with a number. */
const nameOf = ({ name }: Parameter, part: number): string =>
  part === 0 ? `accumulated.${name}` : `accumulated.${name}.${part}`;

/** The scalar functions that make a measure of its parts, as a graph of other values in their places. */
export function tailOf(
  parts: MeasureParts,
  measure: Value,
  given: ReadonlyMap<Value, Value>,
): { readonly graph: Graph; readonly value: Value } {
  const nodes: Node[] = [];
  const made = new Map(given);
  const make = (value: Value): Value => {
    const found = made.get(value);
    if (found !== undefined) return found;
    const node = parts.maker(value);
    invariant(node, "a measure is made of its parts");
    for (const operand of operandValues(node)) make(operand);
    const { op, operands, attrs } = withOperands(node, make);
    const copy = makeNode(op, operands as never, attrs as never, { ...noOrigin, phase: "update" });
    nodes.push(copy as Node);
    node.results.forEach((result, index) => made.set(result, copy.results[index]!));
    return made.get(value)!;
  };
  const value = make(measure);
  const inputs = [...given.values()].map((part, index) => ({
    name: `part.${index}`,
    value: part,
    fill: undefined,
    span: undefined,
  }));
  const outputs = [{ name: "measure", value, span: undefined }];
  return {
    graph: { name: "measure", symbols: [], inputs, parameters: [], states: [], nodes, outputs, edges: [] },
    value,
  };
}
