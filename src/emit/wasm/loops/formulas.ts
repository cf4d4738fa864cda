import { invariant } from "../../../support/invariant.ts";
import type { Dtype } from "../../../tensor/dtype.ts";
import { typeOf, type Expression, type Name, type Operation } from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { applyFunction } from "../functions/apply.ts";
import { asMasks, floats, literal } from "../functions/lanes.ts";
import { preciseLog } from "../functions/logarithm.ts";
import { kept } from "../functions/wide.ts";
import { applyDouble } from "./doubles.ts";
import { asBfloat16, asHalf } from "./halves.ts";
import type { Pen } from "./pen.ts";
import type { Places } from "./places.ts";
import { doubleOf, floatsOf, keptValue, lanesOf, lone, wordOfValue, type Value } from "./values.ts";
import type { Apply } from "./still.ts";
import { wholes } from "./wholes.ts";

const comparisons: {
  readonly [N in Operation]?: (x: Parameters<typeof f32.lt>[0], y: Parameters<typeof f32.lt>[1]) => I32;
} = {
  eq: f32.eq,
  ne: f32.ne,
  lt: f32.lt,
  le: f32.le,
  gt: f32.gt,
  ge: f32.ge,
};

/** Numbers by their names, and expressions as code. */
export class Formulas {
  readonly #pen: Pen;
  readonly #places: () => Places;
  #values: Map<Name, () => Value>;
  /** Names that are float64, as what is made of them is stored so. */
  readonly #doubles: ReadonlySet<Name>;
  /** Expressions that have been computed before the loop in which they stand. */
  #still: ReadonlyMap<Expression, Value> = new Map();
  /** What quotients multiply by. */
  #inverses: ReadonlyMap<Apply, Value> = new Map();

  /** `known`: those of a twin, which it knows too. */
  constructor(pen: Pen, places: () => Places, doubles: ReadonlySet<Name>, known?: Formulas) {
    this.#pen = pen;
    this.#places = places;
    this.#doubles = doubles;
    this.#values = new Map(known === undefined ? [] : known.#values);
    if (known !== undefined) this.#still = known.#still;
  }

  /** What a name stands for, each time that it is read. */
  define(name: Name, value: () => Value): void {
    this.#values.set(name, value);
  }

  /** What is written meanwhile; the names that it defines end with it. */
  scoped(write: () => void): void {
    const outer = this.#values;
    this.#values = new Map(outer);
    write();
    this.#values = outer;
  }

  readonly isKnown = (name: Name): boolean => this.#values.has(name);

  /** A name for a number that is computed here. */
  let(name: Name, expression: Expression): void {
    const value = keptValue(
      this.#doubles.has(name) ? this.double(expression) : this.value(expression),
      this.#pen,
    );
    this.define(name, () => value);
  }

