import type { Graph } from "../../src/ir/graph.ts";
import { operandValues } from "../../src/ir/node.ts";
import { boundsOf } from "../../src/picture/bounds.ts";
import { everyPart, nodesOf, partsOf, resultsOf, type Joint, type Loop } from "../../src/picture/parts.ts";
import {
  letters,
  type Box,
  type Join,
  type Mark,
  type Pill,
  type Rectangle,
  type Scene,
} from "../../src/picture/scene.ts";
import { widthOf } from "../../src/picture/widths.ts";

/** What of a picture is not as pictures are to be, one text each. */
export function broken(graph: Graph, scene: Scene, opened: readonly string[] = []): readonly string[] {
  const parts = [...everyPart(partsOf(graph, new Set(opened)))];
  const joints = parts.filter((part): part is Joint => part.kind === "joint");
  const loops = parts.filter((part): part is Loop => part.kind === "loop");
  return [
    ...crooked(scene),
    ...overlapping(scene),
    ...lanesOnLanes(scene),
    ...readPastEntries(graph, scene, loops),
    ...outside(scene),
    ...tooWide(scene),
    ...withoutAdd(graph, scene, joints),
    ...misplacedNorms(scene, joints),
  ];
}

const isA =
  <K extends Mark["kind"]>(kind: K) =>
  (mark: Mark): mark is Extract<Mark, { kind: K }> =>
    mark.kind === kind;

function crooked({ marks }: Scene): readonly string[] {
  const lines = marks.filter(isA("path")).filter(({ role }) => role === "line");
  const bent = lines.filter(({ points }) => new Set(points.map(({ x }) => x)).size > 1);
  return [...(lines.length === 0 ? ["there is no line"] : []), ...bent.map(() => "a line is not straight")];
}

const nameOf = (mark: Mark): string => {
  const text = "name" in mark ? mark.name : "text" in mark ? mark.text : "label" in mark ? mark.label : "";
  const { x, y } = boundsOf(mark);
  return `${mark.kind} ${text} at ${x.toFixed(0)}, ${y.toFixed(0)}`;
};

const meet = (a: Rectangle, b: Rectangle): boolean =>
  a.x < b.x + b.w - 0.5 && b.x < a.x + a.w - 0.5 && a.y < b.y + b.h - 0.5 && b.y < a.y + a.h - 0.5;

const holds = (outer: Rectangle, inner: Rectangle): boolean =>
  outer.x <= inner.x &&
  outer.y <= inner.y &&
  inner.x + inner.w <= outer.x + outer.w &&
  inner.y + inner.h <= outer.y + outer.h;

function overlapping({ marks }: Scene): readonly string[] {
  const solid = marks.filter(({ kind }) => ["box", "pill", "gain", "join", "label"].includes(kind));
  const frames = marks.filter(isA("frame"));
  const pairs = solid.flatMap((mark, at) => solid.slice(at + 1).map((other) => [mark, other] as const));
  const covered = pairs.filter(([a, b]) => meet(boundsOf(a), boundsOf(b)));
  const cut = frames.flatMap((frame) =>
    [...solid.filter(({ kind }) => kind !== "label"), ...frames.filter((other) => other !== frame)].flatMap(
      (mark) => {
        const [a, b] = [boundsOf(frame), boundsOf(mark)];
        return meet(a, b) && !holds(a, b) && !holds(b, a) ? [[frame, mark] as const] : [];
      },
    ),
  );
  const crossed = marks
    .filter(isA("path"))
    .filter(({ role }) => role === "wire")
    .flatMap((path) =>
      solid
        .filter(isA("box"))
        .filter((box) =>
          path.points.some((point, at) => at > 0 && crosses(path.points[at - 1]!, point, box)),
        ),
    );
  return [
    ...covered.map(([a, b]) => `${nameOf(a)} covers ${nameOf(b)}`),
    ...cut.map(([a, b]) => `${nameOf(a)} cuts ${nameOf(b)}`),
    ...crossed.map((box) => `a wire runs over the side of ${nameOf(box)}`),
  ];
}

/** Two lanes that come down one beside the other must not look like one. */
function lanesOnLanes({ marks }: Scene): readonly string[] {
  const falls = marks
    .filter(isA("path"))
    .filter(({ role }) => role === "lane")
    .map(({ points: [, from, to] }) => ({
      x: from!.x,
      low: Math.min(from!.y, to!.y),
      high: Math.max(from!.y, to!.y),
    }));
  return falls.flatMap((a, at) =>
    falls
      .slice(at + 1)
      .filter((b) => Math.abs(a.x - b.x) < 4 && a.low < b.high && b.low < a.high)
      .map(() => `two lanes run on each other at ${a.x.toFixed(0)}`),
  );
}

/**
 * What an iteration hands to the next is read within the frame, for only the first finds it above: lanes come into a frame from
 * above from no more places than there are values from outside that iterations after the first read.
 */
