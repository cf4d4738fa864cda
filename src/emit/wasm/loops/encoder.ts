import { type Expression, type Loop, type Name, type Statement, type Tensor } from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { select, when } from "../assembler/control.ts";
import { fill } from "../assembler/memory.ts";
import { i32 } from "../assembler/numbers.ts";
import { refuse, type Phase } from "../kernel.ts";
import type { Constants, Machine } from "../machine.ts";
import { sideBySide } from "./lanes.ts";
import { Formulas } from "./formulas.ts";
import { Pen } from "./pen.ts";
import { Places } from "./places.ts";
import { LaneTotal } from "./lane-total.ts";
import { quotientsIn, stillIn, takesOf } from "./still.ts";
import { OuterTotal, type Width } from "./totals.ts";
import { lone } from "./values.ts";

/** Numbers that a lane adds up in float32, one after the other: the sum is off by half a unit for each at most, 2e-6. */
const LONGEST = 64;

interface Given {
  readonly machine: Machine;
  readonly constants: Constants;
  readonly phase: Phase;
  /** The address of a tensor's first element. */
  readonly startOf: (tensor: Tensor) => I32;
  /** Names that are float64. */
  readonly doubles: ReadonlySet<Name>;
}

/** Statements of a kernel as code of a phase. */
export class Encoder {
  readonly pen: Pen;
  readonly formulas: Formulas;
  readonly #places: Places;
  readonly #totals = new Map<Name, OuterTotal | LaneTotal>();
  readonly #moved = new Map<Tensor, I32>();

  constructor({ machine, constants, phase, startOf, doubles }: Given) {
    this.pen = new Pen({ machine, constants }, phase);
    this.formulas = new Formulas(this.pen, () => this.#places, doubles);
    this.#places = new Places(
      this.pen,
      this.formulas,
      (tensor) => this.#moved.get(tensor) ?? startOf(tensor),
    );
  }

  /** From now on a tensor's first element is at another address. */
  move(tensor: Tensor, address: I32): void {
    this.#moved.set(tensor, address);
  }

  statements(body: readonly Statement[]): void {
    for (const statement of body) this.#statement(statement, body);
  }

  /** What is written meanwhile, with names of its own. */
  scoped(write: () => void): void {
    this.formulas.scoped(() => this.#places.scoped(write));
  }

  #statement(statement: Statement, siblings: readonly Statement[]): void {
    const { pen, formulas } = this;
    switch (statement.kind) {
      case "let":
        formulas.let(statement.name, statement.value);
        return;
      case "total":
        this.#begin(statement, siblings);
        return;
      case "take":
        this.#totals.get(statement.total)!.take(formulas.value(statement.value));
        return;
      case "store":
        this.#places.store(statement.to, formulas.value(statement.value));
        return;
      case "loop":
        this.loop(statement, formulas.whole(statement.from), formulas.whole(statement.to));
        return;
      case "when": {
        const condition = pen.keep(formulas.truth(statement.condition));
        const body = pen.inside(() => this.scoped(() => this.statements(statement.body)));
        pen.push(when(condition, body));
        return;
      }
      case "check": {
        const [index, end] = [formulas.whole(statement.index), formulas.whole(statement.end)];
        pen.push(refuse(pen.writer, statement.refusal, index, end));
        return;
      }
      case "clear":
        this.clear(statement, i32.const(0), formulas.whole(statement.count));
        return;
      case "table":
      case "note":
        return;
    }
  }

  /** The elements of a tensor from one on to another become 0. */
  clear({ from }: Extract<Statement, { kind: "clear" }>, first: I32, end: I32): void {
    const [start, bytes] = [i32.shl(first, i32.const(2)), i32.shl(i32.sub(end, first), i32.const(2))];
    this.pen.push(fill(i32.add(this.#places.address(from), start), i32.const(0), bytes));
  }

  /** A total whose lanes, or threads, take numbers in where the caller says so. */
  total(name: Name, fold: Extract<Statement, { kind: "total" }>["fold"], width: Width): OuterTotal {
    const total = new OuterTotal(this.pen, name, fold, width);
    this.#totals.set(name, total);
    this.formulas.define(name, () => total.value());
    return total;
  }

  #begin({ name, fold }: Extract<Statement, { kind: "total" }>, siblings: readonly Statement[]): void {
    const { pen } = this;
    if (pen.turns === undefined) {
      this.total(name, fold, this.#widthOf(name, siblings)).begin();
      return;
    }
    const total = new LaneTotal(pen, name, fold, this.#widthOfLanes(name, siblings));
    this.#totals.set(name, total);
    this.formulas.define(name, () => total.value());
    total.begin();
  }

  get #longestLanes(): number {
    return 4 * this.pen.machine.unroll * LONGEST;
  }

  /** float32 is enough where one loop of lanes takes all in, and is not long. */
  #widthOf(name: Name, siblings: readonly Statement[]): Width {
    const taking = siblings.filter((each) => takesOf([each]).includes(name));
    const isShort = (each: Statement): boolean =>
      each.kind === "loop" &&
      each.order === "lanes" &&
      this.#length(each) <= this.#longestLanes &&
      each.body.some((inner) => inner.kind === "take" && inner.total === name);
    return taking.length === 1 && isShort(taking[0]!) ? "single" : "double";
  }

  #widthOfLanes(name: Name, siblings: readonly Statement[]): Width {
    const longest = (body: readonly Statement[]): number =>
      body.reduce((most, each) => {
        if (each.kind !== "loop" || !takesOf([each]).includes(name)) return most;
        return Math.max(most, this.#length(each) * longest(each.body));
      }, 1);
    return longest(siblings) <= LONGEST ? "single" : "double";
  }

  /** How many turns a loop has, where that is known. */
  #length({ from, to }: Loop): number {
    const [first, end] = [from, to].map((each) =>
      each.kind === "load" || !this.#isSizeOrNumber(each) ? undefined : this.formulas.whole(each).known,
    );
    return first === undefined || end === undefined ? Infinity : end - first;
  }

  #isSizeOrNumber(expression: Expression): boolean {
    return expression.kind === "number" || (expression.kind === "name" && this.formulas.isKnown(expression));
  }

