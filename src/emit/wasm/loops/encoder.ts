import type { Loop, Name, Statement, Tensor } from "../../loops/tree.ts";
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
import { Spots } from "./spots.ts";
import { LONGEST, NamedTotals } from "./named-totals.ts";
import { quotientsIn, stillIn } from "./still.ts";
import { lone } from "./values.ts";

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
  readonly totals: NamedTotals;
  readonly #spots: Spots;
  readonly #places: Places;
  readonly #moved = new Map<Tensor, I32>();

  constructor({ machine, constants, phase, startOf, doubles }: Given) {
    this.pen = new Pen({ machine, constants }, phase);
    this.formulas = new Formulas(this.pen, () => this.#places, doubles);
    this.totals = new NamedTotals(this.pen, this.formulas);
    this.#spots = new Spots(this.pen, this.formulas, (tensor) => this.#moved.get(tensor) ?? startOf(tensor));
    this.#places = new Places(this.pen, this.#spots);
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
    this.formulas.scoped(() => this.#spots.scoped(write));
  }

  #statement(statement: Statement, siblings: readonly Statement[]): void {
    const { pen, formulas } = this;
    switch (statement.kind) {
      case "let":
        formulas.let(statement.name, statement.value);
        return;
      case "total":
        this.totals.begin(statement, siblings);
        return;
      case "restart":
        this.totals.restart(statement.total);
        return;
      case "take":
        this.totals.take(statement.total, formulas.value(statement.value));
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

  /** A loop's turns from one on to another. */
  loop(loop: Loop, from: I32, to: I32): void {
    if (loop.order === "lanes") {
      this.#lanes(loop, from, to);
      return;
    }
    const { pen } = this;
    const long = pen.turns === undefined ? [] : this.totals.ofLanesIn(loop);
    const end = pen.keep(to);
    this.scoped(() => {
      this.#spots.hoist(loop.body, pen.turns?.index);
      if (long.length === 0 || this.totals.lengthOf(loop) <= LONGEST) {
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
      this.#spots.hoist(loop.body, this.pen.turns?.index);
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
    const across = this.totals.acrossOf(loop);
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
      formulas.withStill(stillIn(loop, this.totals.isConverted), quotientsIn(loop), () => {
        this.#spots.hoist(loop.body, loop.index);
        const length =
          from.known === undefined || end.known === undefined ? Infinity : end.known - from.known;
        if (length <= this.totals.longestLanes || !across.some(({ isDouble }) => isDouble)) sides(from, end);
        else this.#blocks(from, end, this.totals.longestLanes, sides);
      }),
    );
  }
}
