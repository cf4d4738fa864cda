import type { Observable, ObservedOutput } from "../autodiff/train/observe.ts";
import type { Graph } from "../ir/graph.ts";
import { lineOf } from "../passes/describe-edges.ts";
import type { Scalars } from "./measures.ts";
import type { TrainingProgram } from "./program.ts";

/** What a column of telemetry has, in the order in which the columns of an edge stand. */
export const telemetryMeasures = [
  "rms",
  "max",
  "gradient",
  "share",
  "cosine",
  "gain",
  "max gain",
  "logit",
  "entropy",
  "idle",
  "update",
  "weight",
] as const;

export type TelemetryMeasure = (typeof telemetryMeasures)[number];

/** What each measure is, for tables, reports and alarms. */
export const measureWords: Readonly<Record<TelemetryMeasure, string>> = {
  rms: "RMS of the stream",
  max: "largest |y| of the stream",
  gradient: "gradient norm of the stream",
  share: "branch / carried",
  cosine: "cosine of branch and carried",
  gain: "mean gain",
  "max gain": "largest gain",
  logit: "largest attention logit",
  entropy: "entropy in nats",
  idle: "share of idle units",
  update: "update / weight",
  weight: "norm of the weight",
};

/** Whether a branch is an attention or a feed-forward block: figures show the two apart. */
export type BranchKind = "attention" | "feed-forward" | "other";

/** One column: a measure of an edge, of its branch or of a matrix. */
export interface TelemetryColumn {
  readonly measure: TelemetryMeasure;
  /** The residual edge as messages name it; null for a matrix in no branch. */
  readonly edge: string | null;
  /** The index of the edge in the model. */
  readonly index: number | null;
  /** The line of the model where the edge stands. */
  readonly line: number | null;
  readonly branch: BranchKind;
  /** The name of the matrix. */
  readonly weight?: string;
}

/** What a column is called where names are all there is: `edge/h.0 edge 1/rms`, `weight/h.0.mlp.fc1.weight/update`. */
export const telemetryTag = ({ measure, edge, weight }: TelemetryColumn): string =>
  weight === undefined ? `edge/${edge ?? ""}/${measure}` : `weight/${weight}/${measure}`;

/** Steps are counted from 1: those that are powers of two, and every so many. */
export const isObserved = (step: number, every: number): boolean =>
  (step & (step - 1)) === 0 || step % every === 0;

/** Of the scalars of an observing step, what the columns show. */
export interface Telemetry {
  readonly columns: readonly TelemetryColumn[];
  readonly row: (scalars: Scalars) => Float32Array;
}

/** What a run has written: rows with the number of the step and then a number a column. */
export interface TelemetryRows {
  readonly columns: readonly TelemetryColumn[];
  readonly rows: readonly Float32Array[];
}

interface Derived {
  readonly column: TelemetryColumn;
  readonly value: (scalars: Scalars) => number;
}

/** The columns that a program measures; undefined if it measures nothing. */
export function telemetryOf({ observe }: TrainingProgram): Telemetry | undefined {
  if (observe === undefined) return undefined;
  const { graph, observed } = observe;
  const kinds = branchKinds(observed);
  const derived = groups(observed).flatMap((group) => derive(group, graph, kinds));
  return {
    columns: derived.map(({ column }) => column),
    row(scalars) {
      const row = new Float32Array(derived.length);
      derived.forEach(({ value }, index) => {
        row[index] = value(scalars);
      });
      return row;
    },
  };
}

/** The outputs of one edge or of one matrix, the edges in their order before the matrices. */
function groups(observed: readonly ObservedOutput[]): readonly (readonly ObservedOutput[])[] {
  const byOwner = new Map<string, ObservedOutput[]>();
  const ownerOf = ({ edge, weight }: ObservedOutput): string => weight ?? `${edge}`;
  for (const output of observed)
    byOwner.set(ownerOf(output), [...(byOwner.get(ownerOf(output)) ?? []), output]);
  return [...byOwner.values()];
}

function branchKinds(observed: readonly ObservedOutput[]): ReadonlyMap<number | undefined, BranchKind> {
  const kinds = new Map<number | undefined, BranchKind>();
  for (const { edge, what } of observed) {
    if (what === "idle") kinds.set(edge, "feed-forward");
    if (what === "entropy") kinds.set(edge, "attention");
  }
  return kinds;
}

function derive(
  group: readonly ObservedOutput[],
  { edges }: Graph,
  kinds: ReadonlyMap<number | undefined, BranchKind>,
): readonly Derived[] {
  const { edge, weight } = group[0]!;
  const place = edge === undefined ? undefined : edges[edge];
  const found = (what: Observable): string | undefined =>
    group.find((output) => output.what === what)?.output;
  return measures.flatMap(({ measure, of, value }) => {
    const names = of.map(found);
    if (names.some((name) => name === undefined)) return [];
    const column: TelemetryColumn = {
      measure,
      edge: place?.name ?? null,
      index: edge ?? null,
      line: place === undefined ? null : lineOf(place),
      branch: kinds.get(edge) ?? "other",
      ...(weight !== undefined && { weight }),
    };
    // Each step that is observed makes all of them: no lists for one to three numbers.
    const [first, second, third] = [names[0]!, names[1] ?? names[0]!, names[2] ?? names[0]!];
    return [{ column, value: (scalars) => value(scalars[first]!, scalars[second]!, scalars[third]!) }];
  });
}

