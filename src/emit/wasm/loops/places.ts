import { invariant } from "../../../support/invariant.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import {
  bodyOf,
  expressionsOf,
  within,
  type Expression,
  type Load,
  type Name,
  type Statement,
  type Tensor,
  type Term,
} from "../../loops/tree.ts";
import type { I32, V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { asWholes } from "../functions/lanes.ts";
import type { Pen } from "./pen.ts";
import { doubleOf, floatsOf, lanesOf, lone, type Double, type Value } from "./values.ts";

const WORD = 4;

/** What places need of the numbers around them. */
interface Numbers {
  readonly isKnown: (name: Name) => boolean;
  /** A whole number that is the same for all lanes. */
  readonly whole: (expression: Expression) => I32;
}

/** Where an element of a turn is: an address, and a constant offset; lanes are `step` bytes apart (0: it is one for all). */
interface Spot {
  readonly address: I32;
  readonly offset: number;
  readonly step: I32;
}

/** An address that is in a variable: so far, and from which terms. */
interface Base {
  readonly tensor: Tensor;
  readonly keys: ReadonlySet<string>;
  readonly address: I32;
}

/** Elements of tensors: their addresses, loads and stores. */
export class Places {
  readonly #pen: Pen;
  readonly #numbers: Numbers;
  readonly #startOf: (tensor: Tensor) => I32;
  readonly #ids = new Map<Expression, number>();
  #bases: readonly Base[] = [];

  constructor(pen: Pen, numbers: Numbers, startOf: (tensor: Tensor) => I32) {
    this.#pen = pen;
    this.#numbers = numbers;
    this.#startOf = startOf;
  }

  /** What is written meanwhile; the bases that it makes end with it. */
  scoped(write: () => void): void {
    const outer = this.#bases;
    write();
    this.#bases = outer;
  }

  /** Computes once, before a loop, what stands still in the addresses of its body; `index` is of its lanes. */
  hoist(body: readonly Statement[], index?: Name): void {
    for (const load of loadsIn(body)) {
      const terms = this.#scalars(load, index).filter(
        (term) => term.index.kind !== "number" && this.#isStill(term),
      );
      const keys = new Set(terms.map((term) => this.#keyOf(term)));
      const { base, rest } = this.#nearest(load.tensor, terms);
      if (rest.length === 0) continue;
      const address = this.#pen.keep(this.#sum(base, rest, load.tensor));
      this.#bases = [...this.#bases, { tensor: load.tensor, keys, address }];
    }
  }

  load(load: Load): Value {
    const { tensor } = load;
    const spot = this.#spot(load);
    if (tensor.dtype === "f64") return this.#loadDouble(spot);
    if (spot.step.known === 0) {
      const { address, offset } = spot;
      return isFloat(tensor.dtype)
        ? { kind: "float", vectors: [v128.load32_splat(address, offset)] }
        : lone(i32.load(address, offset));
    }
    const vectors = this.#eachUnit((unit) => this.#loadLanes(spot, unit));
    return { kind: isFloat(tensor.dtype) ? "float" : "whole", vectors };
  }

  store(to: Load, value: Value): void {
    const { tensor } = to;
    const pen = this.#pen;
    const spot = this.#spot(to);
    if (tensor.dtype === "f64") {
      this.#storeDouble(spot, doubleOf(value, pen));
      return;
    }
    if (!isFloat(tensor.dtype) && value.kind === "lone" && pen.turns === undefined) {
      pen.push(i32.store(spot.address, value.value, spot.offset));
      return;
    }
    const vectors = isFloat(tensor.dtype) ? floatsOf(value, pen) : asWholes(lanesOf(value, pen), pen);
    vectors.forEach((vector, unit) => this.#storeLanes(spot, unit, vector));
  }

  /** The address of an element that is one for all lanes. */
  address(load: Load): I32 {
    const { address, offset } = this.#spot(load);
    return i32.add(address, i32.const(offset));
  }

  #eachUnit(make: (unit: number) => V128): V128[] {
    return Array.from({ length: this.#pen.units }, (_, unit) => make(unit));
  }

  #loadLanes({ address, offset, step }: Spot, unit: number): V128 {
    const isWhole = this.#pen.turns?.isWhole === true;
    if (!isWhole) return v128.load32_zero(address, offset);
    if (step.known === WORD) return v128.load(address, offset + 4 * WORD * unit);
    let vector = this.#laneOf({ address, offset, step }, 4 * unit, v128.load32_zero);
    for (let lane = 1; lane < 4; lane++) {
      const sofar = vector;
      vector = this.#laneOf({ address, offset, step }, 4 * unit + lane, (at, by) =>
        v128.load32_lane(at, sofar, lane, by),
      );
    }
    return vector;
  }

  #storeLanes({ address, offset, step }: Spot, unit: number, vector: V128): void {
    const pen = this.#pen;
    if (pen.turns?.isWhole !== true) {
      pen.push(v128.store32_lane(address, vector, 0, offset));
      return;
    }
    if (step.known === WORD) {
      pen.push(v128.store(address, vector, offset + 4 * WORD * unit));
      return;
    }
    const held = pen.keep(vector);
    for (let lane = 0; lane < 4; lane++)
      pen.push(
        this.#laneOf({ address, offset, step }, 4 * unit + lane, (at, by) =>
          v128.store32_lane(at, held, lane, by),
        ),
      );
  }

  /** What is done to the element of a lane, so many steps on. */
  #laneOf<R>({ address, offset, step }: Spot, steps: number, make: (address: I32, offset: number) => R): R {
    return step.known === undefined
      ? make(i32.add(address, i32.mul(step, i32.const(steps))), offset)
      : make(address, offset + step.known * steps);
  }

  #loadDouble({ address, offset, step }: Spot): Double {
    if (step.known === 0) {
      const splat = this.#pen.keep(v128.load64_splat(address, offset));
      return { kind: "double", low: [splat], high: [splat] };
    }
    invariant(step.known === 2 * WORD, "elements of float64 lie side by side");
    if (this.#pen.turns?.isWhole !== true) {
      const lane = this.#pen.keep(v128.load64_zero(address, offset));
      return { kind: "double", low: [lane], high: [lane] };
    }
    const half = (at: number): V128[] =>
      this.#eachUnit((unit) => v128.load(address, offset + 4 * step.known! * unit + at));
    return { kind: "double", low: half(0), high: half(4 * WORD) };
  }

  #storeDouble({ address, offset }: Spot, { low, high }: Double): void {
    const pen = this.#pen;
    low.forEach((vector, unit) => {
      const at = offset + 8 * WORD * unit;
      if (pen.turns?.isWhole !== true) pen.push(v128.store64_lane(address, vector, 0, offset));
      else pen.push(v128.store(address, vector, at), v128.store(address, high[unit]!, at + 4 * WORD));
    });
  }

  #spot(load: Load): Spot {
    const { turns } = this.#pen;
    const scalars = this.#scalars(load, turns?.index);
    const { base, rest } = this.#nearest(load.tensor, scalars);
    const { address, offset } = this.#withOffset(base, rest, load.tensor);
    const strides = load.terms.filter(({ index }) => index === turns?.index);
    const step = strides.reduce<I32>(
      (sum, { stride }) => i32.add(sum, this.#bytes(stride, load.tensor)),
      i32.const(0),
    );
    if (turns === undefined || step.known === 0) return { address, offset, step: i32.const(0) };
    const along =
      step.known === undefined
        ? i32.mul(i32.shr_u(turns.at, i32.const(2)), step)
        : i32.mul(turns.at, i32.const(step.known / WORD));
    return { address: i32.add(address, along), offset, step };
  }

  /** The terms that are the same for all lanes. */
  #scalars({ terms }: Load, index: Name | undefined): readonly Term[] {
    return terms.filter((term) => index === undefined || term.index !== index);
  }

  #isStill({ index, stride }: Term): boolean {
    return [index, stride].every((each) =>
      within(each).every((part) => part.kind !== "name" || this.#numbers.isKnown(part)),
    );
  }

  /** The base that has the most of the terms, and the others. */
  #nearest(tensor: Tensor, terms: readonly Term[]): { base: I32; rest: readonly Term[] } {
    const keys = new Set(terms.map((term) => this.#keyOf(term)));
    const found = this.#bases
      .filter((base) => base.tensor === tensor && [...base.keys].every((key) => keys.has(key)))
      .toSorted((a, b) => b.keys.size - a.keys.size)[0];
    if (found === undefined) return { base: this.#startOf(tensor), rest: terms };
    return { base: found.address, rest: terms.filter((term) => !found.keys.has(this.#keyOf(term))) };
  }

  #sum(base: I32, terms: readonly Term[], tensor: Tensor): I32 {
    return terms.reduce((sum, term) => i32.add(sum, this.#term(term, tensor)), base);
  }

  /** Known terms are part of the instruction. */
  #withOffset(base: I32, terms: readonly Term[], tensor: Tensor): { address: I32; offset: number } {
    const parts = terms.map((term) => this.#term(term, tensor));
    const isOffset = ({ known }: I32): boolean => known !== undefined && known >= 0;
    return {
      address: parts.filter((part) => !isOffset(part)).reduce((sum, part) => i32.add(sum, part), base),
      offset: parts.filter(isOffset).reduce((sum, { known }) => sum + known!, 0),
    };
  }

  #term({ index, stride }: Term, tensor: Tensor): I32 {
    return i32.mul(this.#numbers.whole(index), this.#bytes(stride, tensor));
  }

  #bytes(stride: Expression, { dtype }: Tensor): I32 {
    return i32.mul(this.#numbers.whole(stride), i32.const(dtype === "f64" ? 2 * WORD : WORD));
  }

  #keyOf({ index, stride }: Term): string {
    return [index, stride].map((each) => this.#idOf(each)).join("*");
  }

  #idOf(expression: Expression): string {
    if (expression.kind === "number") return String(expression.value);
    const id = this.#ids.get(expression) ?? this.#ids.size;
    this.#ids.set(expression, id);
    return `#${id}`;
  }
}

/** The elements that statements and those in them name. */
export const loadsIn = (body: readonly Statement[]): readonly Load[] =>
  body.flatMap((statement) => [
    ...expressionsOf(statement)
      .flatMap(within)
      .filter((part) => part.kind === "load"),
    ...loadsIn(bodyOf(statement)),
  ]);
