import type { Drawing } from "./drawing.ts";
import type { Mark, Point } from "./scene.ts";

/** How far two lanes beside each other are apart. */
const ROOM = 9;
/** How far below what it reads a lane leaves, and how far above its reader it comes in: both fit between two boxes. */
const [LEAVES, COMES_IN] = [5, 7] as const;
/** What stands right above its reader is joined to it without a detour. */
const DIRECT = 60;

/** A line of the picture, and how far what belongs to it reaches to its left. */
interface Stream {
  readonly x: number;
  readonly left: number;
}

/** What is read from afar, as dashed lanes at the left of the line where it is read; none covers another. */
export function lanesOf(drawing: Drawing, streams: readonly Stream[]): readonly Mark[] {
  const taken: { readonly x: number; readonly low: number; readonly high: number }[] = [];
  const seen = new Set<string>();
  return drawing.wants.flatMap(({ value, key, end, from, start: entry }): readonly Mark[] => {
    const anchor = entry ?? drawing.startOf(value);
    const id = `${entry === undefined ? (drawing.makerOf(value) ?? "") : "entry"}>${key}`;
    if (anchor === undefined || seen.has(id)) return [];
    seen.add(id);
    if (anchor.x === end.x && from === "above" && end.y > anchor.y && end.y - anchor.y < DIRECT)
      return [{ kind: "path", role: "wire", points: [anchor, end] }];
    const stream = streams.findLast(({ x }) => x <= end.x) ?? streams[0]!;
    const into = from === "above" ? end.y - COMES_IN : end.y;
    const out = anchor.y + LEAVES;
    const [low, high] = [Math.min(into, out), Math.max(into, out)];
    let x = stream.x - stream.left - 10;
    while (taken.some((lane) => lane.x === x && lane.low < high + 6 && low < lane.high + 6)) x -= ROOM;
    taken.push({ x, low, high });
    const start: readonly Point[] = [
      { x: anchor.x, y: out },
      { x, y: out },
      { x, y: into },
    ];
    const points = from === "above" ? [...start, { x: end.x, y: into }, end] : [...start, end];
    return [{ kind: "path", role: "lane", points, arrow: true }];
  });
}