function readPastEntries(graph: Graph, { marks }: Scene, loops: readonly Loop[]): readonly string[] {
  const lanes = marks.filter(isA("path")).filter(({ role }) => role === "lane");
  return marks.filter(isA("frame")).flatMap((frame) => {
    const mine = loops.filter(
      ({ label, rounds }) =>
        (label === "repeat" ? "" : label) === frame.label && rounds.length === frame.count,
    );
    const from = lanes
      .map(({ points }) => ({ start: points[0]!, end: points.at(-1)! }))
      .filter(({ start, end }) => start.y < frame.y && holds(frame, { ...end, w: 0, h: 0 }))
      .map(({ start }) => `${start.x}, ${start.y}`);
    const most = Math.max(...mine.map((loop) => comingIn(graph, loop)));
    return new Set(from).size > most
      ? [
          `${nameOf(frame)} is read into from ${from.join(" and ")}, and only ${most} values come in from above`,
        ]
      : [];
  });
}

/** How many values that some node outside of a repeat makes are read by iterations after the first; of one iteration, by that. */
function comingIn({ nodes }: Graph, loop: Loop): number {
  const own = new Set(resultsOf(loop));
  const made = new Set(nodes.flatMap(({ results }) => results).filter((value) => !own.has(value)));
  const rounds = loop.rounds.length > 1 ? loop.rounds.slice(1) : loop.rounds;
  const reads = rounds.flatMap((round) => round.parts.flatMap(nodesOf)).flatMap(operandValues);
  return new Set(reads.filter((value) => made.has(value))).size;
}

/** True for a piece that goes through a box; what ends at its middle above or below, or runs down its middle behind it, does not. */
function crosses(
  a: { readonly x: number; readonly y: number },
  b: { readonly x: number; readonly y: number },
  box: Box,
): boolean {
  const piece = {
    x: Math.min(a.x, b.x),
    y: Math.min(a.y, b.y),
    w: Math.abs(a.x - b.x),
    h: Math.abs(a.y - b.y),
  };
  const middle = a.x === b.x && Math.abs(a.x - (box.x + box.w / 2)) < 1;
  return !middle && meet({ ...piece, w: Math.max(piece.w, 1), h: Math.max(piece.h, 1) }, box);
}

function outside({ marks, width, height }: Scene): readonly string[] {
  const page = { x: 0, y: 0, w: width, h: height };
  return marks
    .filter((mark) => !holds(page, boundsOf(mark)))
    .map((mark) => `${nameOf(mark)} is outside of the picture`);
}

function tooWide({ marks }: Scene): readonly string[] {
  const boxes = marks.filter(isA("box")).filter(({ name, args, note, w }) => {
    const head = widthOf(name, letters.box, true) + widthOf(args, letters.box);
    return Math.max(head, widthOf(note, letters.note)) > w;
  });
  const pills = marks.filter(isA("pill")).filter(({ name, w }) => widthOf(name, letters.pill, true) > w);
  return [...boxes, ...pills].map((mark) => `the text of ${nameOf(mark)} is wider than it`);
}

/** Each edge has one add, which may stand for that of other iterations. */
function withoutAdd(graph: Graph, { marks }: Scene, joints: readonly Joint[]): readonly string[] {
  const keys = new Map(joints.map(({ index, key }) => [index, key]));
  const drawn = marks.filter(isA("join")).map(({ edge }) => keys.get(edge)!);
  const missing = graph.edges.filter((_, index) => !drawn.includes(keys.get(index) ?? ""));
  const twice = drawn.filter((key, at) => drawn.indexOf(key) !== at);
  return [...missing.map(({ name }) => `${name} has no add`), ...twice.map((key) => `${key} has two adds`)];
}

/** A pre-norm above what its branch computes, one on its output below that, a post-norm on the line below the add. */
function misplacedNorms({ marks }: Scene, joints: readonly Joint[]): readonly string[] {
  const pills = marks.filter(isA("pill"));
  return marks.filter(isA("join")).flatMap((join) => {
    const joint = joints.find(({ index }) => index === join.edge)!;
    const mine = pills.filter(({ edge }) => edge === join.edge);
    const inside = new Set([...everyPart(joint.body)].map(({ key }) => key));
    const boxes = marks.filter(isA("box")).filter(({ key }) => inside.has(key));
    const wrong = mine.filter((pill) => !isInPlace(pill, join, boxes));
    const counted = (["pre", "out", "post"] as const).filter(
      (role) => joint.roles[role].length !== mine.filter((pill) => pill.role === role).length,
    );
    return [
      ...wrong.map((pill) => `${pill.role} ${nameOf(pill)} is not in its place`),
      ...counted.map((role) => `${joint.edge.name} has not as many ${role} norms as it has`),
    ];
  });
}

function isInPlace(pill: Pill, join: Join, boxes: readonly Box[]): boolean {
  const middle = pill.x + pill.w / 2;
  if (pill.role === "post") return Math.abs(middle - join.x) < 0.5 && pill.y >= join.y + join.r;
  const aside = middle > join.x && pill.y + pill.h <= join.y;
  const column = boxes.filter(({ x, w }) => Math.abs(x + w / 2 - middle) < 0.5);
  return aside && column.every(({ y, h }) => (pill.role === "pre" ? pill.y + pill.h <= y : pill.y >= y + h));
}
