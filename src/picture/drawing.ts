import type { Graph, Value } from "../ir/graph.ts";
import { append } from "../support/lists.ts";
import { everyPart, type Part } from "./parts.ts";
import type { Mark, Path, Point } from "./scene.ts";

/** Where the result of a part stands, and where its line is. */
export interface Anchor extends Point {
  readonly side: "box" | "join";
}

/** A place that reads a value from elsewhere. */
export interface Want {
  readonly value: Value;
  readonly key: string;
  /** The arrow ends here: at the left of a mark, or above one. */
  readonly end: Point;
  readonly from: "left" | "above";
}

/** What comes into an iteration, and where it does: there its reads begin, whatever made it before the repeat or an iteration ago. */
export interface Entry extends Point {
  readonly value: Value | undefined;
}

/** What is collected while blocks are placed: marks, where results stand, and what is read from afar. */
export class Drawing {
  readonly marks: Mark[] = [];
  readonly wants: (Want & { readonly start: Point | undefined })[] = [];
  /** Inputs whose names stand somewhere. */
  readonly named = new Set<Value>();
  /** Of the iterations that are being placed, the innermost last. */
  readonly #entries: Entry[] = [];
  readonly #anchors = new Map<string, Anchor>();
  /** Where what a repeat made leaves its frame. */
  readonly #exits = new Map<Value, Point>();
  /** Which part makes a value; iterations that are not drawn have the keys of the one that is. */
  readonly #makers = new Map<Value, string>();
  readonly #inputs: ReadonlyMap<Value, string>;

  constructor(graph: Graph, parts: readonly Part[]) {
    this.#inputs = new Map(graph.inputs.map(({ value, name }) => [value, name]));
    for (const part of everyPart(parts)) {
      if (part.kind === "layer") for (const { results } of part.nodes) this.#make(results, part.key);
      if (part.kind === "joint") this.#make(part.join.results, part.key);
    }
  }

  #make(results: readonly Value[], key: string): void {
    for (const value of results) this.#makers.set(value, key);
  }

  add(...marks: readonly Mark[]): void {
    append(this.marks, marks);
  }

  path(role: Path["role"], ...points: readonly (readonly [number, number])[]): void {
    this.add({ kind: "path", role, points: points.map(([x, y]) => ({ x, y })) });
  }

  /** Writes the name of an input where it is read. */
  name(input: Value, { x, y }: Point): void {
    this.named.add(input);
    this.add({ kind: "label", role: "name", anchor: "middle", x, y, text: this.#inputs.get(input)! });
  }

  anchor(key: string, place: Anchor): void {
    this.#anchors.set(key, place);
  }

  /** Places what an iteration holds. */
  within(entry: Entry, place: () => void): void {
    this.#entries.push(entry);
    place();
    this.#entries.pop();
  }

  want(want: Want): void {
    this.wants.push({ ...want, start: this.#entries.findLast(({ value }) => value === want.value) });
  }

  makerOf(value: Value): string | undefined {
    return this.#makers.get(value);
  }

  /** Where a value stands, if what makes it is drawn. */
  anchorOf(value: Value): Anchor | undefined {
    const key = this.#makers.get(value);
    return key === undefined ? undefined : this.#anchors.get(key);
  }

  leave(value: Value | undefined, place: Point): void {
    if (value !== undefined) this.#exits.set(value, place);
  }

  /** Where a lane begins that brings a value from where it was made: below the repeat that made it, as it is the last iteration's. */
  startOf(value: Value): Point | undefined {
    return this.#exits.get(value) ?? this.anchorOf(value);
  }

  inputName(value: Value | undefined): string | undefined {
    return value === undefined ? undefined : this.#inputs.get(value);
  }
}
