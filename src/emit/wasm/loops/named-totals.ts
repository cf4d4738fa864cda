import type { Expression, Loop, Name, Statement } from "../../loops/tree.ts";
import type { Formulas } from "./formulas.ts";
import { LaneTotal } from "./lane-total.ts";
import type { Pen } from "./pen.ts";
import { takesOf } from "./still.ts";
import { OuterTotal, type Width } from "./totals.ts";
import type { Value } from "./values.ts";

/**
 * Numbers that a lane adds up in float32, one after the other: the sum is off by half a unit for each at most, 2e-6. Where two totals of
 * rows go in step there are half as many lanes, and it is twice that.
 */
export const LONGEST = 64;

type Begun = Extract<Statement, { kind: "total" }>;

/** The totals of a phase by their names, and in what they are held: float32 where it is enough. */
export class NamedTotals {
  readonly #pen: Pen;
  readonly #formulas: Formulas;
  readonly #totals: Map<Name, OuterTotal | LaneTotal>;

  /** `known`: those of a twin, which it knows too. */
  constructor(pen: Pen, formulas: Formulas, known?: NamedTotals) {
    this.#pen = pen;
    this.#formulas = formulas;
    this.#totals = new Map(known === undefined ? [] : known.#totals);
  }

  /** A total whose lanes, or threads, take numbers in where the caller says so. */
  outer(name: Name, fold: Begun["fold"], width: Width): OuterTotal {
    return this.#named(name, new OuterTotal(this.#pen, name, fold, width));
  }

  /** `siblings`: the statements among which it stands. */
  begin({ name, fold }: Begun, siblings: readonly Statement[]): void {
    const pen = this.#pen;
    const total =
      pen.turns === undefined
        ? this.outer(name, fold, this.#widthOf(name, siblings))
        : this.#named(name, new LaneTotal(pen, name, fold, this.#widthOfLanes(name, siblings)));
    total.begin();
  }

  restart(name: Name): void {
    this.#totals.get(name)!.begin();
  }

  take(name: Name, value: Value): void {
    this.#totals.get(name)!.take(value);
  }

  /** Totals from outside of lanes that their turns take in. */
  acrossOf({ body }: Loop): readonly OuterTotal[] {
    return [...new Set(takesOf(body))].flatMap((name) => {
      const total = this.#totals.get(name);
      return total instanceof OuterTotal ? [total] : [];
    });
  }

  /** Totals of lanes that the turns of a loop take in themselves. */
  ofLanesIn({ body }: Loop): readonly LaneTotal[] {
    return body.flatMap((each) => {
      const total = each.kind === "take" ? this.#totals.get(each.total) : undefined;
      return total instanceof LaneTotal ? [total] : [];
    });
  }

  /** Whether it is a total that is read as another type than it is held in. */
  readonly isConverted = (part: Expression): boolean => {
    const total = part.kind === "name" ? this.#totals.get(part) : undefined;
    return total instanceof OuterTotal && total.isDouble;
  };

  /** Turns of lanes that totals in float32 take in at most. */
  get longestLanes(): number {
    return 4 * this.#pen.machine.unroll * LONGEST;
  }

  /** How many turns a loop has, where that is known. */
  lengthOf({ from, to }: Loop): number {
    const [first, end] = [from, to].map((each) =>
      each.kind === "load" || !this.#isSizeOrNumber(each) ? undefined : this.#formulas.whole(each).known,
    );
    return first === undefined || end === undefined ? Infinity : end - first;
  }

  #named<T extends OuterTotal | LaneTotal>(name: Name, total: T): T {
    this.#totals.set(name, total);
    this.#formulas.define(name, () => total.value());
    return total;
  }

  /** float32 is enough where one loop of lanes takes all in, or two do, and none is long. */
  #widthOf(name: Name, siblings: readonly Statement[]): Width {
    const takes = (each: Statement): boolean => takesOf([each]).includes(name);
    const isTake = (each: Statement): boolean => each.kind === "take" && each.total === name;
    const isShort = (each: Statement): boolean => {
      if (each.kind === "when") return each.body.filter(takes).every(isShort);
      if (isTake(each)) return true;
      const isLanes = each.kind === "loop" && each.order === "lanes" && each.body.some(isTake);
      return isLanes && this.lengthOf(each) <= this.longestLanes;
    };
    const taking = siblings.filter(takes);
    return taking.length <= 2 && taking.every(isShort) ? "single" : "double";
  }

  #widthOfLanes(name: Name, siblings: readonly Statement[]): Width {
    const longest = (body: readonly Statement[]): number =>
      body.reduce((most, each) => {
        if (each.kind !== "loop" || !takesOf([each]).includes(name)) return most;
        return Math.max(most, this.lengthOf(each) * longest(each.body));
      }, 1);
    return longest(siblings) <= LONGEST ? "single" : "double";
  }

  #isSizeOrNumber(expression: Expression): boolean {
    return expression.kind === "number" || (expression.kind === "name" && this.#formulas.isKnown(expression));
  }
}
