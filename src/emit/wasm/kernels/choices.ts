import type { View } from "../../../kernels/view.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { refuse, type KernelWriter, type Phase } from "../kernel.ts";
import type { Unit } from "../products/nest.ts";
import type { TileAt } from "../products/tile.ts";

/** What was chosen for rows, among how many. */
export interface Choosing {
  readonly x: View;
  readonly chosen: View;
  readonly experts: Dim;
}

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

/**
 * The choices in the order of what they chose, in memory that all threads share: how many matrices were chosen; which these are;
 * where the choices of each begin, and those of the last end; the choices.
 */
export class Choices {
  readonly #shared: (phase: Phase) => I32;
  readonly #experts: (phase: Phase) => I32;
  readonly #choices: (phase: Phase) => I32;
  readonly #chosen: (phase: Phase) => I32;
  /** Choices that read one row. */
  readonly #each: (phase: Phase) => I32;

  /** `shared`: memory of so many bytes as `bytes` says. */
  constructor(k: KernelWriter, { x, chosen, experts }: Choosing, shared: (phase: Phase) => I32) {
    this.#shared = shared;
    this.#experts = k.size(experts);
    this.#choices = k.size(productOfDims(chosen.type.shape));
    this.#chosen = k.address(chosen);
    this.#each =
      constantDim(x.type.shape.at(-2)!) === 1 ? k.size(chosen.type.shape.at(-1)!) : () => i32.const(1);
  }

  static bytes({ chosen, experts }: Choosing): Dim {
    return bytes([dim(2), experts, experts, productOfDims(chosen.type.shape)].reduce(addDims));
  }

