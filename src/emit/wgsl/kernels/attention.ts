import type { StepOf } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import type { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { Groups } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import {
  axesOf,
  declareScores,
  rowPlace,
  scoreLines,
  scorePlace,
  type AttendAttributes,
  type Axes,
} from "./scores.ts";

/* What attention and the stages of its gradient are built from: a workgroup has rows of a head, and each turn brings
   32 rows of the other side. An invocation has one row (`r`) and one of the turn (`s`), and channels s, s + 32, … of
   what its row adds up. */

/** Queries or keys of a turn: an invocation each. */
export const TURN = 32;

/** Which head the rows of a tensor belong to: that of the queries, `h`, or that of the keys, `g`. */
const heads = { q: "h", grad: "h", out: "h", of_q: "h", k: "g", v: "g", of_k: "g", of_v: "g" } as const;

/** The operands of a kernel, and what it says of their rows and scores. */
export class Attention {
  readonly builder: KernelBuilder;
  readonly attrs: AttendAttributes;
  readonly query: Axes;
  readonly key: Axes;
  readonly value: Axes;
  readonly sizes: ReturnType<typeof declareScores>;
  readonly score: ReturnType<typeof scoreLines>;
  /** The index of the batch. */
  readonly batch: string;
  readonly #places = new Map<string, ReturnType<typeof rowPlace>>();

  constructor(
    {
      operands: { q, k, v, bias, mask },
      attrs,
    }: { readonly operands: StepOf<"attend">["operands"]; readonly attrs: AttendAttributes },
    tensors: { readonly bias: Tensor | undefined; readonly mask: Tensor | undefined },
    builder: KernelBuilder,
    batch: string,
  ) {
    [this.query, this.key, this.value] = [q, k, v].map((view) => axesOf(view, attrs.layout)) as [
      Axes,
      Axes,
      Axes,
    ];
    this.builder = builder;
    this.attrs = attrs;
    this.batch = batch;
    this.sizes = declareScores(builder, this.query, this.key, attrs);
    builder.declare(`const width = ${this.query.width}u;`, `const value_width = ${this.value.width}u;`);
    this.score = scoreLines(builder, attrs, {
      bias: bias && tensors.bias?.at(scorePlace(builder, "bias", bias, batch)),
      mask: mask && tensors.mask?.at(scorePlace(builder, "mask", mask, batch)),
    });
  }

  /** Where a row of a tensor begins. */
  place(name: keyof typeof heads, { view }: Tensor, row: string): string {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = rowPlace(this.builder, name, axesOf(view, this.attrs.layout));
      this.#places.set(name, place);
    }
    return place(this.batch, heads[name], row);
  }

  /** Whether key j has a part in query i, given that both are within bounds. */
  condition(...bounds: readonly string[]): string {
    return [...bounds, ...this.score.conditions].join(" && ");
  }

  /** The key at which the first query stands. */
  behind(): string {
    return `let behind = i32(${this.sizes.keys}) - i32(${this.sizes.queries});`;
  }
}

/** Memory in which the workgroup has a number for each of its rows and each row of the turn. */
export function declareTurn(builder: KernelBuilder, rows: number, memories: readonly string[]): void {
  for (const memory of memories) builder.shared(memory, "f32", rows * TURN);
  builder.builtin("group", "lane");
}

/** The row that an invocation has, and which of the turn's rows. */
export const ownRow = (row: "i" | "j", rows: number): Code[] => [
  `let first = group.x * ${rows}u;`,
  `let r = lane / ${TURN}u;`,
  `let s = lane % ${TURN}u;`,
  `let ${row} = first + r;`,
];

/** The query that an invocation has, its head, and the head of keys that it looks at. */
export const ownQuery = ({ sizes }: Attention, rows: number): Code[] => [
  "let h = group.y;",
  `let g = h / (${sizes.heads} / ${sizes.keyHeads});`,
  ...ownRow("i", rows),
];

/** Some rows of a head a workgroup. */
export const rowGroups = (
  { row, head, batch }: Pick<Axes, "row" | "head" | "batch">,
  rows: number,
): Groups => ({
  kind: "grid",
  axes: [
    { count: row.size, per: rows },
    { count: head.size, per: 1 },
    { count: batch.size, per: 1 },
  ],
});

/** Each turn's rows begin at `start`. */
export const overTurns = (body: readonly Code[]): Code[] =>
  forLoop("start", "end", body, { start: "begin", step: `${TURN}u` });

/** Each row of a turn, to which all invocations come together. */
export const overTurn = (body: readonly Code[]): Code[] =>
  forLoop("other", `min(${TURN}u, end - start)`, body);

/** Where a memory of `declareTurn` has the number for the own row and the row of the turn that is being taken in. */
export const ofOther = (memory: string): string => `${memory}[r * ${TURN}u + other]`;

/** `NAME += …`, the products of two rows. */
export const addDot = (
  name: string,
  width: string,
  a: (c: string) => string,
  b: (c: string) => string,
): Code[] => forLoop("c", width, [`${name} += ${a("c")} * ${b("c")};`]);

/** `var NAME = …`, the same from 0. */
export const dotLines = (...[name, ...product]: Parameters<typeof addDot>): Code[] => [
  `var ${name} = 0.0;`,
  ...addDot(name, ...product),
];

/** `score` of query r in `q_rows` and key j. */
export const scoreOfRow = (attention: Attention, k: Tensor): Code[] => [
  `let k_at = ${attention.place("k", k, "j")};`,
  ...dotLines(
    "product",
    "width",
    (c) => `q_rows[r * width + ${c}]`,
    (c) => k.at(`k_at + ${c}`),
  ),
  ...attention.score.lines,
];

/** How many channels of a row an invocation has. */
export const heldOf = (width: number): number => Math.ceil(width / TURN);

/** The channels that an invocation has; `end` is the width in the kernel. */
export const overChannels = (width: number, body: readonly Code[], end = `${width}u`): Code[] =>
  forLoop("n", `${heldOf(width)}u`, width % TURN === 0 ? body : ifThen(`s + n * ${TURN}u < ${end}`, body));

/** The own channel of a row that begins at a place to which s has been added. */
export const channel = (at: string): string => `${at} + n * ${TURN}u`;
