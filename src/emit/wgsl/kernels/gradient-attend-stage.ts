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

/**
 * Numbers that the first stage leaves for each query row: the largest score, 1 / Σ exp, and Σ p · (grad vᵀ); the entropy if rows are
 * observed.
 */
const leftOf = ({ observe }: AttendGrad["attrs"]): number => (observe ? 4 : 3);

export function leftSize({ operands: { q }, attrs }: AttendGrad): Dim {
  const { batch, head, row } = axesOf(q, attrs.layout);
  return multiplyDims(productOfDims([batch.size, head.size, row.size]), dim(leftOf(attrs)));
}

/** `left_at`: where the numbers of query i lie. */
const placeLeft = ({ batch, sizes: { heads, queries } }: Attention, attrs: AttendGrad["attrs"]): string =>
  `let left_at = ((${batch} * ${heads} + h) * ${queries} + i) * ${leftOf(attrs)}u;`;

/** Leaves the numbers of query i. */
export const leave = (attention: Attention, { attrs }: AttendGrad, left: Pick<Tensor, "put">): Code[] => [
  placeLeft(attention, attrs),
  left.put("left_at", "largest"),
  left.put("left_at + 1u", "share"),
  left.put("left_at + 2u", "mean"),
  // Σ p (score - largest) as a difference: it takes no case for the first keys, and loses what the scores' own size does.
  ...(attrs.observe
    ? [left.put("left_at + 3u", "select(log(total) + largest - scored * share, 0.0, total == 0.0)")]
    : []),
];

/** Of query row `row`, counted through all heads and items: its largest score and the entropy. */
export const observedLeft = ({ attrs }: AttendGrad, left: Pick<Tensor, "at">) => ({
  largest: left.at(`row * ${leftOf(attrs)}u`),
  share: left.at(`row * ${leftOf(attrs)}u + 1u`),
  entropy: left.at(`row * ${leftOf(attrs)}u + 3u`),
});

/** What was left for query i: the probability that belongs to `score`, and the mean of what pulls at the scores. */
export const readLeft = (attention: Attention, { attrs }: AttendGrad, left: Pick<Tensor, "at">) => ({
  line: placeLeft(attention, attrs),
  probability: `exp(score - ${left.at("left_at")}) * ${left.at("left_at + 1u")}`,
  mean: left.at("left_at + 2u"),
});