  /** Puts the choices in order: one thread does. */
  write(phase: Phase): void {
    const [shared, experts, choices] = [this.#shared(phase), this.#experts(phase), this.#choices(phase)];
    const word = (start: I32, index: I32): I32 => i32.add(start, i32.shl(index, i32.const(2)));
    const one = i32.const(1);
    const [expert, count, sum, held] = phase.locals("i32", 4);
    const beginsAt = this.#beginsAt(phase);
    /** Where the next choice of a matrix belongs; in the end, where those of the next one begin. */
    const next = (of: I32): I32 => word(beginsAt, i32.add(of, one));
    const zero = i32.const(0);
    const read = (choice: I32): Statement => expert!.set(i32.load(word(this.#chosen(phase), choice)));
    phase.push(
      when(i32.eqz(phase.rank), [
        i32.store(shared, zero),
        phase.range(zero, i32.add(experts, one), 1, (index) => [i32.store(word(beginsAt, index), zero)]),
        phase.range(zero, choices, 1, (choice) => [
          read(choice),
          refuse(phase, "index", expert!.get, experts),
          i32.store(next(expert!.get), i32.add(i32.load(next(expert!.get)), one)),
        ]),
        sum!.set(zero),
        held!.set(zero),
        phase.range(zero, experts, 1, (index) => [
          count!.set(i32.load(next(index))),
          i32.store(next(index), sum!.get),
          sum!.set(i32.add(sum!.get, count!.get)),
          when(count!.get, [
            i32.store(word(this.#listAt(phase), held!.get), index),
            held!.set(i32.add(held!.get, one)),
          ]),
        ]),
        phase.range(zero, choices, 1, (choice) => [
          read(choice),
          count!.set(i32.load(next(expert!.get))),
          i32.store(next(expert!.get), i32.add(count!.get, one)),
          i32.store(word(this.#orderAt(phase), count!.get), choice),
        ]),
        i32.store(shared, held!.get),
      ]),
    );
  }

  /**
   * In a later phase, the thread's share of the columns of all matrices that were chosen, `width` of one at a time, each for all
   * rows that chose it: rows are counted in the order of choices.
   */
  eachUnit(
    phase: Phase,
    columns: I32,
    width: number,
    body: (unit: Unit, expert: I32) => readonly Statement[],
  ): Statement {
    const panels = phase.still(i32.div_u(i32.add(columns, i32.const(width - 1)), i32.const(width)));
    const [expert, panel, column, left, from, to] = phase.locals("i32", 6) as unknown as Six;
    const unit: Unit = {
      item: i32.const(0),
      panel: panel.get,
      column: column.get,
      left: left.get,
      rows: { from: from.get, to: to.get },
    };
    const share = phase.share(i32.mul(panels, phase.still(i32.load(this.#shared(phase)))));
    const word = (start: I32, index: I32): I32 => i32.load(i32.add(start, i32.shl(index, i32.const(2))));
    return phase.range(share.from, share.to, 1, (index) => [
      expert.set(word(this.#listAt(phase), i32.div_u(index, panels))),
      panel.set(i32.rem_u(index, panels)),
      column.set(i32.mul(panel.get, i32.const(width))),
      left.set(i32.sub(columns, column.get)),
      from.set(word(this.#beginsAt(phase), expert.get)),
      to.set(word(this.#beginsAt(phase), i32.add(expert.get, i32.const(1)))),
      ...body(unit, expert.get),
    ]);
  }

  /** The choice of that number in their order. */
  choiceAt(phase: Phase, index: I32): I32 {
    return i32.load(i32.add(this.#orderAt(phase), i32.shl(index, i32.const(2))));
  }

  /** The row that a choice reads. */
  rowOf(phase: Phase, choice: I32): I32 {
    const each = this.#each(phase);
    return each.known === 1 ? choice : i32.div_u(choice, each);
  }

  #listAt(phase: Phase): I32 {
    return i32.add(this.#shared(phase), i32.const(4));
  }

  #beginsAt(phase: Phase): I32 {
    return phase.still(i32.add(this.#listAt(phase), i32.shl(this.#experts(phase), i32.const(2))));
  }

  #orderAt(phase: Phase): I32 {
    const words = i32.add(this.#experts(phase), i32.const(1));
    return phase.still(i32.add(this.#beginsAt(phase), i32.shl(words, i32.const(2))));
  }
}

type Six = readonly [Local<"i32">, Local<"i32">, Local<"i32">, Local<"i32">, Local<"i32">, Local<"i32">];

/** Rows that lie apart: where each begins, and how many bytes are from one to the next. */
export interface RowsApart {
  readonly address: (phase: Phase) => I32;
  readonly rowBytes: Dim;
}

/**
 * The rows of a tile, which lie wherever their choices have them: where the first lies, and how far from it the second, in each of
 * several tensors. The first of these has a row for each choice, others one for each row that choices read.
 */
export class ChosenRows {
  /** Where the first row of each tensor lies, and how far the second is. */
  readonly places: readonly { readonly at: I32; readonly step: I32 }[];
  readonly #phase: Phase;
  readonly #choices: Choices;
  readonly #tensors: readonly { readonly first: I32; readonly bytes: I32 }[];
  readonly #at: readonly Local<"i32">[];
  readonly #step: readonly Local<"i32">[];
  readonly #choice: Local<"i32">;

  constructor(k: KernelWriter, phase: Phase, choices: Choices, tensors: readonly RowsApart[]) {
    this.#phase = phase;
    this.#choices = choices;
    this.#tensors = tensors.map(({ address, rowBytes }) => ({
      first: address(phase),
      bytes: k.size(rowBytes)(phase),
    }));
    this.#at = phase.locals("i32", tensors.length);
    this.#step = phase.locals("i32", tensors.length);
    this.#choice = phase.local("i32");
    this.places = this.#at.map((at, index) => ({ at: at.get, step: this.#step[index]!.get }));
  }

  /** Goes to the rows of a tile of one or two; `within` is that tile where its rows are counted from the first. */
  enter(tile: TileAt): { readonly statements: readonly Statement[]; readonly within: TileAt } {
    const second =
      tile.rows > 1
        ? this.#find(i32.add(tile.row, i32.const(1)), (index, place) => {
            const step = this.#step[index]!;
            return step.set(i32.sub(place, this.#at[index]!.get));
          })
        : this.#step.map((step) => step.set(i32.const(0)));
    const first = this.#find(tile.row, (index, place) => this.#at[index]!.set(place));
    return { statements: [...first, ...second], within: { ...tile, row: i32.const(0) } };
  }

  #find(index: I32, use: (tensor: number, place: I32) => Statement): Statement[] {
    return [
      this.#choice.set(this.#choices.choiceAt(this.#phase, index)),
      ...this.#tensors.map(({ first, bytes }, tensor) => {
        const row = tensor === 0 ? this.#choice.get : this.#choices.rowOf(this.#phase, this.#choice.get);
        return use(tensor, i32.add(first, i32.mul(row, bytes)));
      }),
    ];
  }
}
