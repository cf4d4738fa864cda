import { largest, smallest } from "../support/lists.ts";
import { letters, type Mark, type Point, type Rectangle, type Scene } from "./scene.ts";
import { widthOf } from "./widths.ts";

/** Room around all. */
const MARGIN = 16;

/** A scene as large as its marks, with room around them. */
export function framed(title: string, marks: readonly Mark[]): Scene {
  const boxes = marks.map(boundsOf);
  const left = smallest(boxes.map(({ x }) => x)) - MARGIN;
  const top = smallest(boxes.map(({ y }) => y)) - MARGIN;
  const move = { x: -Math.floor(left), y: -Math.floor(top) };
  return {
    title,
    width: Math.ceil(largest(boxes.map(({ x, w }) => x + w)) + MARGIN) + move.x,
    height: Math.ceil(largest(boxes.map(({ y, h }) => y + h)) + MARGIN) + move.y,
    marks: marks.map((mark) => shifted(mark, move)),
  };
}

function shifted(mark: Mark, by: Point): Mark {
  if (mark.kind === "path")
    return { ...mark, points: mark.points.map(({ x, y }) => ({ x: x + by.x, y: y + by.y })) };
  if (mark.kind === "frame") return { ...mark, x: mark.x + by.x, y: mark.y + by.y, tab: mark.tab + by.x };
  return { ...mark, x: mark.x + by.x, y: mark.y + by.y };
}

/** The room that a mark takes. */
export function boundsOf(mark: Mark): Rectangle {
  if (mark.kind === "path") {
    const [xs, ys] = [mark.points.map(({ x }) => x), mark.points.map(({ y }) => y)];
    const [x, y] = [smallest(xs), smallest(ys)];
    return { x, y, w: largest(xs) - x, h: largest(ys) - y };
  }
  if (mark.kind === "label") {
    const size = letters[mark.role];
    // Letters of one width are 0.6 of their size wide.
    const w =
      mark.role === "type"
        ? Array.from(mark.text).length * size * 0.61
        : widthOf(mark.text, size, mark.role === "name");
    const before = { start: 0, middle: w / 2, end: w }[mark.anchor];
    return { x: mark.x - before, y: mark.y - size * 0.95, w, h: size * 1.2 };
  }
  if (mark.kind === "dot") return { x: mark.x - 3, y: mark.y - 3, w: 6, h: 6 };
  if (mark.kind === "join") return { x: mark.x - mark.r, y: mark.y - mark.r, w: 2 * mark.r, h: 2 * mark.r };
  return mark;
}
