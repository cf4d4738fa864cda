import { LEAST_FLOAT } from "../../../ops/evaluate/attend.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import { storeRow } from "./finish.ts";
import { PITCH, roundedDown, roundedUp } from "./geometry.ts";
import type { BlockKeys, GradientThread } from "./gradient-thread.ts";
import { sideBytes } from "./pack.ts";
import { across, powersOfRow } from "./scores.ts";
import { clearKeys, meanOfRow, slopesOfRow, uncapRow, type SlopeRow } from "./slopes.ts";
import { TILE_BYTES, TILE_COLUMNS, TILE_ROWS, tileOffset } from "./tile.ts";

/** The weights of four rows, the gradients of their scores, and from these that of the queries. */
export function slopesOfTile(thread: GradientThread, first: I32): Statement[] {
  const phase = thread.phase;
  const local = (): Local<"i32"> => phase.local("i32");
  const [last, from, to] = [local(), local(), local()];
  const past = i32.add(last.get, i32.const(1));
  const rows = (body: (row: I32) => readonly Statement[]): Statement => phase.range(first, past, 1, body);
  const clear = (from: I32, to: I32): Statement =>
    phase.range(from, to, 1, (row) => [
      thread.blocks(thread.low.get, thread.high.get, (keys) =>
        (["weights", "slopes"] as const).map((name) =>
          clearKeys(phase, thread.rowIn(name, row, keys.block), keys.from, keys.to),
        ),
      ),
    ]);
  const end = i32.sub(thread.end.get, i32.const(1));
  return [
    last.set(lesser(i32.add(first, i32.const(TILE_ROWS - 1)), end)),
    from.set(roundedDown(thread.rows.low(first, last.get), 8)),
    to.set(roundedUp(thread.rows.high(first, last.get), 8)),
    ...(thread.isRagged ? [clear(first, past)] : []),
    v128.store(thread.own.largest, thread.k.constants.splat(LEAST_FLOAT)),
    thread.blocks(from.get, to.get, (keys) => [
      products(thread, "weights", ["queriesSideways", "keysSideways", "q"], first, keys),
      rows((row) => scoresOf(thread, row, first, keys)),
      products(thread, "slopes", ["gradsSideways", "valuesSideways", "grad"], first, keys),
    ]),
    // Rows that the tile has beyond the last: their products are NaN where a key is infinite.
    clear(past, i32.add(first, i32.const(TILE_ROWS))),
    rows((row) => slopesOf(thread, row, first, from.get, to.get)),
    ...(thread.observed
      ? [
          ...thread.observed.finish(),
          rows((row) => thread.observed!.store(i32.sub(row, first), thread.heads.whose(row))),
        ]
      : []),
    ...toQueries(thread, first, from.get, to.get),
    rows((row) =>
      storeRow(phase, {
        from: (column) =>
          i32.add(
            i32.add(thread.own.querySums, i32.shl(i32.sub(row, first), i32.const(5))),
            tileOffset(column),
          ),
        to: thread.heads.queryAt("dq", row),
        width: thread.heads.widthOf("q"),
        factor: thread.k.constants.splat(thread.attrs.scale),
      }),
    ),
  ];
}

/** Products of four rows with the keys of a block, eight at a time. */
function products(
  thread: GradientThread,
  name: "weights" | "slopes",
  [rows, columns, operand]: readonly [
    "queriesSideways" | "gradsSideways",
    "keysSideways" | "valuesSideways",
    "q" | "grad",
  ],
  first: I32,
  { block, from, to }: BlockKeys,
): Statement {
  const width = thread.heads.widthOf(operand);
  const bytes = sideBytes(width, 4);
  const index = i32.shr_u(i32.sub(first, thread.start.get), i32.const(2));
  return thread.phase.range(from, to, TILE_COLUMNS, (key) => [
    ...thread.tile.clear(),
    ...thread.tile.add({
      left: { at: i32.add(thread.own[rows], i32.mul(index, bytes)), row: 4, term: 16 },
      right: i32.add(thread.own[columns], i32.mul(i32.shr_u(key, i32.const(2)), bytes)),
      terms: roundedUp(width, 4),
    }),
    ...thread.tile.store(i32.add(thread.rowIn(name, first, block), i32.shl(key, i32.const(2))), PITCH),
  ]);
}

