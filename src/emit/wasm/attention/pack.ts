import type { I32, Statement, V128 } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { Phase } from "../kernel.ts";
import { roundedDown, roundedUp } from "./geometry.ts";
import { TILE_COLUMNS } from "./tile.ts";

/** Rows that are copied from where they stand. */
interface Source {
  readonly count: I32;
  readonly rowAt: (row: I32) => I32;
  readonly width: I32;
  /** What each element is multiplied by. */
  readonly factor?: V128;
}

/** Bytes that a group of `side` rows takes which lie side by side, their width made a multiple of 4. */
export const sideBytes = (width: I32, side: number): I32 => i32.mul(roundedUp(width, 4), i32.const(4 * side));

const times = (x: V128, factor: V128 | undefined): V128 => (factor === undefined ? x : f32x4.mul(x, factor));

/**
 * Rows side by side in groups of 4 or 8: element d of row r stands at `at`, groups before it, (d · side + r mod side)
 * words. Elements beyond the width are 0, rows beyond the last are as the last.
 */
export function packSideways(phase: Phase, side: 4 | 8, at: I32, source: Source): Statement {
  const { count, rowAt, width, factor } = source;
  const rows = phase.locals("i32", 4);
  const to = phase.local("i32");
  const vectors = phase.locals("v128", 4);
  const group = (row: I32): I32 =>
    side === 4
      ? i32.mul(row, i32.mul(roundedUp(width, 4), i32.const(4)))
      : i32.add(
          i32.mul(i32.shr_u(row, i32.const(3)), sideBytes(width, 8)),
          i32.shl(i32.and(row, i32.const(4)), i32.const(2)),
        );
  const store = (n: number, value: V128): Statement => v128.store(to.get, value, 4 * side * n);
  return phase.range(i32.const(0), count, 4, (first) => [
    ...rows.map((row, n) =>
      row.set(rowAt(lesser(i32.add(first, i32.const(n)), i32.sub(count, i32.const(1))))),
    ),
    to.set(i32.add(at, group(first))),
    phase.range(i32.const(0), roundedDown(width, 4), 4, () => [
      ...vectors.map((vector, n) => vector.set(times(v128.load(rows[n]!.get), factor))),
      ...transposed(vectors).map((value, n) => store(n, value)),
      ...rows.map((row) => row.set(i32.add(row.get, i32.const(16)))),
      to.set(i32.add(to.get, i32.const(16 * side))),
    ]),
    when(i32.and(width, i32.const(3)), [
      phase.range(roundedDown(width, 4), roundedUp(width, 4), 1, (column) => [
        vectors[0]!.set(v128.zero),
        when(i32.lt_s(column, width), [
          ...rows.map((row, lane) => vectors[0]!.set(v128.load32_lane(row.get, vectors[0]!.get, lane))),
          ...rows.map((row) => row.set(i32.add(row.get, i32.const(4)))),
        ]),
        store(0, times(vectors[0]!.get, factor)),
        to.set(i32.add(to.get, i32.const(4 * side))),
      ]),
    ]),
  ]);
}

/** The columns of four rows of four. */
export function transposed(rows: readonly Local<"v128">[]): V128[] {
  const [a, b, c, d] = rows.map((row) => row.get) as [V128, V128, V128, V128];
  const low = [v128.shuffle(a, b, [0, 4, 1, 5]), v128.shuffle(c, d, [0, 4, 1, 5])] as const;
  const high = [v128.shuffle(a, b, [2, 6, 3, 7]), v128.shuffle(c, d, [2, 6, 3, 7])] as const;
  return [low, high].flatMap(([x, y]) => [
    v128.shuffle(x, y, [0, 1, 4, 5]),
    v128.shuffle(x, y, [2, 3, 6, 7]),
  ]);
}

/**
 * Rows in panels of eight columns, `step` bytes a panel: 32 bytes a row, zeros beyond the width and for the rows from the
 * last to `end`. With `finite`, what is no finite number becomes 0, and lanes of `finite` are 0 where that was so.
 */
export function packPanels(
  phase: Phase,
  { at, step, end, finite }: PanelPlace,
  { count, rowAt, width, factor }: Source,
): Statement[] {
  const [from, to] = phase.locals("i32", 2);
  const [vector, mask] = phase.locals("v128", 2);
  const cleaned = (source: V128): Statement[] =>
    finite === undefined
      ? [vector!.set(times(source, factor))]
      : [
          vector!.set(times(source, factor)),
          mask!.set(f32x4.eq(f32x4.sub(vector!.get, vector!.get), v128.zero)),
          vector!.set(v128.and(vector!.get, mask!.get)),
          finite.set(v128.and(finite.get, mask!.get)),
        ];
  const panels = i32.shr_u(width, i32.const(3));
  const next = to!.set(i32.add(to!.get, step));
  const zeros = [0, 16].map((half) => v128.store(to!.get, v128.zero, half));
  const begin = (row: I32): Statement => to!.set(i32.add(at, i32.shl(row, i32.const(5))));
  return [
    phase.range(i32.const(0), count, 1, (row) => [
      from!.set(rowAt(row)),
      begin(row),
      phase.range(i32.const(0), panels, 1, () => [
        ...[0, 16].flatMap((half) => [
          ...cleaned(v128.load(from!.get, half)),
          v128.store(to!.get, vector!.get, half),
        ]),
        from!.set(i32.add(from!.get, i32.const(4 * TILE_COLUMNS))),
        next,
      ]),
      when(i32.and(width, i32.const(7)), [
        ...zeros,
        phase.range(i32.const(0), i32.and(width, i32.const(7)), 1, (column) => {
          const offset = i32.shl(column, i32.const(2));
          return [
            ...cleaned(v128.load32_zero(i32.add(from!.get, offset))),
            v128.store32_lane(i32.add(to!.get, offset), vector!.get, 0),
          ];
        }),
      ]),
    ]),
    phase.range(count, end, 1, (row) => [
      begin(row),
      phase.range(i32.const(0), i32.shr_u(roundedUp(width, 8), i32.const(3)), 1, () => [...zeros, next]),
    ]),
  ];
}

interface PanelPlace {
  readonly at: I32;
  readonly step: I32;
  readonly end: I32;
  readonly finite?: Local<"v128">;
}
