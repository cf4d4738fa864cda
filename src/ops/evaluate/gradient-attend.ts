import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import {
  LEAST_FLOAT,
  scorer,
  softmaxRow,
  viewOf,
  type AttendAttributes,
  type AttendOperands,
} from "./attend.ts";
import { stretchedStrides } from "./index-walk.ts";

/**
 * grad_q, grad_k, grad_v, and grad_bias if there is a bias, a row of scores at a time; then, if rows are observed, the largest
 * score and the entropy of the weights of each.
 */
export function evaluateAttendGrad(
  { grad, ...operands }: AttendOperands & { readonly grad: HostTensor },
  attrs: AttendAttributes & { readonly observe?: boolean },
): readonly HostTensor[] {
  const { q, k, v, bias } = operands;
  const [query, key, value, result] = [q, k, v, grad].map((tensor) => viewOf(tensor, attrs.layout)) as [
    View,
    View,
    View,
    View,
  ];
  const [ofQ, ofK, ofV] = [q, k, v].map(({ data }) => new Float64Array(data.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const toBias = biasWriter(bias, [query.batch, query.heads, query.rows, key.rows]);
  const scoreRow = scorer(operands, query, key, attrs);
  const weights = new Float64Array(key.rows);
  const scores = new Float64Array(key.rows);
  const rows = new ObservedRows();
  for (let item = 0; item < query.batch; item++)
    for (let head = 0; head < query.heads; head++)
      for (let row = 0; row < query.rows; row++) {
        const keyHead = Math.floor(head / (query.heads / key.heads));
        scoreRow(item, head, keyHead, row, weights);
        rows.softmax(weights);
        const from = result.at(item, head, row);
        const arriving = grad.data.subarray(from, from + value.width);
        const placeOf = (column: number): number => value.at(item, keyHead, column);
        const mean = passValues(weights, arriving, v, placeOf, ofV, scores);
        const queryAt = query.at(item, head, row);
        for (let column = 0; column < key.rows; column++) {
          const weight = weights[column]!;
          if (weight === 0) continue;
          const score = weight * (scores[column]! - mean);
          toBias(item, head, row, column, score);
          const keyAt = key.at(item, keyHead, column);
          const slope = score * attrs.scale * capSlope(q, k, queryAt, keyAt, query.width, attrs);
          // An infinite score under a cap: what it passes on goes to 0 faster than q or k grow.
          if (slope === 0) continue;
          for (let i = 0; i < query.width; i++) {
            ofQ[queryAt + i]! += slope * k.data[keyAt + i]!;
            ofK[keyAt + i]! += slope * q.data[queryAt + i]!;
          }
        }
      }
  const results: HostTensor[] = [
    { ...q, data: ofQ },
    { ...k, data: ofK },
    { ...v, data: ofV },
  ];
  if (bias !== undefined) results.push({ ...bias, data: toBias.data });
  return attrs.observe === true
    ? [...results, ...rows.tensors([query.batch, query.heads, query.rows])]
    : results;
}

/** The largest score of each query row and the entropy of its weights, in the order of [B, H, T]. */
class ObservedRows {
  readonly #largest: number[] = [];
  readonly #entropy: number[] = [];

  /** A row of scores becomes weights, in place. */
  softmax(row: Float64Array): void {
    const largest = row.reduce((x, y) => Math.max(x, y), LEAST_FLOAT);
    softmaxRow(row);
    // 0 log 0 is 0.
    const entropy = row.reduce((sum, weight) => (weight === 0 ? sum : sum - weight * Math.log(weight)), 0);
    // An infinite score makes weights NaN, and says no more than one that is NaN.
    this.#largest.push(Number.isNaN(entropy) ? NaN : largest);
    this.#entropy.push(entropy);
  }

  tensors(shape: readonly number[]): readonly HostTensor[] {
    return [this.#largest, this.#entropy].map((numbers) => ({
      dtype: "f32",
      shape: [...shape],
      data: Float64Array.from(numbers),
    }));
  }
}

type View = ReturnType<typeof viewOf>;

/**
 * One row: adds to the gradient of v, writes the gradient of each weight into `scores`, and returns their mean by weight, which
 * softmax takes off.
 */
function passValues(
  weights: Float64Array,
  arriving: HostTensor["data"],
  { data }: HostTensor,
  placeOf: (column: number) => number,
  ofV: Float64Array,
  scores: Float64Array,
): number {
  let mean = 0;
  for (const [column, weight] of weights.entries()) {
    if (weight === 0) continue;
    const at = placeOf(column);
    let dot = 0;
    for (let i = 0; i < arriving.length; i++) {
      dot += arriving[i]! * data[at + i]!;
      ofV[at + i]! += weight * arriving[i]!;
    }
    scores[column] = dot;
    mean += weight * dot;
  }
  return mean;
}

/** The derivative of c · tanh(s / c) at the score s = scale · q k: 1 - tanh². */
function capSlope(
  q: HostTensor,
  k: HostTensor,
  queryAt: number,
  keyAt: number,
  width: number,
  { softcap, scale }: AttendAttributes,
): number {
  if (softcap === 0) return 1;
  let dot = 0;
  for (let i = 0; i < width; i++) dot += q.data[queryAt + i]! * k.data[keyAt + i]!;
  return 1 - Math.tanh((scale * dot) / softcap) ** 2;
}

/** Adds the gradient of a score to the element of the bias that stretched to it. */
function biasWriter(bias: HostTensor | undefined, scores: readonly number[]) {
  const data = new Float64Array(bias === undefined ? 0 : sizeOf(bias.shape));
  const strides = bias === undefined ? [0, 0, 0, 0] : stretchedStrides(bias.shape, scores);
  const [b, h, t, s] = strides as [number, number, number, number];
  const write = (item: number, head: number, row: number, column: number, gradient: number): void => {
    if (bias !== undefined) data[item * b + head * h + row * t + column * s]! += gradient;
  };
  return Object.assign(write, { data });
}
