import type { Value } from "../ir/graph.ts";
import { groupBy } from "../support/lists.ts";
import { column, GAP, type Block } from "./blocks.ts";
import type { Drawing } from "./drawing.ts";
import type { Flow, Line, Row } from "./flow.ts";
import { jointBlock, type Told } from "./joints.ts";
import { hueOf, tellingOps, type Counted } from "./layers.ts";
import { everyPart, type Joint, type Layer, type Loop, type Part, type Round } from "./parts.ts";
import { letters } from "./scene.ts";
import { fitted, widthOf } from "./widths.ts";

const BOX = { width: 158, height: 36 } as const;
/** How far a branch, or what stands beside a line, is from it. */
const ASIDE = 24;
const PAD = 14;
const TAB = 22;

/** Draws lines: their boxes, edges and repeats. */
export class LineDrawer {
  readonly #drawing: Drawing;
  readonly #flow: Flow;
  readonly #counted: Counted;
  readonly #tell: (edge: number) => Told;
  /** By its key the edge that one stands for which is drawn of several iterations: that of the first. */
  readonly #first = new Map<string, Pick<Joint, "index" | "edge">>();

  constructor(drawing: Drawing, flow: Flow, counted: Counted, tell: (edge: number) => Told) {
    this.#drawing = drawing;
    this.#flow = flow;
    this.#counted = counted;
    this.#tell = tell;
  }

  draw(line: Line): Block {
    return column(line.rows.map((row) => this.#row(row)));
  }

  #row(row: Row): Block {
    return row.kind === "on" ? this.#part(row.part, row.carried) : this.#beside(row.line, row.carried);
  }

  #part(part: Part, carried: Value | undefined): Block {
    if (part.kind === "layer") return this.#layer(part, carried);
    return part.kind === "joint" ? this.#joint(part, carried) : this.#loop(part);
  }

  #joint(joint: Joint, carried: Value | undefined): Block {
    const { index, edge } = this.#first.get(joint.key) ?? joint;
    const told = this.#tell(index);
    const drawLine = (line: Line): Block => this.draw(line);
    return jointBlock({ ...joint, index, edge }, carried, {
      flow: this.#flow,
      drawing: this.#drawing,
      drawLine,
      told,
    });
  }

  #layer(layer: Layer, carried: Value | undefined): Block {
    const { width: w, height: h } = BOX;
    const { key, span } = layer;
    const room = w - 14;
    const name = fitted(layer.name, room, letters.box, true);
    const args = fitted(layer.args, room - widthOf(name, letters.box, true), letters.box);
    const full = this.#counted.noteOf(layer);
    const note = fitted(full, room, letters.note);
    const hover = [`${layer.name}${layer.args}`, full].filter((text) => text !== "").join("\n");
    // What it made itself an iteration ago is not from afar.
    const reads = this.#flow
      .readsOf([layer])
      .filter((value) => value !== carried && !this.#flow.isInput(value))
      .filter((value) => this.#drawing.makerOf(value) !== key);
    return {
      left: w / 2,
      right: w / 2,
      height: h,
      place: (x, y) => {
        const hue = hueOf(layer);
        this.#drawing.add({ kind: "box", key, hue, name, args, note, x: x - w / 2, y, w, h, span, hover });
        this.#drawing.anchor(key, { x, y: y + h, side: "box" });
        for (const value of reads)
          this.#drawing.want({ value, key, end: { x: x - w / 2, y: y + h / 2 }, from: "left" });
      },
    };
  }

  /** Of the kinds of iterations that which has most parts stands for all, of two the one that runs more often; others are named. */
  #loop(loop: Loop): Block {
    const kinds = kindsOf(loop);
    const [{ rounds, keys }] = kinds as [Kind];
    const shown = typicalOf(rounds, loop);
    for (const part of everyPart(rounds[0]!.parts))
      if (part.kind === "joint" && !this.#first.has(part.key)) this.#first.set(part.key, part);
    const noteOf = (most: number): string =>
      kinds
        .slice(1)
        .map((kind) => describeOther(kind, keys, most))
        .join("; ");
    const note = noteOf(MOST_RANGES);
    const label = loop.label === "repeat" ? "" : loop.label;
    const line = this.#flow.roundLine(loop, shown);
    const inner = this.draw(line);
    const tab = widthOf(`×${loop.rounds.length} ${label} ${note}`, letters.tab, true) + 24;
    const left = inner.left + PAD + 10;
    const right = Math.max(inner.right + PAD, tab);
    return {
      left: left + 4,
      right: right + 8,
      height: inner.height + TAB + 2 * PAD + 6,
      place: (x, y) => {
        const frame = { x: x - left, y, w: left + right, h: inner.height + TAB + 2 * PAD };
        const hover = `${loop.label} × ${loop.rounds.length}${note === "" ? "" : `; ${noteOf(Infinity)}`}`;
        this.#drawing.add({
          kind: "frame",
          ...frame,
          label,
          count: loop.rounds.length,
          note,
          span: undefined,
          hover,
          tab: x + 12,
        });
        const last = this.#flow.roundLine(loop, loop.rounds.at(-1)!).exit;
        this.#drawing.leave(last, { x, y: frame.y + frame.h });
        this.#drawing.within({ value: line.entry, x, y: y + TAB }, () => inner.place(x, y + TAB + PAD));
      },
    };
  }

  /** A short line at the right of the one that it leaves, or that reads it. */
  #beside(line: Line, carried: Value | undefined): Block {
    const inner = this.draw(line);
    const named = this.#drawing.inputName(line.entry);
    const leaves = line.entry !== undefined && line.entry === carried;
    const head = named === undefined ? (leaves ? 12 : 0) : 16;
    return {
      left: 0,
      right: ASIDE + inner.left + inner.right,
      height: inner.height + head,
      place: (x, y) => {
        const centre = x + ASIDE + inner.left;
        const top = y + head;
        if (named !== undefined) {
          this.#drawing.name(line.entry!, { x: centre, y: y + 8 });
          this.#drawing.path("wire", [centre, top - 4], [centre, top]);
        } else if (leaves) {
          const from = y - GAP / 2;
          this.#drawing.add({ kind: "dot", x, y: from });
          this.#drawing.path("wire", [x, from], [centre, from], [centre, top]);
        } else if (line.entry !== undefined)
          this.#drawing.want({
            value: line.entry,
            key: `${x} ${y}`,
            end: { x: centre, y: top },
            from: "above",
          });
        this.#drawing.path("wire", [centre, top], [centre, top + inner.height]);
        inner.place(centre, top);
      },
    };
  }
}

