import type { StepOf } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import type { Tensor } from "../given.ts";
import { forLoop, ifThen } from "../text.ts";
import { TURN, type Attention } from "./attention.ts";
import { axesOf } from "./scores.ts";

/* What the stages of attention's gradient share: how many rows each has, and what the first leaves for the others. */

export type AttendGrad = StepOf<"attend_grad">;

/** Bytes of workgroup memory that rows of queries and gradients (or of keys and values) may take. */
const ROW_BYTES = 12 * 2 ** 10;

/** Rows of a workgroup: fewer where heads are wide. */
export const rowsFor = ({ query, value }: Attention): number =>
  8 * (query.width + value.width) * 4 <= ROW_BYTES ? 8 : 4;

/** Brings rows of a tensor to the workgroup as f32, zeros past the last. */
export const loadRows = (
  memory: string,
  tensor: Tensor,
  rows: number,
  { at, width, count }: { readonly at: string; readonly width: string; readonly count: string },
): Code[] =>
  forLoop(
    "e",
    `${rows}u * ${width}`,
    [
      `let row = first + e / ${width};`,
      "var element = 0.0;",
      ...ifThen(`row < ${count}`, [`element = ${tensor.at(`${at} + e % ${width}`)};`]),
      `${memory}[e] = element;`,
    ],
    { start: "lane", step: `${rows * TURN}u` },
  );

/** Numbers that the first stage leaves for each query row: the largest score, 1 / Σ exp, and Σ p · (grad vᵀ). */
const LEFT = 3;

export function leftSize({ operands: { q }, attrs: { layout } }: AttendGrad): Dim {
  const { batch, head, row } = axesOf(q, layout);
  return multiplyDims(productOfDims([batch.size, head.size, row.size]), dim(LEFT));
}

/** `left_at`: where the numbers of query i lie. */
const placeLeft = ({ batch, sizes: { heads, queries } }: Attention): string =>
  `let left_at = ((${batch} * ${heads} + h) * ${queries} + i) * ${LEFT}u;`;

/** Leaves the numbers of query i. */
export const leave = (attention: Attention, left: Pick<Tensor, "put">): Code[] => [
  placeLeft(attention),
  left.put("left_at", "largest"),
  left.put("left_at + 1u", "share"),
  left.put("left_at + 2u", "mean"),
];

/** What was left for query i: the probability that belongs to `score`, and the mean of what pulls at the scores. */
export const readLeft = (attention: Attention, left: Pick<Tensor, "at">) => ({
  line: placeLeft(attention),
  probability: `exp(score - ${left.at("left_at")}) * ${left.at("left_at + 1u")}`,
  mean: left.at("left_at + 2u"),
});