/** Products of a row become scores, and its largest is known. */
function scoresOf(thread: GradientThread, row: I32, first: I32, keys: BlockKeys): Statement[] {
  const largest = thread.phase.local("v128");
  const place = i32.add(thread.own.largest, i32.shl(i32.sub(row, first), i32.const(2)));
  const scores = { ...keys, at: thread.rowIn("weights", row, keys.block) };
  return [
    ...thread.scores.cap(scores, thread.rowIn("tangents", row, keys.block)),
    largest.set(v128.load32_splat(place)),
    ...thread.scores.finish(scores, row, thread.heads.whose(row), largest),
    ...across(f32x4.pmax, largest),
    v128.store32_lane(place, largest.get, 0),
  ];
}

/** Scores of a row become weights, and the gradients of weights those of scores. */
function slopesOf(thread: GradientThread, row: I32, first: I32, from: I32, to: I32): Statement[] {
  const [largest, sum, mean] = thread.phase.locals("v128", 3) as [
    Local<"v128">,
    Local<"v128">,
    Local<"v128">,
  ];
  const where = { k: thread.k, phase: thread.phase };
  const { observed } = thread;
  const each = (body: (row: SlopeRow, block: I32) => readonly Statement[]): Statement =>
    thread.blocks(from, to, (keys) =>
      body(
        {
          ...keys,
          at: thread.rowIn("weights", row, keys.block),
          slopes: thread.rowIn("slopes", row, keys.block),
        },
        keys.block,
      ),
    );
  const share = f32x4.div(thread.k.constants.splat(1), sum.get);
  return [
    largest.set(v128.load32_splat(i32.add(thread.own.largest, i32.shl(i32.sub(row, first), i32.const(2))))),
    sum.set(v128.zero),
    ...(observed ? [observed.begin()] : []),
    each((keys) => [powersOfRow(where, keys, largest.get, sum, observed?.below)]),
    ...across(f32x4.add, sum),
    ...(observed ? observed.leave(i32.sub(row, first), sum.get) : []),
    thread.nan.set(f32x4.add(thread.nan.get, f32x4.sub(sum.get, sum.get))),
    // A row that sees nothing has the sum 0, and no weights.
    sum.set(v128.and(share, f32x4.ne(sum.get, v128.zero))),
    mean.set(v128.zero),
    each((keys) => [meanOfRow(where, keys, sum.get, mean)]),
    ...across(f32x4.add, mean),
    each((keys, block) => [
      slopesOfRow(where, keys, mean.get),
      ...(thread.bias
        ? thread.bias.add(keys.slopes, thread.heads.whose(row), keys.from, lesser(keys.to, thread.rows.keys))
        : []),
      ...(thread.attrs.softcap > 0 ? [uncapRow(where, keys, thread.rowIn("tangents", row, block))] : []),
    ]),
    // Of keys, too, that the row doesn't see.
    ...(thread.bias
      ? [
          when(v128.any_true(f32x4.ne(sum.get, sum.get)), [
            ...thread.bias.spoil(thread.heads.whose(row), thread.rows.keys),
          ]),
        ]
      : []),
  ];
}

/** Four rows of the gradient of queries: slopes times keys. */
function toQueries(thread: GradientThread, first: I32, from: I32, to: I32): Statement[] {
  const panels = i32.shr_u(roundedUp(thread.heads.widthOf("q"), 8), i32.const(3));
  return [
    thread.phase.range(i32.const(0), panels, 1, (panel) => [
      ...thread.tile.clear(),
      thread.blocks(from, to, (keys) => {
        const slopes = i32.add(thread.rowIn("slopes", first, keys.block), i32.shl(keys.from, i32.const(2)));
        const place = i32.add(i32.mul(panel, thread.panelStep), i32.shl(keys.from, i32.const(5)));
        return thread.tile.add({
          left: { at: slopes, row: PITCH, term: 4 },
          right: i32.add(thread.own.keyPanels, place),
          terms: i32.sub(keys.to, keys.from),
        });
      }),
      ...thread.tile.store(i32.add(thread.own.querySums, i32.mul(panel, i32.const(TILE_BYTES)))),
    ]),
  ];
}
