import type { I32, Statement } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import { storeRow } from "./finish.ts";
import { ROWS, roundedUp } from "./geometry.ts";
import type { GradientThread } from "./gradient-thread.ts";
import { packPanels, packSideways } from "./pack.ts";
import { clearKeys } from "./slopes.ts";
import { TILE_ROWS } from "./tile.ts";

/** Keys and values of a head, packed, and zeros for their gradients. */
export function packKeys(thread: GradientThread): Statement[] {
  const phase = thread.phase;
  const source = (name: "k" | "v") => ({
    count: thread.rows.keys,
    rowAt: (key: I32) => thread.heads.keyAt(name, key),
    width: thread.heads.widthOf(name),
  });
  const finite = phase.local("v128");
  const clear = (at: I32, name: "k" | "v"): Statement => {
    const floats = i32.mul(thread.paddedKeys, roundedUp(thread.heads.widthOf(name), 8));
    return clearKeys(phase, at, i32.const(0), floats);
  };
  return [
    packSideways(phase, 8, thread.own.keysSideways, source("k")),
    packSideways(phase, 8, thread.own.valuesSideways, source("v")),
    // A key that is no finite number makes no finite scores: where it is seen it shows in them.
    ...packPanels(
      phase,
      { at: thread.own.keyPanels, step: thread.panelStep, end: thread.paddedKeys, finite },
      source("k"),
    ),
    thread.nan.set(v128.zero),
    clear(thread.own.keySums, "k"),
    clear(thread.own.valueSums, "v"),
  ];
}

/** The gradients of keys and values of a head, as added up. */
export function storeKeys(thread: GradientThread): Statement[] {
  const store = (name: "dk" | "dv", at: I32) => (key: I32) =>
    storeRow(thread.phase, {
      from: (column) => thread.inPanels(at, key, column),
      to: thread.heads.keyAt(name, key),
      width: thread.heads.widthOf(name),
      factor: f32x4.add(thread.k.constants.splat(1), thread.nan.get),
    });
  return [
    thread.phase.range(i32.const(0), thread.rows.keys, 1, store("dk", thread.own.keySums)),
    thread.phase.range(i32.const(0), thread.rows.keys, 1, store("dv", thread.own.valueSums)),
  ];
}

/** Queries and incoming gradients of the block of rows, packed; `finite` says whether all of the gradients are finite numbers. */
export function packRows(thread: GradientThread, finite: Local<"v128">): Statement[] {
  const { phase, own } = thread;
  const [start, end] = [thread.start.get, thread.end.get];
  const source = (name: "q" | "grad") => ({
    count: i32.sub(end, start),
    rowAt: (row: I32) => thread.heads.queryAt(name, i32.add(start, row)),
    width: thread.heads.widthOf(name),
  });
  const factor = (value: number) => ({ factor: thread.k.constants.splat(value) });
  const { scale } = thread.attrs;
  const panel = {
    step: i32.const(32 * ROWS),
    end: roundedUp(i32.sub(end, start), TILE_ROWS),
    finite,
  };
  return [
    packSideways(phase, 4, own.queriesSideways, { ...source("q"), ...factor(Math.LOG2E * scale) }),
    packSideways(phase, 4, own.gradsSideways, source("grad")),
    // A query that is no finite number makes no finite scores, as a key does.
    ...packPanels(phase, { at: own.queryPanels, ...panel }, { ...source("q"), ...factor(scale) }),
    finite.set(thread.k.constants.splatWord(-1)),
    ...packPanels(phase, { at: own.gradPanels, ...panel }, source("grad")),
  ];
}
