import { onlyView } from "../../../kernels/results.ts";
import { rowStep } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { addDims, dim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase, WasmKernel } from "../kernel.ts";
import { asideBytes, Epilogue } from "../products/epilogue.ts";
import { eachTile, type Unit } from "../products/nest.ts";
import { PanelReader } from "../products/panels.ts";
import { Tile, type TileAt } from "../products/tile.ts";
import { Choices, ChosenRows } from "./choices.ts";

const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);

/** Nothing is done to the sums. */
const plain = { steps: [] } as const;

/**
 * The rows that chose a matrix, as they lie, times that matrix, a panel of its columns at a time; matrices that none chose are not
 * read. One thread puts the choices in order first.
 */
export const routed_linear: WasmKernel<"routed_linear"> = (step, k) => {
  const { x, chosen, weight } = step.operands;
  const choosing = { x, chosen, experts: weight.type.shape[0]! };
  const choices = new Choices(k, choosing, k.shared(Choices.bytes(choosing)));
  choices.write(k.phase());
  new Products(k, step, choices).write();
  return k.finish("routed_linear", "out = x wᵀ with the matrix that each row chose.");
};

/** The second phase: a piece is a panel of columns of one of the matrices that were chosen. */
class Products {
  readonly #phase: Phase;
  readonly #choices: Choices;
  readonly #rows: ChosenRows;
  readonly #tile: Tile;
  readonly #right: PanelReader;
  readonly #end: Epilogue;
  readonly #columns: I32;
  /** The matrix of a piece. */
  readonly #matrix: Local<"i32">;
  readonly #matrixOf: (expert: I32) => I32;

  constructor(k: KernelWriter, { operands, attrs, results }: StepOf<"routed_linear">, choices: Choices) {
    const { x, weight } = operands;
    const out = onlyView(results);
    const [columns, depth] = [out.type.shape.at(-1)!, x.type.shape.at(-1)!];
    const isUpright = attrs.layout === "out_in";
    const phase = k.phase();
    this.#matrix = phase.local("i32");
    this.#phase = phase;
    this.#choices = choices;
    this.#rows = new ChosenRows(k, phase, choices, [
      { address: k.address(out), rowBytes: bytes(columns) },
      { address: k.address(x), rowBytes: bytes(rowStep(x)) },
    ]);
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
    this.#end = new Epilogue(k, phase, plain, [], {
      address: this.#rows.places[0]!.at,
      rowBytes: this.#rows.places[0]!.step,
      width,
      own,
      columns,
      hasLast: false,
    });
  }

  write(): void {
    const [phase, right, tile] = [this.#phase, this.#right, this.#tile];
    const walk = { tileRows: tile.rows, fewRows: right.fewRows };
    phase.push(
      this.#choices.eachUnit(phase, this.#columns, tile.width, (unit, expert) => [
        this.#matrix.set(this.#matrixOf(expert)),
        ...right.makeReady(unit),
        ...eachTile(phase, unit, (at) => this.#multiply(at, unit), walk),
      ]),
    );
  }

  #multiply(at: TileAt, unit: Unit): Statement[] {
    const { statements, within } = this.#rows.enter(at);
    const [, x] = this.#rows.places;
    return [
      ...statements,
      ...this.#right.multiply(this.#tile, within, { x: x!.at, rowBytes: x!.step }),
      ...this.#end.finish(this.#tile, within, unit),
    ];
  }
}
