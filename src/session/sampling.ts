import type { RandomStream } from "../tensor/random-stream.ts";
import { SessionError } from "./error.ts";

/**
 * How a token is drawn from logits, in this order: penalties, temperature, top-k, top-p, min-p, draw. Each step does what
 * transformers' processor of that name does; it cuts after it scales, as transformers and unlike llama.cpp.
 */
export interface Sampling {
  /** What logits are divided by; 0 takes the largest always. Default: 0. */
  readonly temperature?: number;
  /** Only the k most likely, and what is as likely as the last of them. Default: all. */
  readonly topK?: number;
  /** The smallest set of most likely tokens whose probabilities reach p (Holtzman et al. 2020). Default: 1, all. */
  readonly topP?: number;
  /** Only what has at least this share of the probability of the most likely. Default: 0, all. */
  readonly minP?: number;
  /**
   * Logits of tokens that are in the text are divided by the penalty, or multiplied where they are below 0 (Keskar et al.
   * 2019); of the last tokens only, if `last` says how many.
   */
  readonly repetition?: { readonly penalty: number; readonly last?: number };
  /** Taken off the logits of tokens that were drawn before. Default: 0. */
  readonly presence?: number;
  /** The same for each time that they were. Default: 0. */
  readonly frequency?: number;
}

/** How many of the largest are sorted at first; 16 times as many each time that they are too few. */
const FIRST_SORTED = 64;

/** Draws tokens from rows of logits. Its memory is made once for each width of rows. */
export class Sampler {
  readonly #options: Sampling & ReturnType<typeof checkedSampling>;
  readonly #random: RandomStream;
  #logits = new Float64Array(0);
  /** e^(logit - largest), after the temperature. */
  #weights = new Float64Array(0);
  /** Ids by their logits, the largest first, as far as they are sorted. */
  #order = new Int32Array(0);
  #sorted = 0;

  constructor(options: Sampling, random: RandomStream) {
    this.#options = { ...options, ...checkedSampling(options) };
    this.#random = random;
  }

  /** The next id by logits [V], after some tokens of which the first ones, so many, are the prompt. */
  draw(logits: ArrayLike<number>, tokens: readonly number[], prompt: number): number {
    const best = this.#penalize(logits, tokens, prompt);
    if (this.#options.temperature === 0) return best;
    const { count, mass } = this.#cut(this.#weigh(best));
    let rest = this.#random.uniform() * mass;
    for (let rank = 0; rank < count; rank++) {
      const id = this.#idAt(rank);
      rest -= this.#weights[id]!;
      if (rest < 0) return id;
    }
    return this.#idAt(count - 1);
  }

  /** The probability of each id, [V], as tokens are drawn: 0 for what is cut off. */
  probabilities(logits: ArrayLike<number>, tokens: readonly number[], prompt: number): Float64Array {
    const result = new Float64Array(logits.length);
    const best = this.#penalize(logits, tokens, prompt);
    if (this.#options.temperature === 0) {
      result[best] = 1;
      return result;
    }
    const { count, mass } = this.#cut(this.#weigh(best));
    for (let rank = 0; rank < count; rank++) {
      const id = this.#idAt(rank);
      result[id] = this.#weights[id]! / mass;
    }
    return result;
  }

  /** Takes logits in, with the penalties of what is in the text; the id of the largest. */
  #penalize(given: ArrayLike<number>, tokens: readonly number[], prompt: number): number {
    if (this.#logits.length !== given.length) {
      this.#logits = new Float64Array(given.length);
      this.#weights = new Float64Array(given.length);
      this.#order = new Int32Array(given.length);
    }
    const row = this.#logits;
    row.set(given);
    this.#sorted = 0;
    const { repetition, presence = 0, frequency = 0 } = this.#options;
    if (repetition !== undefined && repetition.penalty !== 1) {
      const { penalty, last = Infinity } = repetition;
      for (const id of new Set(tokens.slice(Math.max(0, tokens.length - last))))
        if (id < row.length) row[id] = row[id]! < 0 ? row[id]! * penalty : row[id]! / penalty;
    }
    if (presence !== 0 || frequency !== 0) {
      const counts = new Map<number, number>();
      for (const id of tokens.slice(prompt)) counts.set(id, (counts.get(id) ?? 0) + 1);
      for (const [id, count] of counts)
        if (id < row.length) row[id] = row[id]! - presence - frequency * count;
    }
    const best = argmax(row);
    // NaN is neither larger nor smaller than anything.
    if (row.some((logit) => !(logit < Infinity)))
      throw new SessionError(
        `the logits after ${tokens.length} tokens are no numbers: no token can be drawn from them`,
      );
    return best;
  }

