import {
  allOf,
  expressionsOf,
  within,
  type Expression,
  type Load,
  type Loop,
  type Name,
  type Statement,
  type Tensor,
} from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { select, when } from "../assembler/control.ts";
import { fill } from "../assembler/memory.ts";
import { i32 } from "../assembler/numbers.ts";
import { refuse, type Phase } from "../kernel.ts";
import type { Constants, Machine } from "../machine.ts";
import { sideBySide, unrollOf } from "./lanes.ts";
import { Formulas } from "./formulas.ts";
import { Pen } from "./pen.ts";
import { Places } from "./places.ts";
import { Spots } from "./spots.ts";
import { LONGEST, NamedTotals } from "./named-totals.ts";
import { quotientsIn, stillIn, storesOf } from "./still.ts";
import { keptValue, lone, type Value } from "./values.ts";

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
  readonly #given: Given;
  readonly pen: Pen;
  readonly formulas: Formulas;
  readonly totals: NamedTotals;
  readonly #spots: Spots;
  readonly #places: Places;
  readonly #moved: Map<Tensor, I32>;

  /** `twin`: it writes where that one does, and knows what it knows so far. */
  constructor(given: Given, twin?: Encoder) {
    const { machine, constants, phase, startOf, doubles } = given;
    this.#given = given;
    this.#moved = new Map(twin === undefined ? [] : twin.#moved);
    this.pen = twin?.pen ?? new Pen({ machine, constants }, phase);
    this.formulas = new Formulas(this.pen, () => this.#places, doubles, twin?.formulas);
    this.totals = new NamedTotals(this.pen, this.formulas, twin?.totals);
    const start = (tensor: Tensor): I32 => this.#moved.get(tensor) ?? startOf(tensor);
    this.#spots = new Spots(this.pen, this.formulas, start, twin === undefined ? undefined : twin.#spots);
    this.#places = new Places(this.pen, this.#spots);
  }

  /** Another one for the same place, whose names are its own from here on. */
  twin(): Encoder {
    return new Encoder(this.#given, this);
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
        const write = (): void => this.scoped(() => this.statements(statement.body));
        // What is done again is done rarely: it is to be short.
        const isRare = statement.body.some(({ kind }) => kind === "restart");
        const body = pen.inside(() => (isRare ? pen.withUnroll(1, write) : write()));
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
      Encoder.#lanes([this], loop, from, to);
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

  /**
   * One turn each of the same loop, written together: what waits in one row for a sum across it lets the other go on. `define`
   * defines the indices of each; `own` are the names whose values differ by row.
   */
  static inStep(
    rows: readonly Encoder[],
    body: readonly Statement[],
    own: ReadonlySet<Expression>,
    define: readonly (() => void)[],
  ): void {
    const [first] = rows as readonly [Encoder, ...Encoder[]];
    nested(rows, (row, inside, index) =>
      row.scoped(() => {
        define[index]!();
        row.#spots.hoist(body);
        inside();
      }),
    )(() => {
      for (const statement of body)
        if (statement.kind === "loop") {
          const [from, to] = [first.formulas.whole(statement.from), first.formulas.whole(statement.to)];
          Encoder.#lanes(rows, statement, from, to, own);
        } else for (const row of rows) row.#statement(statement, body);
    });
  }

  /**
   * Turns side by side, of one row or of several. What stands still in them is computed before; what they take across becomes
   * one after. What reads none of a row's `own` names is loaded once for all rows.
   */
  static #lanes(
    rows: readonly Encoder[],
    loop: Loop,
    from: I32,
    to: I32,
    own: ReadonlySet<Expression> = new Set(),
  ): void {
    const [first] = rows as readonly [Encoder, ...Encoder[]];
    const { pen } = first;
    const across = rows.flatMap(({ totals }) => totals.acrossOf(loop));
    const shared = rows.length === 1 ? [] : sharedLoads(loop, own);
    const sides = (begin: I32, last: I32): void => {
      for (const total of across) total.open(pen.unroll);
      sideBySide(pen, begin, last, (turns) =>
        pen.turn({ ...turns, index: loop.index }, () => {
          const define = ({ formulas }: Encoder): void =>
            formulas.define(loop.index, () => formulas.index(turns.at, turns.units));
          const known = new Map<Expression, Value>();
          first.scoped(() => {
            define(first);
            for (const load of shared) known.set(load, keptValue(first.formulas.value(load), pen));
          });
          for (const row of rows)
            row.scoped(() =>
              row.formulas.withKnown(known, () => {
                define(row);
                row.statements(loop.body);
              }),
            );
        }),
      );
      for (const total of across) total.close();
    };
    const end = pen.keep(to);
    nested(rows, (row, inside) =>
      row.scoped(() =>
        row.formulas.withStill(stillIn(loop, row.totals.isConverted), quotientsIn(loop), () => {
          row.#spots.hoist(loop.body, loop.index);
          inside();
        }),
      ),
    )(() => {
      const length = from.known === undefined || end.known === undefined ? Infinity : end.known - from.known;
      pen.withUnroll(unrollOf(loop, pen, rows.length), () => {
        const { longestLanes } = first.totals;
        if (length <= longestLanes || !across.some(({ isDouble }) => isDouble)) sides(from, end);
        else first.#blocks(from, end, longestLanes, sides);
      });
    });
  }
}

/** What is written inside of what is written around it for each row, one in the other. */
const nested =
  (
    rows: readonly Encoder[],
    around: (row: Encoder, inside: () => void, index: number) => void,
  ): ((write: () => void) => void) =>
  (write) =>
    rows.reduceRight<() => void>(
      (inside, row, index) => () => {
        around(row, inside, index);
      },
      write,
    )();

/** The elements that a loop reads and does not write which are the same whatever the row's own names are. */
function sharedLoads({ body }: Loop, own: ReadonlySet<Expression>): readonly Load[] {
  const written = new Set(storesOf(body).map(({ tensor }) => tensor));
  const loads = allOf(body)
    .flatMap((each) => (each.kind === "store" ? [each.value] : expressionsOf(each)))
    .flatMap(within)
    .filter((part) => part.kind === "load");
  return [...new Set(loads)].filter(
    (load) => !written.has(load.tensor) && !within(load).some((part) => own.has(part)),
  );
}
