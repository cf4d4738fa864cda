import type { RandomStream } from "../tensor/random-stream.ts";
import { SessionError } from "./error.ts";
import { topRanking, WholeRanking, type Ranking, type TopLogits } from "./ranking.ts";

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

/** Draws tokens from logits. */
export class Sampler {
  readonly #options: Sampling & ReturnType<typeof checkedSampling>;
  readonly #random: RandomStream;
  readonly #ranking = new WholeRanking();
  /** Of the next draw, if it was begun already. */
  #chance: number | undefined;

  constructor(options: Sampling, random: RandomStream) {
    this.#options = { ...options, ...checkedSampling(options) };
    this.#random = random;
  }

  /** What logits are divided by; 0 takes the largest. */
  get temperature(): number {
    return this.#options.temperature;
  }

  /** The next id by logits [V], after some tokens of which the first ones, so many, are the prompt. */
  draw(logits: ArrayLike<number>, tokens: readonly number[], prompt: number): number {
    const best = this.#rank(logits, tokens, prompt);
    return this.#options.temperature === 0 ? best : this.#drawFrom(this.#ranking)!;
  }

  /** The same by what is known of logits of which a device tells the largest; undefined if that is too little. */
  drawFromTop(top: TopLogits, tokens: readonly number[], prompt: number): number | undefined {
    // NaN is the largest of all.
    if (!(top.logits[0]! < Infinity)) throw noNumbers(tokens.length);
    const { temperature } = this.#options;
    const changes = this.#penalties(tokens, prompt);
    const ranking = topRanking(top, temperature, (id, logit) => changes.get(id)?.(logit) ?? logit);
    return temperature === 0 ? ranking.idAt(0) : this.#drawFrom(ranking);
  }

  /** The ids whose logits penalties change. */
  penalized(tokens: readonly number[], prompt: number): readonly number[] {
    return [...this.#penalties(tokens, prompt).keys()];
  }

  /** The probability of each id, [V], as tokens are drawn: 0 for what is cut off. */
  probabilities(logits: ArrayLike<number>, tokens: readonly number[], prompt: number): Float64Array {
    const result = new Float64Array(logits.length);
    const best = this.#rank(logits, tokens, prompt);
    if (this.#options.temperature === 0) {
      result[best] = 1;
      return result;
    }
    const ranking = this.#ranking;
    const { count, mass } = cutOf(ranking, this.#options)!;
    for (let rank = 0; rank < count; rank++) result[ranking.idAt(rank)] = ranking.weightAt(rank) / mass;
    return result;
  }

  /** Takes logits in, with the penalties of what is in the text; the id of the largest. */
  #rank(logits: ArrayLike<number>, tokens: readonly number[], prompt: number): number {
    const ranking = this.#ranking;
    ranking.fill(logits);
    const { row } = ranking;
    for (const [id, change] of this.#penalties(tokens, prompt))
      if (id < row.length) row[id] = change(row[id]!);
    const best = argmax(row);
    // NaN is neither larger nor smaller than anything.
    if (row.some((logit) => !(logit < Infinity))) throw noNumbers(tokens.length);
    if (this.#options.temperature > 0) ranking.weigh(best, this.#options.temperature);
    return best;
  }

  /** What becomes of the logits of tokens that are in the text. */
  #penalties(tokens: readonly number[], prompt: number): ReadonlyMap<number, (logit: number) => number> {
    const { repetition, presence = 0, frequency = 0 } = this.#options;
    const changes = new Map<number, (logit: number) => number>();
    if (repetition !== undefined && repetition.penalty !== 1) {
      const { penalty, last = Infinity } = repetition;
      const repeated = (logit: number): number => (logit < 0 ? logit * penalty : logit / penalty);
      for (const id of tokens.slice(Math.max(0, tokens.length - last))) changes.set(id, repeated);
    }
    if (presence !== 0 || frequency !== 0) {
      const counts = new Map<number, number>();
      for (const id of tokens.slice(prompt)) counts.set(id, (counts.get(id) ?? 0) + 1);
      for (const [id, count] of counts) {
        const before = changes.get(id);
        changes.set(id, (logit) => (before?.(logit) ?? logit) - presence - frequency * count);
      }
    }
    return changes;
  }

  /** A token by its weight; the same chance has it until one is drawn. */
  #drawFrom(ranking: Ranking): number | undefined {
    const cut = cutOf(ranking, this.#options);
    if (cut === undefined) return undefined;
    this.#chance ??= this.#random.uniform();
    let rest = this.#chance * cut.mass;
    let id: number | undefined;
    for (let rank = 0; rank < cut.count; rank++) {
      id = ranking.idAt(rank);
      if (id === undefined) return undefined;
      rest -= ranking.weightAt(rank)!;
      if (rest < 0) break;
    }
    this.#chance = undefined;
    return id;
  }
}

/** Of the logits after so many tokens. */
export const noNumbers = (length: number): SessionError =>
  new SessionError(`the logits after ${length} tokens are no numbers: no token can be drawn from them`);

/** How many of the likeliest are left, and the sum of their weights; undefined if too little is known for that. */
function cutOf(
  ranking: Ranking,
  { topK, topP, minP }: ReturnType<typeof checkedSampling>,
): { readonly count: number; readonly mass: number } | undefined {
  const { size } = ranking;
  let [count, mass] = [size, ranking.mass];
  if (topK < size) {
    const last = ranking.logitAt(topK - 1);
    count = topK;
    while (count < size && last !== undefined && ranking.logitAt(count) === last) count++;
    if (count < size && ranking.logitAt(count) === undefined) return undefined;
    mass = massOf(ranking, count);
  }
  if (topP < 1) {
    if (mass === undefined) return undefined;
    let reached = 0;
    let end = 0;
    while (end < count && (end === 0 || reached < topP * mass)) {
      const weight = ranking.weightAt(end++);
      if (weight === undefined) return undefined;
      reached += weight;
    }
    [count, mass] = [end, reached];
  }
  if (minP > 0) {
    let end = 0;
    while (end < count && (ranking.weightAt(end) ?? NaN) >= minP) end++;
    if (end < count && ranking.weightAt(end) === undefined) return undefined;
    // The likeliest weighs 1, and stays.
    count = Math.max(1, end);
    mass = massOf(ranking, count);
  }
  return mass === undefined ? undefined : { count, mass };
}

/** The weights of the first ranks together. */
function massOf(ranking: Ranking, count: number): number | undefined {
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    const weight = ranking.weightAt(rank);
    if (weight === undefined) return undefined;
    sum += weight;
  }
  return sum;
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
