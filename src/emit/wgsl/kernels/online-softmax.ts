import type { Code } from "../../../support/text.ts";
import { forLoop, ifThen } from "../text.ts";
import { ofOther, overTurn, TURN } from "./attention.ts";
import type { AttendAttributes } from "./scores.ts";

/* The softmax of a query's scores, online (Milakov and Gimelshein 2018): largest score, sum and what is weighed are
   rescaled when a larger score comes, so no score is ever stored outside the workgroup. Memories: `scores`, `weights`. */

/** `begin` and `end`: the keys that some query of the workgroup sees. */
export function keyRange({ causal, window }: AttendAttributes, rows: number, keys: string): Code[] {
  const last = `i32(first) + ${rows}i + behind`;
  const end = causal ? last : window === undefined ? undefined : `${last} + ${window - 1}i`;
  const begin = window === undefined ? undefined : `i32(first) + behind - ${window - 1}i`;
  const within = (at: string): string => `u32(clamp(${at}, 0i, i32(${keys})))`;
  return [
    `let begin = ${begin === undefined ? "0u" : within(begin)};`,
    `let end = ${end === undefined ? keys : within(end)};`,
  ];
}

/** What an invocation adds up under the weights of its query: numbers, and rows of which it holds some channels. */
interface Sums {
  readonly numbers: readonly string[];
  readonly rows: readonly string[];
  readonly held: number;
}

/** No score yet: sums of nothing. */
export const startSoftmax = ({ numbers, rows, held }: Sums): Code[] => [
  "var largest = hidden;",
  ...numbers.map((name) => `var ${name} = 0.0;`),
  ...rows.map((name) => `var ${name}: array<f32, ${held}>;`),
];

/**
 * Takes the scores of a turn in, of which each invocation has one, as `score`: finds the largest so far, lets `weigh` store
 * the weight of each under it, and brings what is summed already under it as well.
 */
export const takeScores = (
  { numbers, rows, held }: Sums,
  weigh: (weight: string) => readonly Code[],
): Code[] => [
  "scores[lane] = score;",
  "workgroupBarrier();",
  "let before = largest;",
  ...forLoop("other", `${TURN}u`, [`largest = max(largest, ${ofOther("scores")});`]),
  ...weigh("select(exp(score - largest), 0.0, score == hidden)"),
  "let shrink = exp(before - largest);",
  ...numbers.map((name) => `${name} *= shrink;`),
  ...forLoop(
    "n",
    `${held}u`,
    rows.map((name) => `${name}[n] *= shrink;`),
  ),
  "workgroupBarrier();",
];

/** Adds the weight of each key of a turn to the total, and has `body` add what is weighed. */
export const overSeenKeys = (body: readonly Code[]): Code[] =>
  overTurn([
    `let weight = ${ofOther("weights")};`,
    "// A hidden key has no part, whatever its value: not even 0 · NaN.",
    ...ifThen("weight == 0.0", ["continue;"]),
    "total += weight;",
    ...body,
  ]);

/** `share`: 1 / total, or 0 for a query that sees nothing. */
export const shareOfTotal = "let share = select(1.0 / total, 0.0, total == 0.0);";