/** How a measure follows from outputs. */
const measures: readonly {
  readonly measure: TelemetryMeasure;
  readonly of: readonly Observable[];
  readonly value: (...outputs: number[]) => number;
}[] = [
  { measure: "rms", of: ["square"], value: (square) => Math.sqrt(square) },
  { measure: "max", of: ["largest"], value: (largest) => largest },
  { measure: "gradient", of: ["gradient"], value: (sum) => Math.sqrt(sum) },
  { measure: "share", of: ["branch", "carried"], value: (branch, carried) => Math.sqrt(branch / carried) },
  {
    measure: "cosine",
    of: ["product", "branch", "carried"],
    value: (product, branch, carried) => product / Math.sqrt(branch * carried),
  },
  { measure: "gain", of: ["gain"], value: (gain) => gain },
  { measure: "max gain", of: ["largest gain"], value: (gain) => gain },
  { measure: "logit", of: ["logit"], value: (logit) => logit },
  { measure: "entropy", of: ["entropy"], value: (entropy) => entropy },
  { measure: "idle", of: ["idle"], value: (idle) => idle },
  { measure: "update", of: ["update", "weight"], value: (update, weight) => Math.sqrt(update / weight) },
  { measure: "weight", of: ["weight"], value: (weight) => Math.sqrt(weight) },
];

/** Where an edge left what it was. */
export interface TelemetryAlarm {
  readonly step: number;
  readonly column: TelemetryColumn;
  readonly direction: "up" | "down";
  /** How many times larger, or smaller, than the middle of its first steps. */
  readonly factor: number;
}

/** Steps at the beginning that say what an edge is: the first of a warmup, which move little. */
const FIRST = 8;
/** An edge that is so many times what it was has left it: in placements that train, none does. */
const FACTOR = 10;
/** What is watched, and where to. A branch that shrinks beside what is carried is how a deep stack trains. */
const watched: Partial<Record<TelemetryMeasure, readonly TelemetryAlarm["direction"][]>> = {
  rms: ["up", "down"],
  gradient: ["up", "down"],
  share: ["up"],
};
/** A branch that begins at nothing, behind a gain of 0, has not left anything before it is as large as what it joins. */
const LEAST_SHARE = 1;

/**
 * Watches the edges of a run: the first whose stream, gradient or branch leaves ten times what it was within its first eight
 * steps, up or down. Gradients are those beside the last edge's: all shrink as a model learns, and some alone where depth takes
 * them. Rows come in the order of their steps.
 */
export class Detector {
  readonly #columns: readonly TelemetryColumn[];
  readonly #last: number;
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  #alarm: TelemetryAlarm | undefined;

  constructor(columns: readonly TelemetryColumn[]) {
    this.#columns = columns;
    this.#last = columns.findLastIndex(({ measure }) => measure === "gradient");
    this.#low = new Float64Array(columns.length).fill(Infinity);
    this.#high = new Float64Array(columns.length);
  }

  /** The first alarm so far. */
  get alarm(): TelemetryAlarm | undefined {
    return this.#alarm;
  }

  add(step: number, given: Float32Array): void {
    if (this.#alarm !== undefined) return;
    const last = given[this.#last] ?? 1;
    const row = Float64Array.from(this.#columns, ({ measure }, index) =>
      measure === "gradient" ? given[index]! / last : given[index]!,
    );
    if (step <= FIRST) {
      row.forEach((value, index) => {
        if (!(value > 0) || !Number.isFinite(value)) return;
        this.#low[index] = Math.min(this.#low[index]!, value);
        this.#high[index] = Math.max(this.#high[index]!, value);
      });
      return;
    }
    const left = this.#columns.flatMap((column, index): TelemetryAlarm[] => {
      const [low, high, value] = [this.#low[index]!, this.#high[index]!, row[index]!];
      const [ways = [], least] = [watched[column.measure], column.measure === "share" ? LEAST_SHARE : 0];
      if (high === 0) return [];
      if (ways.includes("up") && !(value <= Math.max(FACTOR * high, least)))
        return [{ step, column, direction: "up", factor: value / high }];
      return ways.includes("down") && value < low / FACTOR
        ? [{ step, column, direction: "down", factor: low / value }]
        : [];
    });
    // Of several at one step, the furthest from what it was; NaN is further than all.
    this.#alarm = left.reduce<TelemetryAlarm | undefined>(
      (most, one) =>
        most !== undefined && !(one.factor > most.factor) && !Number.isNaN(one.factor) ? most : one,
      undefined,
    );
  }
}

/** `step 12: the gradient norm of the stream at h.0 edge 1 (line 54) is 14 times smaller than in its first 8 steps` */
export function alarmWords({
  step,
  column: { measure, edge, line },
  direction,
  factor,
}: TelemetryAlarm): string {
  const times = Number.isFinite(factor) ? `${Number(factor.toPrecision(2))} times` : "beyond all numbers";
  const where = `${edge ?? ""}${line === null ? "" : ` (line ${line})`}`;
  const way = direction === "up" ? "larger" : "smaller";
  return `step ${step}: the ${measureWords[measure]} at ${where} is ${times} ${way} than in its first ${FIRST} steps`;
}
