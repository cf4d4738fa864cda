import type { Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { producersOf } from "../ir/walk.ts";
import { isScalarName } from "../ops/scalar.ts";
import { constantDim } from "../tensor/dim.ts";
import type { Shape } from "../tensor/type.ts";
import { alongOf, type Operand } from "./facts/along.ts";
import type { Fact, Positions, Run } from "./facts/fact.ts";
import { Facts } from "./facts/facts.ts";
import type { Form, Letter, Sizes } from "./letters.ts";
import { Refusal } from "./refusal.ts";
import { Tails } from "./tails.ts";

/** A value in a form: what is asked for. */
export interface Need {
  readonly value: Value;
  readonly form: Form;
}

/** What a derivation may be told. */
export interface FormOptions {
  /** Whether attention with a window keeps the rows of its window alone. */
  readonly windows: boolean;
  /** The most positions that there may be; undefined if nobody says. */
  readonly limit: number | undefined;
  /** Values of which each run makes all rows again, from something narrower that is kept. */
  readonly recomputed: ReadonlySet<Value>;
}

/** What rules ask to find the forms of what they read. */
export class Forms {
  readonly sizes: Sizes;
  readonly tails = new Tails();
  readonly options: FormOptions;
  readonly #facts: Facts;
  readonly #counted = new Map<Value, boolean>();
  readonly #producers: ReadonlyMap<Value, { readonly node: Node }>;

  constructor(graph: Graph, facts: Facts, sizes: Sizes, options: FormOptions) {
    this.#facts = facts;
    this.#producers = producersOf(graph);
    this.sizes = sizes;
    this.options = options;
  }

  get positions(): Positions {
    return this.#facts.positions;
  }

  factOf(value: Value): Fact {
    return this.#facts.of(value);
  }

  producerOf(value: Value): Node | undefined {
    return this.#producers.get(value)?.node;
  }

  /** How an axis runs over positions; undefined if it does not. */
  runOf(value: Value, axis: number): Run | undefined {
    return this.factOf(value).axes.get(axis);
  }

  isText(value: Value, axis: number): boolean {
    return this.factOf(value).axes.has(axis);
  }

  /**
   * Whether a value is worked out from the numbers of positions, element by element: so it can be made for any of them, in
   * whatever order they stand.
   */
  isCounted(value: Value): boolean {
    const known = this.#counted.get(value);
    if (known !== undefined) return known;
    const { reach, axes } = this.factOf(value);
    const node = this.producerOf(value);
    const isPlain = [...axes.values()].every(
      (run) => run.kind === "rows" && run.lead === 0 && run.trail === 0,
    );
    const found =
      !reach.tokens &&
      isPlain &&
      (!reach.length ||
        node?.op === "iota" ||
        (node !== undefined &&
          isElementwise(node) &&
          operandValues(node).every((each) => this.isCounted(each))));
    this.#counted.set(value, found);
    return found;
  }

  /** A value whose axes of positions all have one letter. */
  allIn(value: Value, letter: Letter): Need {
    return {
      value,
      form: value.type.shape.map((_, axis) => (this.isText(value, axis) ? letter : undefined)),
    };
  }

  /** A value as it is: for what has no axis of positions. */
  asIs(value: Value): Need {
    return { value, form: value.type.shape.map(() => undefined) };
  }

  /** The shape of a value in a form. */
  shapeOf({ value, form }: Need): Shape {
    return value.type.shape.map((size, axis) => {
      const letter = form[axis];
      return letter === undefined ? size : this.sizes.sizeOf(this.runOf(value, axis)!, letter);
    });
  }

  /**
   * An operand in the form that makes a result's form: each axis in the letter of the axis that runs along with it. Some
   * axes may be asked for in other letters.
   */
  along(
    node: Node,
    name: string,
    value: Value,
    form: Form,
    others: ReadonlyMap<number, Letter> = new Map(),
  ): Need {
    const operand: Operand = { name, value, axes: this.factOf(value).axes };
    const letters = value.type.shape.map((_, axis) => others.get(axis));
    for (const [axis, letter] of form.entries()) {
      const at = letter === undefined ? undefined : alongOf(node, axis, operand);
      if (at === undefined) continue;
      this.#requireLead(node, value, at, axis);
      letters[at] = letter;
    }
    return { value, form: letters };
  }

  /** Rows are cut alike only if as many stand in front. What is one number has as many as one likes. */
  #requireLead(node: Node, value: Value, at: number, axis: number): void {
    const [source, run] = [this.runOf(value, at), this.runOf(node.results[0]!, axis)];
    if (source?.kind !== "rows" || run?.kind !== "rows" || shiftsRows(node, axis)) return;
    if (source.lead !== run.lead) throw new Refusal("leads", node);
  }

  /**
   * A size with positions in it that is no number of rows: of a cut at a place that waits for the run, of two texts, or of
   * what else. The first value that has it is to blame.
   */
  #refusedSize(value: Value): Refusal {
    let first = value;
    for (let source: Value | undefined = value; source !== undefined; source = this.#oddOperandOf(first))
      first = source;
    const maker = this.producerOf(first);
    if (maker?.op === "concat") return new Refusal("two_texts", maker);
    const isMoving = maker?.op === "slice" && constantDim(maker.attrs.start) === undefined;
    if (isMoving) return new Refusal("run_time_cut", maker);
    const [axis] = [...this.factOf(first).axes].find(([, run]) => run.kind === "odd")!;
    return new Refusal("odd_size", maker, first.type.shape[axis]!.key);
  }

  #oddOperandOf(value: Value): Value | undefined {
    const maker = this.producerOf(value);
    const operands = maker === undefined ? [] : operandValues(maker);
    return operands.find((operand) =>
      [...this.factOf(operand).axes.values()].some(({ kind }) => kind === "odd"),
    );
  }

  /** Throws if a form cannot be asked for: what it leaves out, or what changes with the newest position. */
  check({ value, form }: Need, reader: Node | undefined): void {
    const { axes, reach } = this.factOf(value);
    const maker = this.producerOf(value) ?? reader;
    for (const [axis, run] of axes) {
      if (run.kind === "odd") throw this.#refusedSize(value);
      if (run.kind === "rows" && run.lead < 0) throw new Refusal("later_rows", maker);
      if (form[axis] === undefined) throw new Refusal("mixed", reader);
    }
    if (axes.size > 0 && reach.newest) throw new Refusal("newest", maker);
  }
}

/** Functions of numbers, and moves that keep rows in their places. */
const isElementwise = ({ op }: Node): boolean =>
  isScalarName(op) || op === "cast" || op === "reshape" || op === "permute" || op === "broadcast";

/** Ops that move rows against those of their operand have a lead of their own there, and rules that know it. */
const shiftsRows = (node: Node, axis: number): boolean =>
  ((node.op === "slice" || node.op === "concat") && node.attrs.axis === axis) ||
  (node.op === "conv2d" && axis >= 2);

/** The kernel size of a convolution along one of its axes. */
export const kernelOf = ({ operands: { weight } }: NodeOf<"conv2d">, axis: number): number =>
  constantDim(weight.type.shape[axis]!)!;