  /**
   * What is written meanwhile; the expressions are computed before it, and of `quotients` the inverse of what they divide by: a
   * division takes five times as long as a product.
   */
  withStill(expressions: readonly Expression[], quotients: readonly Apply[], write: () => void): void {
    const [outer, inverses] = [this.#still, this.#inverses];
    const kept = expressions
      .filter((each) => !outer.has(each))
      .map((each) => [each, keptValue(this.value(each), this.#pen)] as const);
    this.#still = new Map([...outer, ...kept]);
    this.#inverses = new Map(
      quotients.map((each) => [
        each,
        keptValue(this.#applied("div", [this.#number(1), this.value(each.args[1]!)]), this.#pen),
      ]),
    );
    write();
    [this.#still, this.#inverses] = [outer, inverses];
  }

  /** What is written meanwhile; the expressions have these values. */
  withKnown(values: ReadonlyMap<Expression, Value>, write: () => void): void {
    const outer = this.#still;
    this.#still = new Map([...outer, ...values]);
    write();
    this.#still = outer;
  }

  value(expression: Expression): Value {
    const known = this.#still.get(expression);
    if (known !== undefined) return known;
    switch (expression.kind) {
      case "number":
        return this.#number(expression.value);
      case "name": {
        const value = this.#values.get(expression);
        invariant(value !== undefined, `${expression.name} has no value`);
        return value();
      }
      case "load":
        return this.#places().load(expression);
      case "rounded":
        return this.#rounded(expression.dtype, expression.value);
      case "apply":
        return this.#apply(expression);
    }
  }

  /** All of it in float64. */
  double(expression: Expression): Value {
    const { kind } = expression;
    return kind === "apply" && !this.#still.has(expression) && typeOf(expression) === "float"
      ? applyDouble(
          expression.op,
          expression.args.map((arg) => doubleOf(this.double(arg), this.#pen)),
          this.#pen,
        )
      : doubleOf(this.value(expression), this.#pen);
  }

  /** A whole number that is the same for all lanes. */
  readonly whole = (expression: Expression): I32 => wordOfValue(this.value(expression), this.#pen);

  /** The numbers of turns side by side, the first of which is `at` / 4. */
  index(at: I32, units: number): Value {
    const first = i32x4.splat(i32.shr_u(at, i32.const(2)));
    const { constants } = this.#pen;
    const vectors = Array.from({ length: units }, (_, unit) => {
      const steps = Int32Array.from({ length: 4 }, (_, lane) => 4 * unit + lane);
      return i32x4.add(first, v128.load(i32.const(0), constants.address(new Uint8Array(steps.buffer))));
    });
    return { kind: "whole", vectors };
  }

  /** A condition outside of lanes. */
  truth(expression: Expression): I32 {
    const value = this.value(expression);
    if (value.kind === "lone") return value.value;
    return i32x4.extract_lane(asMasks(lanesOf(value, this.#pen), this.#pen)[0]!, 0);
  }

  #number(value: number): Value {
    const lanes = literal(value, this.#pen, 1);
    // From 2^31 on it would be read back with a sign.
    return lanes.kind === "whole" && value < 2 ** 31 ? lone(i32.const(value)) : lanes;
  }

  #rounded(dtype: Dtype, expression: Expression): Value {
    const pen = this.#pen;
    // A logarithm that is rounded decides something: it is the nearest float, where a function of lanes may be the next.
    if (expression.kind === "apply" && expression.op === "log") {
      const x = floatsOf(this.value(expression.args[0]!), pen);
      return floats(preciseLog(kept(x, pen), pen));
    }
    const value = this.value(expression);
    if (dtype !== "f16" && dtype !== "bf16") return floats(floatsOf(value, pen));
    const round = dtype === "f16" ? asHalf : asBfloat16;
    return floats(floatsOf(value, pen).map((vector) => round(vector, pen)));
  }

  #apply(expression: Apply): Value {
    const { op, args } = expression;
    const inverse = this.#inverses.get(expression);
    return inverse === undefined
      ? this.#applied(
          op,
          args.map((arg) => this.value(arg)),
        )
      : this.#applied("mul", [this.value(args[0]!), inverse]);
  }

  #applied(op: Operation, values: readonly Value[]): Value {
    const pen = this.#pen;
    if (values.some(({ kind }) => kind === "double"))
      return applyDouble(
        op,
        values.map((value) => doubleOf(value, pen)),
        pen,
      );
    const words = values.flatMap((value) => (value.kind === "lone" ? [value.value] : []));
    const ofWords = wholes[op];
    if (ofWords !== undefined && words.length === values.length) return lone(ofWords(words, pen));
    const compare = comparisons[op];
    if (compare !== undefined && pen.turns === undefined && !values.some(isUnsigned)) {
      const [x, y] = values.map((value) => f32x4.extract_lane(floatsOf(value, pen)[0]!, 0));
      return lone(compare(x!, y!));
    }
    return applyFunction(
      op,
      values.map((value) => lanesOf(value, pen)),
      pen,
    );
  }
}

const isUnsigned = ({ kind }: Value): boolean => kind === "unsigned";
