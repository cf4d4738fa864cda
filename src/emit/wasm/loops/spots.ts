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
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Pen } from "./pen.ts";

const WORD = 4;

/** What addresses need of the numbers around them. */
interface Numbers {
  readonly isKnown: (name: Name) => boolean;
  /** A whole number that is the same for all lanes. */
  readonly whole: (expression: Expression) => I32;
}

/** Where an element of a turn is: an address, and a constant offset; lanes are `step` bytes apart (0: it is one for all). */
export interface Spot {
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

/** Addresses of elements; what of them stands still in a loop is computed before it. */
export class Spots {
  readonly #pen: Pen;
  readonly #numbers: Numbers;
  readonly #startOf: (tensor: Tensor) => I32;
  readonly #ids: Map<Expression, number>;
  #bases: readonly Base[];

  /** `known`: those of a twin, which it knows too. */
  constructor(pen: Pen, numbers: Numbers, startOf: (tensor: Tensor) => I32, known?: Spots) {
    this.#pen = pen;
    this.#numbers = numbers;
    this.#startOf = startOf;
    this.#ids = known === undefined ? new Map<Expression, number>() : known.#ids;
    this.#bases = known === undefined ? [] : known.#bases;
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

  /** Of an element that the place names. */
  of(load: Load): Spot {
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
const loadsIn = (body: readonly Statement[]): readonly Load[] =>
  body.flatMap((statement) => [
    ...expressionsOf(statement)
      .flatMap(within)
      .filter((part) => part.kind === "load"),
    ...loadsIn(bodyOf(statement)),
  ]);
