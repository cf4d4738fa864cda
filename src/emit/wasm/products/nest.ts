import type { I32, Statement } from "../assembler/code.ts";
import { lesser, select, when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Phase } from "../kernel.ts";
import { TILE_ROWS, type Tile, type TileAt, type Tiles } from "./tile.ts";

/**
 * Rows that go through a panel before the next panel has its turn: so many rows of x of 1000 elements stay in a second cache of
 * half a megabyte, and a panel is read from afar once for 64 tiles. A multiple of the rows of a tile.
 */
export const BLOCK_ROWS = 128;

/** Columns of a product, as many as a tile has, and the rows that go through it: what one thread does in a piece. */
export interface Unit {
  /** Which of the products of the batch. */
  readonly item: I32;
  /** Which of the tiles' columns. */
  readonly panel: I32;
  /** The first of them. */
  readonly column: I32;
  /** Columns from there on. */
  readonly left: I32;
  readonly rows: { readonly from: I32; readonly to: I32 };
  /** How many units the thread has from this one on, where panels are touched ahead. */
  readonly following?: I32;
}

export interface NestSizes {
  readonly batch: I32;
  readonly rows: I32;
  readonly columns: I32;
  /** Columns of a tile. */
  readonly width: number;
}

/** The thread's share of all panels of all blocks of rows of all products. */
export function eachUnit(
  phase: Phase,
  { batch, rows, columns, width }: NestSizes,
  body: (unit: Unit) => readonly Statement[],
): Statement {
  const panels = phase.still(i32.div_u(i32.add(columns, i32.const(width - 1)), i32.const(width)));
  const blocks = phase.still(i32.div_u(i32.add(rows, i32.const(BLOCK_ROWS - 1)), i32.const(BLOCK_ROWS)));
  const { from, to } = phase.share(i32.mul(i32.mul(panels, blocks), batch));
  const [panel, column, left, first, last, item, rest] = Array.from({ length: 7 }, () => phase.local("i32"));
  const isOneBlock = blocks.known === 1;
  return phase.range(from, to, 1, (unit) => [
    panel!.set(i32.rem_u(unit, panels)),
    rest!.set(i32.div_u(unit, panels)),
    column!.set(i32.mul(panel!.get, i32.const(width))),
    left!.set(i32.sub(columns, column!.get)),
    item!.set(i32.div_u(rest!.get, blocks)),
    first!.set(i32.mul(i32.rem_u(rest!.get, blocks), i32.const(BLOCK_ROWS))),
    last!.set(lesser(i32.add(first!.get, i32.const(BLOCK_ROWS)), rows)),
    ...body({
      item: batch.known === 1 ? i32.const(0) : item!.get,
      panel: panel!.get,
      column: column!.get,
      left: left!.get,
      rows: isOneBlock ? { from: i32.const(0), to: rows } : { from: first!.get, to: last!.get },
      following: i32.sub(to, unit),
    }),
  ]);
}

/** The rows of a unit in tiles: those of its columns that are left over in tiles of their own, if there are. */
export function eachTileOf(
  phase: Phase,
  unit: Unit,
  [tile, last]: Tiles,
  body: (tile: Tile, at: TileAt) => readonly Statement[],
  fewRows = 0,
): Statement[] {
  const walk = (each: Tile): Statement[] =>
    eachTile(phase, unit, (at) => body(each, at), { tileRows: each.rows, fewRows });
  return last === undefined
    ? walk(tile)
    : [when(i32.ge_s(unit.left, i32.const(tile.width)), walk(tile), walk(last))];
}

/** Rows of a tile, and how many rows are so few that each is alone. */
interface Walk {
  readonly tileRows: number;
  readonly fewRows: number;
}

/** The rows of a unit so many at a time, those that are left over alone. */
export function eachRows(
  phase: Phase,
  { rows: { from, to }, column, left }: Pick<Unit, "rows" | "column" | "left">,
  inStep: number,
  body: (tile: TileAt) => readonly Statement[],
): Statement[] {
  const some = (first: I32, last: I32, rows: number): Statement =>
    phase.range(first, last, rows, (row) => body({ row, rows, column, left }));
  if (inStep === 1) return [some(from, to, 1)];
  const whole = phase.local("i32");
  const count = i32.sub(to, from);
  return [
    whole.set(i32.add(from, i32.sub(count, i32.rem_u(count, i32.const(inStep))))),
    some(from, whole.get, inStep),
    some(whole.get, to, 1),
  ];
}

/** The rows of a unit a tile at a time, those that are left over alone. */
export function eachTile(
  phase: Phase,
  { rows: { from, to }, column, left }: Pick<Unit, "rows" | "column" | "left">,
  body: (tile: TileAt) => readonly Statement[],
  { tileRows, fewRows }: Walk = { tileRows: TILE_ROWS, fewRows: 0 },
): Statement[] {
  const count = i32.sub(to, from);
  if (tileRows !== TILE_ROWS || fewRows > 0) {
    const [whole, together] = [phase.local("i32"), i32.sub(count, i32.rem_u(count, i32.const(tileRows)))];
    const isFew = i32.lt_s(count, i32.const(fewRows));
    return [
      whole.set(i32.add(from, fewRows === 0 ? together : select(isFew, i32.const(0), together))),
      phase.range(from, whole.get, tileRows, (row) => body({ row, rows: tileRows, column, left })),
      phase.range(whole.get, to, 1, (row) => body({ row, rows: 1, column, left })),
    ];
  }
  const lone = i32.sub(to, i32.const(1));
  const pairs = phase.range(from, lone, TILE_ROWS, (row) => body({ row, rows: TILE_ROWS, column, left }));
  const last = when(i32.and(count, i32.const(1)), body({ row: lone, rows: 1, column, left }));
  return lone.known === 0 && from.known === 0 ? [last] : [pairs, last];
}