  /** A loop's turns from one on to another. */
  loop(loop: Loop, from: I32, to: I32): void {
    if (loop.order === "lanes") {
      this.#lanes(loop, from, to);
      return;
    }
    const { pen } = this;
    const long = pen.turns === undefined ? [] : this.#laneTotals(loop.body);
    const end = pen.keep(to);
    this.scoped(() => {
      this.#places.hoist(loop.body, pen.turns?.index);
      if (long.length === 0 || this.#length(loop) <= LONGEST) {
        this.#turns(loop, from, end);
        for (const total of long) total.flush();
        return;
      }
      this.#blocks(from, end, LONGEST, (first, last) => {
        this.#turns(loop, first, last);
        for (const total of long) total.flush();
      });
    });
  }

  /** Totals of lanes that the turns of a loop take in themselves. */
  #laneTotals(body: readonly Statement[]): readonly LaneTotal[] {
    return body.flatMap((each) => {
      const total = each.kind === "take" ? this.#totals.get(each.total) : undefined;
      return total instanceof LaneTotal ? [total] : [];
    });
  }

  #turns(loop: Loop, from: I32, to: I32): void {
    const { pen } = this;
    pen.push(
      pen.writer.range(from, to, 1, (index) =>
        pen.inside(() =>
          this.turn(loop, () => {
            this.formulas.define(loop.index, () => lone(index));
          }),
        ),
      ),
    );
  }

  /** One turn of a loop whose indices are defined first. */
  turn(loop: Loop, define: () => void): void {
    this.scoped(() => {
      define();
      this.#places.hoist(loop.body, this.pen.turns?.index);
      this.statements(loop.body);
    });
  }

  /** Parts of a range, one after the other, of so many turns each. */
  #blocks(from: I32, to: I32, turns: number, write: (from: I32, to: I32) => void): void {
    const { pen } = this;
    pen.push(
      pen.writer.range(from, to, turns, (first) =>
        pen.inside(() => {
          const last = pen.keep(i32.add(first, i32.const(turns)));
          write(first, pen.keep(select(i32.lt_s(last, to), last, to)));
        }),
      ),
    );
  }

  /** Turns side by side. What stands still in them is computed before; what they take across becomes one after. */
  #lanes(loop: Loop, from: I32, to: I32): void {
    const { pen, formulas } = this;
    const across = [...new Set(takesOf(loop.body))].flatMap((name) => {
      const total = this.#totals.get(name);
      return total instanceof OuterTotal ? [total] : [];
    });
    const sides = (first: I32, last: I32): void => {
      for (const total of across) total.open(pen.machine.unroll);
      sideBySide(pen, first, last, (turns) =>
        pen.turn({ ...turns, index: loop.index }, () =>
          this.scoped(() => {
            formulas.define(loop.index, () => formulas.index(turns.at, turns.units));
            this.statements(loop.body);
          }),
        ),
      );
      for (const total of across) total.close();
    };
    const end = pen.keep(to);
    this.scoped(() =>
      formulas.withStill(this.#stillIn(loop), quotientsIn(loop), () => {
        this.#places.hoist(loop.body, loop.index);
        const length =
          from.known === undefined || end.known === undefined ? Infinity : end.known - from.known;
        if (length <= this.#longestLanes || !across.some(({ isDouble }) => isDouble)) sides(from, end);
        else this.#blocks(from, end, this.#longestLanes, sides);
      }),
    );
  }

  /** What is computed before a loop: totals that are read as another type than they are held in, and what stands still. */
  #stillIn(loop: Loop): readonly Expression[] {
    const isConverted = (part: Expression): boolean => {
      const total = part.kind === "name" ? this.#totals.get(part) : undefined;
      return total instanceof OuterTotal && total.isDouble;
    };
    return stillIn(loop, isConverted);
  }
}
