import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import type { HeadLayout } from "../infer/attention.ts";
import { stretchedStrides } from "./index-walk.ts";

/**
 * ALiBi's slope of each head (Press et al. 2022, and their code for numbers of heads that are no power of two):
 * 2^(-8/n), 2^(-16/n), …; n the power of two below, then every other slope of 2n.
 */
export function alibiSlopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const slopes = Array.from({ length: power }, (_, head) => 2 ** ((-8 * (head + 1)) / power));
  const between = Array.from(
    { length: heads - power },
    (_, head) => 2 ** ((-8 * (2 * head + 1)) / (2 * power)),
  );
  return [...slopes, ...between];
}

/** The least finite float32: the largest score of a row before any, as -∞ minus -∞ would be NaN, and of one that sees nothing. */
export const LEAST_FLOAT = -(2 - 2 ** -23) * 2 ** 127;

export interface AttendAttributes {
  readonly causal: boolean;
  readonly window: number | undefined;
  readonly softcap: number;
  readonly scale: number;
  readonly alibi: boolean;
  readonly layout: HeadLayout;
}

export interface AttendOperands {
  readonly q: HostTensor;
  readonly k: HostTensor;
  readonly v: HostTensor;
  readonly bias: HostTensor | undefined;
  readonly mask: HostTensor | undefined;
}

/** Strides of [B, H, T, K] in a tensor of either layout. */
export function viewOf({ shape }: HostTensor, layout: HeadLayout) {
  const [batch, second, third, width] = shape as readonly [number, number, number, number];
  const [heads, rows] = layout === "heads_first" ? [second, third] : [third, second];
  const [byHead, byRow] = layout === "heads_first" ? [rows * width, width] : [width, heads * width];
  const at = (item: number, head: number, row: number): number =>
    item * heads * rows * width + head * byHead + row * byRow;
  return { batch, heads, rows, width, at };
}

/** What stretches to the scores [B, H, T, S]: reads the element for one score. */
function readerOf(tensor: HostTensor | undefined, scores: readonly number[]) {
  if (tensor === undefined) return undefined;
  const [b, h, t, s] = stretchedStrides(tensor.shape, scores) as [number, number, number, number];
  return (item: number, head: number, row: number, column: number): number =>
    tensor.data[item * b + head * h + row * t + column * s]!;
}

/** softmax(scale · q kᵀ + bias) v, a row of scores at a time. */
export function evaluateAttend(operands: AttendOperands, attrs: AttendAttributes): HostTensor {
  const { q, k, v } = operands;
  const [query, key, value] = [q, k, v].map((tensor) => viewOf(tensor, attrs.layout)) as [View, View, View];
  const shape = [...q.shape.slice(0, 3), value.width];
  const out: HostTensor = { dtype: q.dtype, shape, data: new Float64Array(sizeOf(shape)) };
  const result = viewOf(out, attrs.layout);
  const scoreRow = scorer(operands, query, key, attrs);
  const weights = new Float64Array(key.rows);
  for (let item = 0; item < query.batch; item++)
    for (let head = 0; head < query.heads; head++)
      for (let row = 0; row < query.rows; row++) {
        const keyHead = Math.floor(head / (query.heads / key.heads));
        scoreRow(item, head, keyHead, row, weights);
        softmaxRow(weights);
        const to = result.at(item, head, row);
        for (let column = 0; column < key.rows; column++) {
          const from = value.at(item, keyHead, column);
          const weight = weights[column]!;
          // A hidden key has no part, whatever its value: not even 0 · NaN.
          if (weight === 0) continue;
          for (let i = 0; i < value.width; i++)
            out.data[to + i] = out.data[to + i]! + weight * v.data[from + i]!;
        }
      }
  return out;
}

type View = ReturnType<typeof viewOf>;

/** Fills a row of scores; hidden ones are -∞. */
export function scorer(
  { q, k, bias, mask }: AttendOperands,
  query: View,
  key: View,
  attrs: AttendAttributes,
) {
  const scores = [query.batch, query.heads, query.rows, key.rows];
  const [biasAt, maskAt] = [readerOf(bias, scores), readerOf(mask, scores)];
  const slopes = attrs.alibi ? alibiSlopes(query.heads) : undefined;
  return (item: number, head: number, keyHead: number, row: number, into: Float64Array): void => {
    const position = row + key.rows - query.rows;
    const from = query.at(item, head, row);
    for (let column = 0; column < key.rows; column++) {
      const distance = Math.abs(position - column);
      const hidden =
        (attrs.causal && column > position) ||
        (attrs.window !== undefined && distance >= attrs.window) ||
        maskAt?.(item, head, row, column) === 0;
      if (hidden) {
        into[column] = -Infinity;
        continue;
      }
      const to = key.at(item, keyHead, column);
      let dot = 0;
      for (let i = 0; i < query.width; i++) dot += q.data[from + i]! * k.data[to + i]!;
      let score = attrs.scale * dot;
      if (attrs.softcap > 0) score = attrs.softcap * Math.tanh(score / attrs.softcap);
      if (biasAt !== undefined) score += biasAt(item, head, row, column);
      if (slopes !== undefined) score -= slopes[head]! * distance;
      into[column] = score;
    }
  };
}

/** In place; a row of -∞ alone becomes zeros. */
export function softmaxRow(row: Float64Array): void {
  let largest = -Infinity;
  for (const score of row) largest = Math.max(largest, score);
  if (largest === -Infinity) {
    row.fill(0);
    return;
  }
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += row[i] = Math.exp(row[i]! - largest);
  for (let i = 0; i < row.length; i++) row[i] = row[i]! / sum;
}