/** Iterations that run the same lines, in which names stand for the same kinds of layers. */
interface Kind {
  readonly rounds: readonly Round[];
  readonly keys: ReadonlySet<string>;
}

/** The fullest first. */
function kindsOf({ rounds }: Loop): readonly Kind[] {
  const keysOf = ({ parts }: Round): readonly string[] =>
    Array.from(everyPart(parts), (part) =>
      part.kind === "layer" ? `${part.key} ${tellingOps(part)}` : part.key,
    );
  const kinds = [...groupBy(rounds, (round) => keysOf(round).join("\n")).values()].map((some): Kind => ({
    rounds: some,
    keys: new Set(keysOf(some[0]!)),
  }));
  return kinds.toSorted((a, b) => b.keys.size - a.keys.size || b.rounds.length - a.rounds.length);
}

/**
 * Of iterations that run the same lines one that reads what the one before it made: the first reads what comes into the repeat,
 * which may be the same value as one that all of them read. And one that another reads, if there is such.
 */
function typicalOf(rounds: readonly Round[], loop: Loop): Round {
  const later = rounds.filter((round) => round !== loop.rounds[0]);
  return later.find((round) => round !== loop.rounds.at(-1)) ?? later[0] ?? rounds[0]!;
}

function describeOther({ rounds, keys }: Kind, shown: ReadonlySet<string>, most: number): string {
  const isPart = [...keys].every((key) => shown.has(key));
  const [one, many] = isPart ? ["has less", "have less"] : ["differs", "differ"];
  return `[${rangesOf(
    rounds.map(({ index }) => index),
    most,
  )}] ${rounds.length === 1 ? one : many}`;
}

/** Of more the first two and the last are named; hovering tells all. */
const MOST_RANGES = 4;

/** `0, 2–5`; of more than `most` `3, 7, …, 47`. */
function rangesOf(numbers: readonly number[], most: number): string {
  const ranges: [number, number][] = [];
  for (const each of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && each === last[1] + 1) last[1] = each;
    else ranges.push([each, each]);
  }
  const texts = ranges.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  return (texts.length <= most ? texts : [...texts.slice(0, 2), "…", texts.at(-1)!]).join(", ");
}
