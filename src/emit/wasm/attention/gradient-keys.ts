import type { I32, Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { addRest } from "./finish.ts";
import { larger, PITCH, ROWS, roundedDown, roundedUp } from "./geometry.ts";
import type { GradientThread } from "./gradient-thread.ts";
import { TILE_ROWS } from "./tile.ts";

/** Adds to the gradients of values and keys what comes from the rows of the block, for four keys at a time. */
export function addToKeys(thread: GradientThread): Statement {
  const first = thread.phase.local("i32");
  const count = roundedUp(i32.sub(thread.end.get, thread.start.get), TILE_ROWS);
  const add = (
    name: "weights" | "slopes",
    [sums, panels, operand]: readonly ["valueSums" | "keySums", "gradPanels" | "queryPanels", "grad" | "q"],
    key: I32,
    block: I32,
  ): Statement => {
    const row = i32.add(thread.start.get, first.get);
    const width = roundedUp(thread.heads.widthOf(operand), 8);
    return thread.phase.range(i32.const(0), i32.shr_u(width, i32.const(3)), 1, (panel) => {
      const place = i32.add(
        thread.own[sums],
        i32.add(i32.mul(panel, thread.panelStep), i32.shl(key, i32.const(5))),
      );
      const rows = i32.add(i32.mul(panel, i32.const(ROWS)), first.get);
      return [
        ...thread.tile.load(place),
        ...thread.tile.add({
          left: {
            at: i32.add(thread.rowIn(name, row, block), i32.shl(key, i32.const(2))),
            row: 4,
            term: PITCH,
          },
          right: i32.add(thread.own[panels], i32.shl(rows, i32.const(5))),
          terms: i32.sub(count, first.get),
        }),
        ...thread.tile.store(place),
      ];
    });
  };
  return thread.blocks(thread.low.get, thread.high.get, ({ block, from, to }) => [
    thread.phase.range(from, to, TILE_ROWS, (key) => [
      first.set(firstRow(thread, key)),
      when(i32.lt_s(first.get, count), [
        add("weights", ["valueSums", "gradPanels", "grad"], key, block),
        add("slopes", ["keySums", "queryPanels", "q"], key, block),
      ]),
    ]),
  ]);
}

/** Which of the tiles of the block sees a key first, as a row of it. Those before have left nothing for it. */
function firstRow(thread: GradientThread, key: I32): I32 {
  if (thread.isRagged || !thread.attrs.causal) return i32.const(0);
  const row = i32.sub(key, thread.rows.positionOf(thread.start.get));
  return roundedDown(larger(row, i32.const(0)), TILE_ROWS);
}

/** What of the gradient is no finite number goes to the values that are seen. */
export function addRestOfGrads(thread: GradientThread): Statement {
  return thread.phase.range(thread.start.get, thread.end.get, 1, (row) => [
    thread.blocks(thread.low.get, thread.high.get, ({ block, from, to }) => [
      addRest(thread.phase, {
        from: larger(from, thread.rows.low(row, row)),
        to: lesser(to, thread.rows.high(row, row)),
        weightAt: (key) => i32.add(thread.rowIn("weights", row, block), i32.shl(key, i32.const(2))),
        width: thread.heads.widthOf("grad"),
        valueAt: (_, column) => i32.add(thread.heads.queryAt("grad", row), i32.shl(column, i32.const(2))),
        sumAt: (key, column) => thread.inPanels(thread.own.valueSums, key, column),
      }),
    ]),
  ]);
}
