import { constantDim, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import { block, branchIf, loop } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { HalfReader } from "../halves/convert.ts";
import { multiplyAdd, type Machine } from "../machine.ts";
import type { Ahead } from "./ahead.ts";

/** Columns of a panel, [K][24]. */
export const PANEL = 24;
export const PANEL_BYTES = 4 * PANEL;
/** Rows of a tile of whole panels: one row is left over at most. */
export const TILE_ROWS = 2;

/**
 * Vectors of four columns in a tile: its sums, an element of each of its rows and one vector of the panel fill the 15 registers that
 * V8 gives a function, and so many sums are in the making that none waits for the one before it: 2 × 24 runs at the ceiling where 2 × 16
 * has 77 to 85 % of it (Xeon of 2023, Node 24). Without multiply-add each product needs a register too: half a panel at a time.
 */
export const vectorsOf = ({ fma }: Machine): number => (fma ? PANEL / 4 : PANEL / 8);

/** Places of a panel that a lone row reads in step: memory is read sooner in four streams than in one. */
const LONE_PARTS = 4;

/** Rows of x, each with its elements one after the other, and columns side by side; addresses and strides in bytes. */
export interface TileOperands {
  /** The first row. */
  readonly x: I32;
  /** From one row to the next. */
  readonly rowBytes: I32;
  /** The first row of columns. */
  readonly panel: I32;
  /** From one row of columns to the next; known. */
  readonly panelStep: I32;
  readonly depth: I32;
  /** What reads the columns of a lone row, if they are halves. */
  readonly halves?: HalfReader | undefined;
  /** What touches the columns that come next, where they come from memory. */
  readonly ahead?: Ahead | undefined;
}

/** Where a tile stands in the result. */
export interface TileAt {
  readonly row: I32;
  readonly rows: number;
  /** Its first column. */
  readonly column: I32;
  /** Columns from there on; fewer than those of a tile at the end. */
  readonly left: I32;
}

/** Rows and vectors of columns whose sums a tile has in registers. */
export interface TileShape {
  readonly rows: number;
  readonly vectors: number;
}

/** Rows of a tile at most. */
export const MOST_ROWS = 4;

/** Of the last columns of a product as many rows as keep so many sums in the making that few wait, by columns. */
const lastShapes: ReadonlyMap<number, TileShape> = new Map([
  [8, { rows: MOST_ROWS, vectors: 2 }],
  [16, { rows: 2, vectors: 4 }],
]);

/** The whole tile, and that of the columns that it leaves over: undefined if whole ones do, some of their columns for nothing. */
export type Tiles = readonly [tile: Tile, last: Tile | undefined];

export function tilesFor(writer: FunctionWriter, machine: Machine, columns: Dim): Tiles {
  const shape = lastShapes.get((constantDim(columns) ?? 0) % (4 * vectorsOf(machine)));
  return [new Tile(writer, machine), shape && new Tile(writer, machine, shape)];
}

/** A tile of a product, some rows, or one, of some vectors of columns, its sums in registers. */
export class Tile {
  /** How many columns it has. */
  readonly width: number;
  /** How many rows at most. */
  readonly rows: number;
  /** By row. */
  readonly sums: readonly (readonly Local<"v128">[])[];
  readonly #machine: Machine;
  readonly #elements: readonly Local<"v128">[];
  readonly #columns: Local<"v128">;
  readonly #x: readonly Local<"i32">[];
  readonly #panel: Local<"i32">;
  readonly #end: Local<"i32">;

  constructor(
    writer: FunctionWriter,
    machine: Machine,
    { rows, vectors }: TileShape = { rows: TILE_ROWS, vectors: vectorsOf(machine) },
  ) {
    this.width = 4 * vectors;
    this.rows = rows;
    this.sums = Array.from({ length: rows }, () => writer.locals("v128", vectors));
    this.#machine = machine;
    this.#elements = writer.locals("v128", rows);
    this.#columns = writer.local("v128");
    this.#x = writer.locals("i32", rows);
    this.#panel = writer.local("i32");
    this.#end = writer.local("i32");
  }

  /** sums[i] = Σ x[i, k] · panel[k], k upward; for a lone row from several places on in step. */
  multiply(rows: number, operands: TileOperands): Statement[] {
    const { x, rowBytes, panel, depth } = operands;
    const moving = this.#x.slice(0, rowBytes.known === undefined ? rows : 1);
    const parts = rows === 1 && depth.known !== undefined && depth.known >= LONE_PARTS ? LONE_PARTS : 1;
    const length = parts === 1 ? depth : i32.div_u(depth, i32.const(parts));
    const places = Array.from({ length: parts }, (_, part) => part * (length.known ?? 0));
    const rest = parts === 1 ? 0 : depth.known! % parts;
    return [
      ...this.sums
        .slice(0, rows)
        .flat()
        .map((sum) => sum.set(v128.zero)),
      ...moving.map((row, i) => row.set(i32.add(x, i32.mul(rowBytes, i32.const(i))))),
      this.#panel.set(panel),
      this.#end.set(i32.add(moving[0]!.get, i32.shl(length, i32.const(2)))),
      this.#loop(rows, moving, operands, places),
      // What no part has lies behind the last one, which has been walked.
      ...Array.from({ length: rest }, (_, k) => this.#step(rows, operands, places.at(-1)! + k)).flat(),
    ];
  }

  #loop(
    rows: number,
    moving: readonly Local<"i32">[],
    operands: TileOperands,
    places: readonly number[],
  ): Statement {
    const [first, ...others] = moving as readonly [Local<"i32">, ...Local<"i32">[]];
    const steps = [
      ...places.flatMap((k) => this.#step(rows, operands, k)),
      this.#panel.set(i32.add(this.#panel.get, operands.panelStep)),
      ...others.map((row) => row.set(i32.add(row.get, i32.const(4)))),
    ];
    if (operands.ahead !== undefined && rows > 1) return operands.ahead.walk(first, this.#end.get, steps);
    return block((exit) => [
      branchIf(exit, i32.ge_u(first.get, this.#end.get)),
      loop((again) => [
        ...steps,
        branchIf(again, i32.lt_u(first.tee(i32.add(first.get, i32.const(4))), this.#end.get)),
      ]),
    ]);
  }

  /** The k that is so many after the one at hand. */
  #step(rows: number, { rowBytes, panelStep, halves }: TileOperands, k: number): Statement[] {
    const elements = this.#elements.slice(0, rows);
    const panelAt = k === 0 ? 0 : k * panelStep.known!;
    const add = (vector: number, columns: V128): Statement[] =>
      elements.map((element, i) => {
        const sum = this.sums[i]![vector]!;
        return sum.set(multiplyAdd(this.#machine, element.get, columns, sum.get));
      });
    return [
      ...elements.map((element, i) =>
        element.set(
          rowBytes.known === undefined
            ? v128.load32_splat(this.#x[i]!.get, 4 * k)
            : v128.load32_splat(this.#x[0]!.get, i * rowBytes.known + 4 * k),
        ),
      ),
      ...(halves === undefined
        ? Array.from({ length: this.width / 4 }, (_, j) => [
            this.#columns.set(v128.load(this.#panel.get, panelAt + 16 * j)),
            ...add(j, this.#columns.get),
          ]).flat()
        : halves.read(this.width / 4, this.#panel.get, panelAt, add)),
    ];
  }
}
