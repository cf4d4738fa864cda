import type { Graph, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { largest } from "../support/lists.ts";
import { everyPart, nodesOf, resultsOf, type Joint, type Loop, type Part, type Round } from "./parts.ts";

/**
 * Parts along one straight line, by what the next of them carries and never by their order in the text: what is read on the
 * way and carried by nothing stands beside it.
 */
export interface Line {
  /** What comes in at its head; undefined if its first part makes it. */
  readonly entry: Value | undefined;
  readonly rows: readonly Row[];
  /** What leaves at its foot. */
  readonly exit: Value | undefined;
}

export type Row =
  /** `carried` is what is on the line above the part. */
  | { readonly kind: "on"; readonly part: Part; readonly carried: Value | undefined }
  /** A line of its own, beside the line that carries `carried`. */
  | { readonly kind: "beside"; readonly line: Line; readonly carried: Value | undefined };

/** How values flow through the parts of a graph. */
export class Flow {
  readonly #parameters: ReadonlySet<Value>;
  readonly #inputs: ReadonlySet<Value>;

  constructor({ parameters, inputs }: Graph) {
    this.#parameters = new Set(parameters.map(({ value }) => value));
    this.#inputs = new Set(inputs.map(({ value }) => value));
  }

  isInput(value: Value): boolean {
    return this.#inputs.has(value);
  }

  /** What parts read that none of them makes and that is no parameter, in the order of reading. */
  readsOf(parts: readonly Part[]): readonly Value[] {
    const nodes = parts.flatMap(nodesOf);
    const made = new Set(nodes.flatMap(({ results }) => results));
    const reads = nodes
      .flatMap(operandValues)
      .filter((value) => !made.has(value) && !this.#parameters.has(value));
    return [...new Set(reads)];
  }

  /**
   * What a part takes on: of what it reads the first that comes from outside of `parts`, or else from an input, and not from a
   * table or positions alone.
   */
  carriedInto(part: Part, comesFrom: (value: Value) => number = () => 0): Value | undefined {
    if (part.kind === "loop") return this.roundLine(part, part.rounds[0]!).entry;
    if (part.kind === "joint" && part.edge.source === "stream") return this.addedTo(part);
    const reads = part.kind === "layer" ? this.readsOf([part]) : this.#branchReads(part);
    const most = largest(reads.map(comesFrom));
    return reads.find((value) => comesFrom(value) === most);
  }

  /** What goes into the branches of an edge; of an empty one, what it adds before it is scaled. */
  #branchReads({ join, roles, body }: Joint): readonly Value[] {
    const inside = [...roles.pre, ...body];
    if (inside.length > 0) return this.readsOf(inside);
    const [added] = join.operands.branches;
    const scaled = [...roles.out, ...roles.branch].filter(
      (layer) => added !== undefined && resultsOf(layer).includes(added),
    );
    return scaled.length > 0 ? this.readsOf(scaled) : join.operands.branches;
  }

  /** What the branches of an edge are added to, before it is scaled. */
  addedTo({ join, roles }: Joint): Value {
    const { source } = join.operands;
    const scaled = roles.skip.filter((layer) => resultsOf(layer).includes(source));
    return this.readsOf(scaled)[0] ?? source;
  }

  /** The line of one iteration: it ends with what the next one reads; that of the last as that before it, if it makes as much. */
  roundLine({ rounds }: Loop, round: Round): Line {
    const at = rounds.indexOf(round);
    const made = round.parts.flatMap(resultsOf);
    const from = at > 0 && at === rounds.length - 1 ? at - 1 : at;
    const like = rounds[from]!.parts.flatMap(resultsOf);
    const read = new Set(rounds[from + 1] === undefined ? like : this.readsOf(rounds[from + 1]!.parts));
    const end = like.length === made.length ? like.findLastIndex((value) => read.has(value)) : -1;
    return this.line(round.parts, made.at(end));
  }

  /** The line through some parts that ends with this value, from one that is wanted if it can; all other parts stand beside it. */
  line(parts: readonly Part[], exit: Value | undefined, wanted: readonly Value[] = []): Line {
    const { on, entry } = this.trace(parts, exit, wanted);
    const rest = parts.filter((part) => !on.some((step) => step.part === part));
    const rows: Row[] = on.map(({ part, carried }) => ({ kind: "on", part, carried }));
    const unread = new Set<Row>();
    for (const beside of this.#chains(rest)) {
      const reader = this.#readerOf(beside, rows);
      let at = reader >= 0 ? reader : this.#lastRead(beside, rows) + 1;
      // Those that nobody reads stand in their order.
      while (reader < 0 && at < rows.length && unread.has(rows[at]!)) at++;
      const below = rows[at];
      const row: Row = { kind: "beside", line: beside, carried: below === undefined ? exit : below.carried };
      if (reader < 0) unread.add(row);
      rows.splice(at, 0, row);
    }
    return { entry, rows, exit };
  }

  /** The parts that lead to a value, and what they take on at their head. */
  trace(
    parts: readonly Part[],
    exit: Value | undefined,
    wanted: readonly Value[] = [],
  ): {
    readonly on: readonly { readonly part: Part; readonly carried: Value | undefined }[];
    readonly entry: Value | undefined;
  } {
    const makers = new Map(parts.flatMap((part) => resultsOf(part).map((value) => [value, part] as const)));
    const known = new Map<Value, number>();
    // 3 for what is wanted, or computed from that; 2 for what else comes from outside of the parts; 1 for what comes from inputs.
    const comesFrom = (value: Value): number => {
      const there = known.get(value);
      if (there !== undefined) return there;
      const maker = makers.get(value);
      const own = wanted.includes(value) ? 3 : maker !== undefined ? 0 : this.#inputs.has(value) ? 1 : 2;
      known.set(value, own);
      if (maker !== undefined) known.set(value, largest(this.readsOf([maker]).map(comesFrom), 0));
      return known.get(value)!;
    };
    const on: { part: Part; carried: Value | undefined }[] = [];
    let value = exit;
    for (;;) {
      const part = value === undefined ? undefined : makers.get(value);
      if (part === undefined || on.some((step) => step.part === part)) return { on, entry: value };
      value = this.carriedInto(part, comesFrom);
      on.unshift({ part, carried: value });
    }
  }

  /** What is on no line, as lines of its own, the last parts first. */
  #chains(rest: readonly Part[]): readonly Line[] {
    const chains: Line[] = [];
    let left = rest;
    while (left.length > 0) {
      const exit = resultsOf(left.at(-1)!).at(-1);
      const { on, entry } = this.trace(left, exit);
      left = left.filter((part) => !on.some((step) => step.part === part));
      chains.unshift({ entry, exit, rows: on.map(({ part, carried }) => ({ kind: "on", part, carried })) });
    }
    return chains;
  }

  /** The first row that reads it, above which it stands; -1 if none does. */
  #readerOf(beside: Line, rows: readonly Row[]): number {
    return rows.findIndex((row) => this.reads(partsIn(row), partsOn(beside)));
  }

  /** The last row that it reads, below which it stands if nobody reads it; -1 if it reads none. */
  #lastRead(beside: Line, rows: readonly Row[]): number {
    return rows.findLastIndex((row) => this.reads(partsOn(beside), partsIn(row)));
  }

  /** True if some parts read what others make. */
  reads(readers: readonly Part[], makers: readonly Part[]): boolean {
    const made = new Set(makers.flatMap(resultsOf));
    return this.readsOf(readers).some((value) => made.has(value));
  }
}

