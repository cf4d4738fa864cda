import type { I32, Statement } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4 } from "../assembler/simd.ts";
import type { Place } from "./place.ts";
import type { Tile, TileAt } from "./tile.ts";

/** Ends a tile: the first one is written where the result lies, others are added to what is there. */
export function accumulate(tile: Tile, out: Place, at: TileAt, isFirst: I32): Statement[] {
  const each = (make: (row: number, vector: number) => Statement): Statement[] =>
    tile.sums.slice(0, at.rows).flatMap((sums, row) => sums.map((_, vector) => make(row, vector)));
  const add = each((row, vector) => {
    const sum = tile.sums[row]![vector]!;
    return sum.set(f32x4.add(out.load(row, i32.const(0), 16 * vector), sum.get));
  });
  return [
    when(isFirst, out.write(at), [...out.read(at), ...add]),
    ...each((row, vector) => out.store(row, i32.const(0), 16 * vector, tile.sums[row]![vector]!.get)),
    ...out.written(at),
  ];
}