  /** Weighs logits by the temperature; the sum of all weights. */
  #weigh(best: number): number {
    const { temperature } = this.#options;
    const [row, weights] = [this.#logits, this.#weights];
    // Below the largest, so that no temperature makes infinities of them.
    const largest = row[best]!;
    let all = 0;
    for (let id = 0; id < row.length; id++) {
      weights[id] = Math.exp((row[id]! - largest) / temperature);
      all += weights[id]!;
    }
    return all;
  }

  /** How many of the likeliest are left, and the sum of their weights, if that of all is known. */
  #cut(all: number): { readonly count: number; readonly mass: number } {
    const { topK, topP, minP } = this.#options;
    const row = this.#logits;
    let [count, mass] = [row.length, all];
    if (topK < count) {
      count = topK;
      while (count < row.length && row[this.#idAt(count)] === row[this.#idAt(count - 1)]) count++;
      mass = this.#massOf(count);
    }
    if (topP < 1) {
      let reached = 0;
      let end = 0;
      while (end < count && (end === 0 || reached < topP * mass))
        reached += this.#weights[this.#idAt(end++)]!;
      [count, mass] = [end, reached];
    }
    if (minP > 0) {
      let end = 0;
      while (end < count && this.#weights[this.#idAt(end)]! >= minP) end++;
      // The likeliest weighs 1, and stays.
      count = Math.max(1, end);
      mass = this.#massOf(count);
    }
    return { count, mass };
  }

  #massOf(count: number): number {
    let sum = 0;
    for (let rank = 0; rank < count; rank++) sum += this.#weights[this.#idAt(rank)]!;
    return sum;
  }

  /** The id of a rank by its logit; of equal ones the smaller id comes first. */
  #idAt(rank: number): number {
    while (rank >= this.#sorted)
      this.#sort(Math.min(this.#sorted === 0 ? FIRST_SORTED : 16 * this.#sorted, this.#logits.length));
    return this.#order[rank]!;
  }

  #sort(count: number): void {
    const [row, order] = [this.#logits, this.#order];
    this.#sorted = count;
    if (count === row.length) {
      for (let id = 0; id < count; id++) order[id] = id;
      order.sort((a, b) => row[b]! - row[a]! || a - b);
      return;
    }
    // Those seen so far, sorted; most ids are below the last of them, and an id that comes later is after its equals.
    let kept = 0;
    for (let id = 0; id < row.length; id++) {
      const logit = row[id]!;
      if (kept === count && logit <= row[order[count - 1]!]!) continue;
      let [low, high] = [0, kept];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (row[order[middle]!]! >= logit) low = middle + 1;
        else high = middle;
      }
      if (kept < count) kept++;
      order.copyWithin(low + 1, low, kept - 1);
      order[low] = id;
    }
  }
}

/** The options that have defaults, in their ranges. */
function checkedSampling({ temperature = 0, topK = Infinity, topP = 1, minP = 0, ...others }: Sampling) {
  requireRange("temperature", temperature, 0, Infinity);
  requireRange("topK", topK, 1, Infinity);
  requireRange("topP", topP, 0, 1);
  requireRange("minP", minP, 0, 1);
  const { repetition, presence = 0, frequency = 0 } = others;
  if (repetition !== undefined) {
    requireRange("repetition.penalty", repetition.penalty, Number.MIN_VALUE, Infinity);
    requireRange("repetition.last", repetition.last ?? Infinity, 0, Infinity);
  }
  requireRange("presence", presence, -Infinity, Infinity);
  requireRange("frequency", frequency, -Infinity, Infinity);
  return { temperature, topK: Math.trunc(topK), topP, minP };
}

function requireRange(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most))
    throw new RangeError(`\`${name}\` is a number from ${least} to ${most}, got ${String(value)}`);
}

/** The id of the largest logit; the first of equal ones. */
export function argmax(logits: ArrayLike<number>): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}
