import type { Value } from "../ir/graph.ts";
import { addDims, dim, floorDivideDim, multiplyDims, subtractDims, type Dim } from "../tensor/dim.ts";
import type { Builder } from "./builder.ts";

/**
 * So many rows of a value before the new ones, and these, from a ring: position p stands in row p mod (before + 1). Where one
 * row is new, it takes the place of the oldest, and nothing is moved; else the rows come in their order, and the last of
 * them become the ring.
 */
export function ringOf(build: Builder, of: Value, axis: number, rows: Value, before: number): Value {
  const size = before + 1;
  const { past, added, length, isStep } = build.sizes;
  const type = { ...rows.type, shape: rows.type.shape.with(axis, dim(size)) };
  const cut = (x: Value, start: Dim, count: Dim): Value =>
    build.emit("slice", { x }, { axis, start, size: count });
  let all: Value | undefined;
  build.keep(of, { kind: "ring", axis, rows: size }, type, 0, (ring) => {
    const oldest = remainder(past, size);
    if (isStep) return (all = build.emit("write", { x: ring, part: rows }, { axis, start: oldest }));
    const older = addDims(oldest, dim(1));
    const parts = [cut(ring, older, subtractDims(dim(size), older)), cut(ring, dim(0), oldest), rows];
    all = build.emit("concat", { values: parts }, { axis });
    // The first of the last rows stands where the next new one will.
    const [first, place] = [subtractDims(added, dim(1)), remainder(length, size)];
    const rest = subtractDims(dim(size), place);
    const turned = [cut(all, addDims(first, rest), place), cut(all, first, rest)];
    return build.emit("concat", { values: turned }, { axis });
  });
  return all!;
}

/** bool[before + 1]: whether a row of a ring has been written, when a run of one position has. */
export function areWritten(build: Builder, before: number): Value {
  const rows = build.emit("iota", {}, { size: dim(before + 1) });
  return build.emit("le", { x: rows, y: build.past() }, {});
}

/** i32[before + 1]: the position of each row of a ring when a run of one position has written its own. */
export function ringNumbers(build: Builder, before: number): Value {
  const size = before + 1;
  const { past } = build.sizes;
  const newest = remainder(past, size);
  const turns = subtractDims(past, newest);
  // Rows behind the newest are of the turn before.
  const at = build.emit("iota", {}, { size: dim(size), start: turns });
  const isOlder = build.emit("gt", { x: at, y: build.past() }, {});
  const earlier = build.emit("sub", { x: at, y: build.number(size, "i32") }, {});
  return build.emit("where", { condition: isOlder, x: earlier, y: at }, {});
}

/** i32[N + before]: the positions of so many rows before the new ones, and of these. */
export function windowPositions(build: Builder, before: number): Value {
  const { past, added } = build.sizes;
  const at = build.emit("iota", {}, { size: addDims(added, dim(before)), start: past });
  return build.emit("sub", { x: at, y: build.number(before, "i32") }, {});
}

const remainder = (size: Dim, by: number): Dim =>
  subtractDims(size, multiplyDims(dim(by), floorDivideDim(size, by)));
