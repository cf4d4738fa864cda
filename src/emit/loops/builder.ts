import { invariant } from "../../support/invariant.ts";
import type { Dtype } from "../../tensor/dtype.ts";
import { constantDim, dim, type Dim } from "../../tensor/dim.ts";
import { isEmpty, type View } from "../../kernels/view.ts";
import { expressionOf, number, over, plus, type Operand } from "./formula.ts";
import { Place } from "./place.ts";
import {
  typeOf,
  type Expression,
  type Fold,
  type LoopKernel,
  type Name,
  type NumberType,
  type Order,
  type Parameter,
  type Refusal,
  type Statement,
} from "./tree.ts";

/** Writes a kernel down, statement by statement. What is made once is given to the lines after it as a value. */
export class KernelBuilder {
  readonly #parameters: Parameter[] = [];
  readonly #folds = new Map<Name, Fold>();
  #block: Statement[] = [];

  /** A tensor that the kernel is given; its first element. */
  tensor(name: string, view: View): Place {
    const tensor = { name, dtype: view.type.dtype, view };
    this.#parameters.push({ kind: "tensor", tensor });
    return new Place(tensor, [], isEmpty(view.type) ? view.strides.map(oneForZero) : view.strides);
  }

  /** The same, if there is one. */
  maybe(name: string, view: View | undefined): Place | undefined {
    return view && this.tensor(name, view);
  }

  /**
   * Floats that a turn of `rows` keeps for itself; its target says how much each thread has (`Target.scratchOf`). All that a
   * kernel asks for is the same memory: tensors of other names in it are parts that lanes write and read at once.
   */
  scratch(name: string, elements: Dim): Place {
    const tensor = { name, dtype: "f32" } as const;
    this.#parameters.push({ kind: "scratch", tensor, elements });
    return new Place(tensor);
  }

  /** A size, which is the kernel's parameter even where it is known: steps of other sizes share the kernel. */
  size(name: string, size: Dim): Name {
    return this.#parameter({ kind: "size", name: { kind: "name", name, type: "whole" }, size });
  }

  /** A size as above, but for 0 and 1, which a kernel is better for knowing. */
  stride(name: string, size: Dim): Expression {
    const known = constantDim(size);
    return known === 0 || known === 1 ? number(known) : this.size(name, size);
  }

  number(name: string, value: number): Name {
    return this.#parameter({
      kind: "number",
      name: { kind: "name", name, type: typeOf(number(value)) },
      value,
    });
  }

  /** A tensor of the kernel's own. */
  table(name: string, dtype: Dtype, values: readonly number[]): Place {
    const tensor = { name, dtype };
    this.#block.push({ kind: "table", tensor, values });
    return new Place(tensor);
  }

  let(name: string, value: Operand): Name {
    const expression = expressionOf(value);
    const made: Name = { kind: "name", name, type: typeOf(expression) };
    this.#block.push({ kind: "let", name: made, value: expression });
    return made;
  }

  total(name: string, fold: Fold = "add", type: NumberType = "float"): Name {
    const made: Name = { kind: "name", name, type };
    this.#folds.set(made, fold);
    this.#block.push({ kind: "total", name: made, fold });
    return made;
  }

  take(total: Name, value: Operand): void {
    this.#block.push({ kind: "take", total, fold: this.#foldOf(total), value: expressionOf(value) });
  }

  /** What the total has taken in so far counts no more. */
  restart(total: Name): void {
    this.#block.push({ kind: "restart", total, fold: this.#foldOf(total) });
  }

  store(to: Place, value: Operand): void {
    this.#block.push({ kind: "store", to, value: expressionOf(value) });
  }

  /** Adds to what stands there. */
  add(to: Place, value: Operand): void {
    this.store(to, plus(to, value));
  }

  /** Divides what stands there. */
  divide(place: Place, by: Operand): void {
    this.store(place, over(place, by));
  }

  clear(from: Place, count: Expression): void {
    this.#block.push({ kind: "clear", from, count });
  }

  check(index: Name, end: Expression, refusal: Refusal): void {
    this.#block.push({ kind: "check", index, end, refusal });
  }

  note(text: string): void {
    this.#block.push({ kind: "note", text });
  }

  when(condition: Expression, body: () => void): void {
    this.#block.push({ kind: "when", condition, body: this.#inside(body) });
  }

  /** Turns that may be computed side by side. */
  lanes(index: string, to: Operand, body: (index: Name) => void, from: Operand = 0): void {
    this.loop("lanes", index, to, body, from);
  }

  /** Turns that may be shared among threads. */
  rows(index: string, to: Operand, body: (index: Name) => void): void {
    this.loop("rows", index, to, body);
  }

  turns(index: string, to: Operand, body: (index: Name) => void): void {
    this.loop("turns", index, to, body);
  }

  loop(order: Order, name: string, to: Operand, body: (index: Name) => void, from: Operand = 0): void {
    const index: Name = { kind: "name", name, type: "whole" };
    const inside = this.#inside(() => {
      body(index);
    });
    const [start, end] = [expressionOf(from), expressionOf(to)];
    this.#block.push({ kind: "loop", order, index, from: start, to: end, body: inside });
  }

  /** The statements so far: of a kernel that a target writes around them. */
  get body(): readonly Statement[] {
    return this.#block;
  }

  finish(name: string, doc: string): LoopKernel {
    return { name, doc, parameters: this.#parameters, body: this.#block };
  }

  #foldOf(total: Name): Fold {
    const fold = this.#folds.get(total);
    invariant(fold !== undefined, `${total.name} is no total`);
    return fold;
  }

  #parameter(parameter: Extract<Parameter, { name: Name }>): Name {
    this.#parameters.push(parameter);
    return parameter.name;
  }

  /** The statements that are written meanwhile. */
  #inside(write: () => void): readonly Statement[] {
    const outer = this.#block;
    const own: Statement[] = [];
    this.#block = own;
    write();
    this.#block = outer;
    return own;
  }
}

/** Elements of a tensor that has none are nowhere: they do not all lie in one place, as 0 would say. */
const oneForZero = (stride: Dim): Dim => (constantDim(stride) === 0 ? dim(1) : stride);
