import type { I32, Statement } from "../assembler/code.ts";
import { lesser } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { Phase } from "../kernel.ts";
import type { Epilogue } from "../products/epilogue.ts";
import { eachTileOf, eachUnit, type NestSizes, type Unit } from "../products/nest.ts";
import type { PanelReader } from "../products/panels.ts";
import type { Spread } from "../products/spread.ts";
import type { Tiles } from "../products/tile.ts";

/** Tiles whose columns a lone row goes through together, where columns lie side by side: nearly a page of each row of the matrix. */
export const SPREAD_TILES = 42;

/** Where rows lie, in bytes. */
interface Rows {
  readonly address: I32;
  readonly rowBytes: I32;
}

interface Linear {
  readonly tiles: Tiles;
  readonly sizes: NestSizes;
  readonly end: Epilogue;
}

/** All rows, a tile at a time, by panels that are read or made of the matrix. */
export const eachRow = (
  phase: Phase,
  { tiles, sizes, right, end, x }: Linear & { readonly right: PanelReader; readonly x: Rows },
): Statement =>
  eachUnit(phase, sizes, (unit) => [
    ...right.makeReady(unit),
    ...eachTileOf(
      phase,
      unit,
      tiles,
      (each, at) => [
        ...right.multiply(each, at, {
          x: i32.add(x.address, i32.mul(at.row, x.rowBytes)),
          rowBytes: x.rowBytes,
        }),
        ...end.finish(each, at, unit),
      ],
      right.fewRows,
    ),
    ...end.finishUnit(unit),
  ]);

interface LoneRow extends Linear {
  /** Where the row lies. */
  readonly x: I32;
  /** The matrix [K, N], columns side by side. */
  readonly weight: Rows;
  readonly depth: I32;
  /** Room for the sums of SPREAD_TILES tiles. */
  readonly sums: I32;
}

/** A row alone: the sums of many tiles' columns are made in memory as the matrix lies, and finished a tile at a time. */
export function loneRow(
  phase: Phase,
  spread: Spread,
  { tiles, sizes, end, x, weight, depth, sums }: LoneRow,
): Statement {
  const { columns, width } = sizes;
  const [start, column, left, count] = Array.from({ length: 4 }, () => phase.local("i32"));
  const inBytes = (elements: I32): I32 => i32.shl(elements, i32.const(2));
  const panels = phase.still(i32.div_u(i32.add(columns, i32.const(width - 1)), i32.const(width)));
  const { from, to } = phase.share(panels);
  const last = phase.still(lesser(i32.mul(to, i32.const(width)), columns));
  const unit: Unit = {
    item: i32.const(0),
    panel: i32.const(0),
    column: column!.get,
    left: left!.get,
    rows: { from: i32.const(0), to: i32.const(1) },
  };
  return phase.range(from, to, SPREAD_TILES, (panel) => [
    start!.set(i32.mul(panel, i32.const(width))),
    count!.set(lesser(i32.sub(last, start!.get), i32.const(SPREAD_TILES * width))),
    ...spread.multiply({
      x,
      from: i32.add(weight.address, inBytes(start!.get)),
      rowBytes: weight.rowBytes,
      depth,
      columns: count!.get,
      sums,
    }),
    phase.range(i32.const(0), count!.get, width, (first) => [
      column!.set(i32.add(start!.get, first)),
      left!.set(i32.sub(columns, column!.get)),
      ...eachTileOf(phase, unit, tiles, (each, at) => [
        ...each.sums[0]!.map((sum, vector) => sum.set(v128.load(i32.add(sums, inBytes(first)), 16 * vector))),
        ...end.finish(each, at, unit),
      ]),
      ...end.finishUnit(unit),
    ]),
  ]);
}
