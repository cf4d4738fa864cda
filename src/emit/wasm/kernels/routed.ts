import { onlyView } from "../../../kernels/results.ts";
import { rowStep, type View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { refuse, type KernelWriter, type Phase, type WasmKernel } from "../kernel.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachTile, type Unit } from "../products/nest.ts";
import { PanelReader } from "../products/panels.ts";
import { Tile, type TileAt } from "../products/tile.ts";

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

/** Nothing is done to the sums. */
const plain = { steps: [] } as const;

/**
 * The rows that chose a matrix, as they lie, times that matrix, a panel of its columns at a time; matrices that none chose are not
 * read. One thread puts the choices in order first.
 */
export const routed_linear: WasmKernel<"routed_linear"> = (step, k) => {
  const groups = new Groups(k, step);
  groups.write(k.phase());
  new Products(k, step, groups).write();
  return k.finish("routed_linear", "out = x wᵀ with the matrix that each row chose.");
};

/** The second phase: a piece is a panel of columns of one of the matrices that were chosen. */
class Products {
  readonly #phase: Phase;
  readonly #groups: Groups;
  readonly #tile: Tile;
  readonly #right: PanelReader;
  readonly #end: Epilogue;
  readonly #rowOf: (index: I32) => { readonly x: I32; readonly out: I32 };
  readonly #columns: I32;
  /** The matrix of a piece. */
  readonly #expert: Local<"i32">;
  readonly #matrix: Local<"i32">;
  readonly #matrixOf: (expert: I32) => I32;
  /** The rows of a tile: where the first lies, and how far from it the second, wherever that is. */
  readonly #x: Local<"i32">;
  readonly #xStep: Local<"i32">;
  readonly #out: Local<"i32">;
  readonly #outStep: Local<"i32">;

  constructor(k: KernelWriter, { operands, attrs, results }: StepOf<"routed_linear">, groups: Groups) {
    const { x, weight } = operands;
    const out = onlyView(results);
    const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
    const isUpright = attrs.layout === "out_in";
    const phase = k.phase();
    const local = (): Local<"i32"> => phase.local("i32");
    [this.#expert, this.#matrix] = [local(), local()];
    [this.#x, this.#xStep, this.#out, this.#outStep] = [local(), local(), local(), local()];
    this.#phase = phase;
    this.#groups = groups;
    this.#tile = new Tile(phase, k.machine);
    const { width } = this.#tile;
    const aside = asideBytes(plain, 0);
    const own = k.own(addDims(dim(aside), multiplyDims(dim(4 * width), depth)))(phase);
    this.#columns = k.size(columns)(phase);
    const [first, size] = [k.address(weight)(phase), k.size(bytes(multiplyDims(columns, depth)))(phase)];
    this.#matrixOf = (expert) => i32.add(first, i32.mul(expert, size));
    this.#right = new PanelReader(phase, k.machine, {
      lies: isUpright ? "rows" : "columns",
      address: this.#matrix.get,
      rowBytes: k.size(bytes(isUpright ? depth : columns))(phase),
      depth: k.size(depth)(phase),
      width,
      own: i32.add(own, i32.const(aside)),
      sums: own,
    });
    const place = {
      address: this.#out.get,
      rowBytes: this.#outStep.get,
      width,
      own,
      columns,
      hasLast: false,
    };
    this.#end = new Epilogue(k, phase, plain, [], place);
    this.#rowOf = groups.rowAddresses(phase, x, out);
  }

  write(): void {
    const [phase, groups, right] = [this.#phase, this.#groups, this.#right];
    const width = i32.const(this.#tile.width);
    const panels = phase.still(i32.div_u(i32.add(this.#columns, i32.sub(width, i32.const(1))), width));
    const [panel, column, left, from, to] = phase.locals("i32", 5) as Five;
    const piece: Unit = {
      item: i32.const(0),
      panel: panel.get,
      column: column.get,
      left: left.get,
      rows: { from: from.get, to: to.get },
    };
    const share = phase.share(i32.mul(panels, groups.countOf(phase)));
    const expert = this.#expert;
    phase.push(
      phase.range(share.from, share.to, 1, (unit) => [
        expert.set(groups.chosenAt(phase, i32.div_u(unit, panels))),
        panel.set(i32.rem_u(unit, panels)),
        column.set(i32.mul(panel.get, width)),
        left.set(i32.sub(this.#columns, column.get)),
        from.set(groups.firstOf(phase, expert.get)),
        to.set(groups.firstOf(phase, i32.add(expert.get, i32.const(1)))),
        this.#matrix.set(this.#matrixOf(expert.get)),
        ...right.makeReady(piece),
        ...eachTile(phase, piece, (at) => this.#multiply(at, piece), {
          tileRows: this.#tile.rows,
          fewRows: right.fewRows,
        }),
      ]),
    );
  }

  #multiply(at: TileAt, piece: Unit): Statement[] {
    const [first, second] = [this.#rowOf(at.row), this.#rowOf(i32.add(at.row, i32.const(1)))];
    const step = (to: I32, first: I32): I32 => (at.rows > 1 ? i32.sub(to, first) : i32.const(0));
    const here = { ...at, row: i32.const(0) };
    return [
      this.#x.set(first.x),
      this.#out.set(first.out),
      this.#xStep.set(step(second.x, this.#x.get)),
      this.#outStep.set(step(second.out, this.#out.get)),
      ...this.#right.multiply(this.#tile, here, { x: this.#x.get, rowBytes: this.#xStep.get }),
      ...this.#end.finish(this.#tile, here, piece),
    ];
  }
}

type Five = readonly [Local<"i32">, Local<"i32">, Local<"i32">, Local<"i32">, Local<"i32">];

/**
 * The choices in the order of what they chose, in memory that all threads share: how many matrices were chosen; which these are;
 * where the choices of each begin, and those of the last end; the choices.
 */
class Groups {
  readonly #shared: (phase: Phase) => I32;
  readonly #experts: (phase: Phase) => I32;
  readonly #choices: (phase: Phase) => I32;
  readonly #chosen: (phase: Phase) => I32;
  readonly #k: KernelWriter;
  /** Choices that read one row. */
  readonly #each: (phase: Phase) => I32;

  constructor(k: KernelWriter, { operands: { x, weight, chosen } }: StepOf<"routed_linear">) {
    const [experts, choices] = [weight.type.shape[0]!, productOfDims(chosen.type.shape)];
    const each = chosen.type.shape.at(-1)!;
    this.#k = k;
    this.#shared = k.shared(bytes([dim(2), experts, experts, choices].reduce(addDims)));
    this.#experts = k.size(experts);
    this.#choices = k.size(choices);
    this.#chosen = k.address(chosen);
    this.#each = constantDim(x.type.shape.at(-2)!) === 1 ? k.size(each) : () => i32.const(1);
  }

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

  /** How many matrices were chosen; known once the phase before has ended. */
  countOf(phase: Phase): I32 {
    return phase.still(i32.load(this.#shared(phase)));
  }

  /** The matrix of that number among those that were chosen. */
  chosenAt(phase: Phase, index: I32): I32 {
    return i32.load(i32.add(this.#listAt(phase), i32.shl(index, i32.const(2))));
  }

  /** Where the choices of a matrix begin in their order. */
  firstOf(phase: Phase, expert: I32): I32 {
    return i32.load(i32.add(this.#beginsAt(phase), i32.shl(expert, i32.const(2))));
  }

  /** Where the rows of the choice of that number lie, in their order. */
  rowAddresses(phase: Phase, x: View, out: View): (index: I32) => { readonly x: I32; readonly out: I32 } {
    const [xFirst, outFirst] = [this.#k.address(x)(phase), this.#k.address(out)(phase)];
    const xRow = this.#k.size(bytes(rowStep(x)))(phase);
    const outRow = this.#k.size(bytes(out.type.shape.at(-1)!))(phase);
    const [each, orderAt] = [this.#each(phase), this.#orderAt(phase)];
    return (index) => {
      const choice = i32.load(i32.add(orderAt, i32.shl(index, i32.const(2))));
      const row = each.known === 1 ? choice : i32.div_u(choice, each);
      return { x: i32.add(xFirst, i32.mul(row, xRow)), out: i32.add(outFirst, i32.mul(choice, outRow)) };
    };
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
