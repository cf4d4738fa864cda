import type { Value } from "../ir/graph.ts";
import { largest } from "../support/lists.ts";
import { column, type Block } from "./blocks.ts";
import { branchesOf, type Branch } from "./branches.ts";
import type { Drawing } from "./drawing.ts";
import type { Flow, Line } from "./flow.ts";
import type { Joint, Layer } from "./parts.ts";
import { gainOf, pillBlock, PILL_HEIGHT } from "./pills.ts";
import type { Fate, Gain, Pill } from "./scene.ts";

/** What became of an edge. */
export interface Told {
  readonly fate: Fate;
  readonly text: string;
}

/** What an edge is drawn with. */
export interface JointMeans {
  readonly flow: Flow;
  readonly drawing: Drawing;
  readonly drawLine: (line: Line) => Block;
  readonly told: Told;
}

/** How far the first branch is from the line, and branches from each other. */
const ASIDE = 24;
const APART = 14;
/** From the dot at which branches leave to their heads, and from their feet to the add. */
const DROP = 16;
const DOT = 6;
const RADIUS = 8;

interface Column {
  readonly branch: Branch;
  readonly block: Block;
  /** The input that goes into it, if it is not on the line. */
  readonly named: string | undefined;
  /** How far its middle is from the line. */
  readonly centre: number;
}

/** A residual edge: the branches at the right of the line, what comes from elsewhere at its left. */
export function jointBlock(joint: Joint, carried: Value | undefined, means: JointMeans): Block {
  const drawn = new DrawnJoint(joint, carried, means);
  return { ...drawn.room, place: (x, y) => drawn.place(x, y) };
}

class DrawnJoint {
  readonly #joint: Joint;
  readonly #carried: Value | undefined;
  readonly #means: JointMeans;
  readonly #columns: readonly Column[];
  /** Norms that several branches read, one below the other. */
  readonly #fork: Block;
  readonly #posts: readonly Block[];
  readonly #skip: Omit<Gain, "x" | "y"> | undefined;
  readonly #gain: Omit<Gain, "x" | "y"> | undefined;
  /** From the top to the heads of the branches, and to the add. */
  readonly #head: number;
  readonly #down: number;
  readonly room: Pick<Block, "left" | "right" | "height">;

  constructor(joint: Joint, carried: Value | undefined, means: JointMeans) {
    this.#joint = joint;
    this.#carried = carried;
    this.#means = means;
    const { shared, branches } = branchesOf(joint, means.flow);
    const pills = (layers: readonly Layer[], role: Pill["role"]): Block[] =>
      layers.map((layer) => pillBlock(layer, role, joint, means.drawing));
    this.#fork = column(pills(shared, "pre"), 10);
    this.#posts = pills(joint.roles.post, "post");
    this.#skip = gainOf(joint, "skip");
    this.#gain = gainOf(joint, "branch");
    let reach = ASIDE;
    this.#columns = branches.map((branch): Column => {
      const inside = branch.line.rows.length > 0 ? [means.drawLine(branch.line)] : [];
      const block = column([...pills(branch.pre, "pre"), ...inside, ...pills(branch.out, "out")]);
      const named = branch.entry === carried ? undefined : means.drawing.inputName(branch.entry);
      const centre = reach + block.left;
      reach = centre + block.right + APART;
      return { branch, block, named, centre };
    });
    const [names, forked] = [this.#columns.some(({ named }) => named !== undefined), this.#fork.height > 0];
    this.#head = DOT + (names ? 30 : DROP) + (forked ? this.#fork.height + 24 : 0);
    const heights = this.#columns.map(({ block }) => block.height);
    this.#down = this.#head + largest(heights, 0) + DROP + 10;
    const post = largest(
      this.#posts.map(({ left }) => left),
      0,
    );
    this.room = {
      left: Math.max(ASIDE, (this.#skip?.w ?? 0) + 14, post),
      right: Math.max(reach - APART, (this.#gain?.w ?? 0) + 30, post),
      height: this.#down + RADIUS + this.#posts.length * (PILL_HEIGHT + 12),
    };
  }

  place(x: number, y: number): void {
    const { drawing } = this.#means;
    const joinY = y + this.#down;
    if (!this.#ofStream && this.#columns.length > 0) drawing.path("gap", [x, y + DOT + 6], [x, joinY - 9]);
    if (this.#fork.height > 0) this.#placeFork(x, y);
    for (const each of this.#columns) {
      const [centre, top] = [x + each.centre, y + this.#head];
      this.#lead(each, x, y);
      drawing.path("wire", [centre, top], [centre, joinY], [x + RADIUS, joinY]);
      each.block.place(centre, top);
    }
    this.#placeAdd(x, joinY);
    let at = joinY + RADIUS + 12;
    for (const block of this.#posts) {
      block.place(x, at);
      at += block.height + 12;
    }
  }

  /** False if the edge adds to something that comes from elsewhere. */
  get #ofStream(): boolean {
    return this.#joint.edge.source === "stream";
  }

  get #forkAt(): number {
    return ASIDE + Math.max(this.#fork.left, this.#columns[0]?.block.left ?? 0);
  }

  #placeFork(x: number, y: number): void {
    const { drawing } = this.#means;
    const middle = x + this.#forkAt;
    drawing.add({ kind: "dot", x, y: y + DOT });
    drawing.path("wire", [x, y + DOT], [middle, y + DOT], [middle, y + DOT + DROP]);
    this.#fork.place(middle, y + DOT + DROP);
  }

  /** The way into a branch: from the norm that it shares, from the line, from an input, or from afar. */
  #lead({ branch: { entry }, named, centre }: Column, x: number, y: number): void {
    const { drawing } = this.#means;
    const [at, top] = [x + centre, y + this.#head];
    if (this.#fork.height > 0) {
      const middle = x + this.#forkAt;
      drawing.path("wire", [middle, top - 24], [middle, top - 12], [at, top - 12], [at, top]);
    } else if (entry === undefined) return;
    else if (entry === this.#carried) {
      drawing.add({ kind: "dot", x, y: y + DOT });
      drawing.path("wire", [x, y + DOT], [at, y + DOT], [at, top]);
    } else if (named !== undefined) {
      drawing.name(entry, { x: at, y: top - 10 });
      drawing.path("wire", [at, top - 6], [at, top]);
    } else
      drawing.want({
        value: entry,
        key: `${this.#joint.key} ${centre}`,
        end: { x: at, y: top },
        from: "above",
      });
  }

  #placeAdd(x: number, y: number): void {
    const { drawing, flow, told } = this.#means;
    const { edge, index, key } = this.#joint;
    const hover = told.text === "" ? edge.name : `${edge.name}\n${told.text}`;
    drawing.add({ kind: "join", x, y, r: RADIUS, edge: index, fate: told.fate, span: edge.span, hover });
    drawing.anchor(key, { x, y: y + RADIUS, side: "join" });
    if (this.#gain !== undefined) drawing.add({ ...this.#gain, x: x + 14, y: y - 8 });
    const skipWidth = this.#skip?.w ?? 0;
    if (this.#skip !== undefined)
      drawing.add({ ...this.#skip, x: x - 12 - skipWidth, y: this.#ofStream ? y - 34 : y - 8 });
    if (this.#ofStream) return;
    const end = { x: x - RADIUS - 1 - (skipWidth === 0 ? 0 : skipWidth + 4), y };
    drawing.want({ value: flow.addedTo(this.#joint), key, end, from: "left" });
  }
}
