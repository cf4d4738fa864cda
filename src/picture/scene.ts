import type { Span } from "../support/source.ts";

/** What a picture is made of: marks with their places in pixels, x to the right and y down. */
export interface Scene {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly marks: readonly Mark[];
}

export type Mark = Box | Pill | Gain | Join | Frame | Dot | Path | Label;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A corner at the left and above, and how large it is. */
export interface Rectangle extends Point {
  readonly w: number;
  readonly h: number;
}

/** What is said of a mark when one points at it, and the text that it stands for. */
interface Told {
  readonly span: Span | undefined;
  readonly hover: string;
}

export const hues = ["attention", "linear", "norm", "table", "other"] as const;

/** What a box computes above all. */
export type Hue = (typeof hues)[number];

/** A layer on a line or in a branch. */
export interface Box extends Rectangle, Told {
  readonly kind: "box";
  readonly key: string;
  readonly hue: Hue;
  readonly name: string;
  readonly args: string;
  /** The second line: its label and parameters. */
  readonly note: string;
}

/** A norm where it stands: at the head of a branch (pre), at its foot (out), or on the line below an add (post). */
export interface Pill extends Rectangle, Told {
  readonly kind: "pill";
  readonly role: "pre" | "out" | "post";
  /** The index of its edge. */
  readonly edge: number;
  readonly name: string;
}

/** A number or a vector that multiplies: the stream (skip), or what the branches give (branch). */
export interface Gain extends Rectangle, Told {
  readonly kind: "gain";
  readonly role: "skip" | "branch";
  readonly edge: number;
  readonly text: string;
}

export type Fate = "fused" | "alone" | "unknown";

/** The add of an edge, on its line. */
export interface Join extends Point, Told {
  readonly kind: "join";
  readonly r: number;
  readonly edge: number;
  readonly fate: Fate;
}

/** The iterations of a repeat. */
export interface Frame extends Rectangle, Told {
  readonly kind: "frame";
  readonly label: string;
  readonly count: number;
  readonly note: string;
  /** Where its words begin: at the right of the line that goes through it. */
  readonly tab: number;
}

/** Where a branch leaves a line. */
export interface Dot extends Point {
  readonly kind: "dot";
}

/**
 * `line`: the stream. `gap`: where the stream does not go on. `wire`: into and out of a branch. `lane`: what comes from afar.
 * `bracket`: what one kernel computes.
 */
export interface Path {
  readonly kind: "path";
  readonly role: "line" | "gap" | "wire" | "lane" | "bracket";
  readonly points: readonly Point[];
  readonly arrow?: true;
  readonly hover?: string;
}

/** A text at a place, from there to the right, to the left, or to both sides. */
export interface Label extends Point {
  readonly kind: "label";
  readonly role: "name" | "type" | "faint";
  readonly anchor: "start" | "middle" | "end";
  readonly text: string;
}

/** Sizes of letters, by what is written with them. */
export const letters = { box: 12, note: 10, pill: 10.5, tab: 11, name: 12, type: 10, faint: 10 } as const;
