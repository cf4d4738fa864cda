import { noOrigin, type Node, type Origin, type Phase, type Value } from "../ir/graph.ts";
import { makeNode, type GivenAttributes } from "../ir/node.ts";
import type { OpName, OperandsOf } from "../ops/table.ts";
import type { ScalarName } from "../ops/scalar.ts";
import { invariant } from "../support/invariant.ts";
import { errorAt, type Diagnostic } from "../support/diagnostic.ts";
import { addDims, constantDim, dim, productOfDims, sameDim, subtractDims, type Dim } from "../tensor/dim.ts";
import type { Dtype } from "../tensor/dtype.ts";
import { sameShape, type Shape } from "../tensor/type.ts";

/** A value, or a number that takes the dtype of the value beside it. */
export type Term = Value | number;

/** Emits the nodes of gradients and of a training step, and the small algebra that rules are written in. */
export class Backward {
  readonly nodes: Node[] = [];
  readonly problems: Diagnostic[] = [];
  /** Where the emitted nodes come from: the node whose gradient is being made. */
  origin: Origin = noOrigin;
  readonly #wanted: ReadonlySet<Value>;
  readonly #phase: Phase;
  readonly #homes = new Map<Value, Value>();

  constructor(wanted: ReadonlySet<Value>, phase: Phase = "backward") {
    this.#wanted = wanted;
    this.#phase = phase;
  }

  /** True if the gradient with respect to the value leads to something that was asked for. */
  wants(value: Value | undefined): boolean {
    return value !== undefined && this.#wanted.has(this.home(value));
  }

  /** `copy` is the value made again: a gradient of one is a gradient of the other. */
  standFor(copy: Value, value: Value): void {
    this.#homes.set(copy, this.home(value));
  }

  /** The value of the forward pass that a value stands for: most stand for themselves. */
  home(value: Value): Value {
    return this.#homes.get(value) ?? value;
  }

  emitAll<K extends OpName>(
    op: K,
    operands: OperandsOf<K, Value>,
    attrs: GivenAttributes<K>,
    hints: readonly string[] = [],
  ): readonly Value[] {
    const node = makeNode(op, operands, attrs, { ...this.origin, phase: this.#phase }, hints);
    this.nodes.push(node as Node);
    return node.results;
  }

  emit<K extends OpName>(
    op: K,
    operands: OperandsOf<K, Value>,
    attrs: GivenAttributes<K>,
    hints: readonly string[] = [],
  ): Value {
    return this.emitAll(op, operands, attrs, hints)[0]!;
  }

  /** An op that cannot be differentiated as it is used: the mistake of whoever trains such a model. */
  refuse(origin: Origin, message: string): void {
    const span = origin.spans.at(-1) ?? { source: { name: "graph", text: "" }, start: 0, end: 0 };
    this.problems.push(errorAt("E580", span, message));
  }

  /** A tensor of one value. */
  full(dtype: Dtype, shape: Shape, value: number): Value {
    return this.emit("full", {}, { dtype, shape, value });
  }

  /** One scalar function of one value. */
  unary(op: UnaryName, x: Value): Value {
    return this.emit(op, { x }, {});
  }

  /** One scalar function of two terms that broadcast. */
  binary(op: BinaryName, x: Term, y: Term): Value {
    const like = typeof x === "number" ? y : x;
    invariant(typeof like !== "number", "numbers alone are folded by whoever writes them");
    const value = (term: Term): Value =>
      typeof term === "number" ? this.full(like.type.dtype, [], term) : term;
    return this.emit(op, { x: value(x), y: value(y) }, {});
  }

  readonly add = (x: Term, y: Term): Value => this.binary("add", x, y);
  readonly sub = (x: Term, y: Term): Value => this.binary("sub", x, y);
  readonly mul = (x: Term, y: Term): Value => this.binary("mul", x, y);
  readonly div = (x: Term, y: Term): Value => this.binary("div", x, y);
  readonly square = (x: Value): Value => this.unary("square", x);

  /** x where the condition is true, else y. */
  where(condition: Value, x: Term, y: Term): Value {
    const like = typeof x === "number" ? y : x;
    invariant(typeof like !== "number", "one side of a choice is a value");
    const value = (term: Term): Value =>
      typeof term === "number" ? this.full(like.type.dtype, [], term) : term;
    return this.emit("where", { condition, x: value(x), y: value(y) }, {});
  }

  /** The sum over the axes along which an operand of `shape` was stretched: the transpose of broadcasting. */
  undoBroadcast(value: Value, shape: Shape): Value {
    const wide = value.type.shape;
    if (sameShape(wide, shape)) return value;
    const missing = wide.length - shape.length;
    const axes = [...wide.keys()].filter(
      (axis) =>
        axis < missing || (constantDim(shape[axis - missing]!) === 1 && constantDim(wide[axis]!) !== 1),
    );
    const sum = axes.length === 0 ? value : this.emit("reduce_sum", { x: value }, { axes });
    return this.reshape(sum, shape);
  }

  reshape(value: Value, shape: Shape): Value {
    return sameShape(value.type.shape, shape) ? value : this.emit("reshape", { x: value }, { shape });
  }

  /** A reduced value over the axes that were folded, with size 1 or as large as they were. */
  undoFold(value: Value, x: Shape, axes: readonly number[], stretch = true): Value {
    const folded = new Set(axes);
    const kept = this.reshape(
      value,
      x.map((size, axis) => (folded.has(axis) ? dim(1) : size)),
    );
    return stretch && !sameShape(kept.type.shape, x)
      ? this.emit("broadcast", { x: kept }, { shape: x })
      : kept;
  }

  /** value / Π sizes; a size that waits for the run is read then. */
  divideBySizes(value: Value, sizes: readonly Dim[]): Value {
    const size = productOfDims(sizes);
    const known = constantDim(size);
    if (known !== undefined) return known === 1 ? value : this.div(value, known);
    const count = this.emit("extent", {}, { size });
    return this.div(value, this.cast(count, value.type.dtype));
  }

  cast(value: Value, dtype: Dtype): Value {
    return value.type.dtype === dtype ? value : this.emit("cast", { x: value }, { dtype });
  }

  /** `value` from `start` on along an axis of a tensor of zeros of `shape`. */
  pad(value: Value, axis: number, start: Dim, shape: Shape): Value {
    return this.padParts([{ part: value, axis, start }], axis, shape);
  }

  /** Parts that follow each other along an axis, with zeros between them. */
  padParts(
    parts: readonly { readonly part: Value; readonly axis: number; readonly start: Dim }[],
    axis: number,
    shape: Shape,
  ): Value {
    const { dtype } = parts[0]!.part.type;
    const values: Value[] = [];
    let end = dim(0);
    const fill = (until: Dim): void => {
      const gap = subtractDims(until, end);
      if (constantDim(gap) !== 0) values.push(this.full(dtype, shape.with(axis, gap), 0));
    };
    for (const { part, start } of parts) {
      fill(start);
      values.push(part);
      end = addDims(start, part.type.shape[axis]!);
    }
    fill(shape[axis]!);
    const [only] = values;
    if (values.length === 1 && sameDim(only!.type.shape[axis], shape[axis])) return only!;
    return this.emit("concat", { values }, { axis });
  }
}

type UnaryName = Exclude<ScalarName, BinaryName | "where">;
type BinaryName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "pow"
  | "min"
  | "max"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or";