export const partsIn = (row: Row): readonly Part[] => (row.kind === "on" ? [row.part] : partsOn(row.line));

const partsOn = (line: Line): readonly Part[] => line.rows.flatMap(partsIn);

/** True for a line that is more than a few boxes: it stands in a column of its own. */
export const isStream = (line: Line): boolean =>
  [...everyPart(partsOn(line))].some(({ kind }) => kind !== "layer");

/** The lines of a whole graph, in the order in which they begin; the last leads to the output that is furthest from an input. */
export function linesOf(graph: Graph, parts: readonly Part[], flow: Flow): readonly Line[] {
  const ends = graph.outputs.map(({ value }) => ({
    value,
    length: lengthOf(flow.trace(parts, value).on.map(({ part }) => part)),
  }));
  const longest = largest(ends.map(({ length }) => length));
  const main = flow.line(parts, ends.find(({ length }) => length === longest)?.value);
  const besides = main.rows.flatMap((row) => (row.kind === "beside" ? [row.line] : []));
  const streams = besides.filter(isStream);
  const short = besides.filter((line) => !streams.includes(line));
  const on = main.rows.flatMap((row) => (row.kind === "on" ? [row.part] : []));
  const outputs = graph.outputs.map(({ value }) => value);
  const taken = new Set<Line>();
  const others = streams.map((stream) => {
    // From the last, as one may lead to another.
    const mine = short.reduceRight<readonly Part[]>((own, line) => {
      const others = [...on, ...besides.filter((each) => each !== line).flatMap(partsOn)];
      const made = partsOn(line);
      const isRead = flow.reads(own, made);
      const isElsewhere =
        made.flatMap(resultsOf).some((value) => outputs.includes(value)) ||
        flow.reads(
          others.filter((part) => !own.includes(part)),
          made,
        );
      if (!isRead || isElsewhere) return own;
      taken.add(line);
      return [...own, ...made];
    }, partsOn(stream));
    return flow.line(
      parts.filter((part) => mine.includes(part)),
      stream.exit,
    );
  });
  const rows = main.rows.filter(
    (row) => row.kind === "on" || !(streams.includes(row.line) || taken.has(row.line)),
  );
  return [...others, { ...main, rows }];
}

/** Edges and repeats count more than boxes: a head is short. */
const lengthOf = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + (part.kind === "layer" ? 1 : 1000), 0);
