/** Tokens by their logits, the largest first; of equal ones the smaller id. What is not known of a rank is undefined. */
export interface Ranking {
  /** How many tokens there are. */
  readonly size: number;
  /** The sum of all weights. */
  readonly mass: number | undefined;
  readonly idAt: (rank: number) => number | undefined;
  readonly logitAt: (rank: number) => number | undefined;
  /** e^((logit - largest) / temperature). */
  readonly weightAt: (rank: number) => number | undefined;
}

/** How many of the largest are sorted at first; 16 times as many each time that they are too few. */
const FIRST_SORTED = 64;

/** All tokens, which are weighed and sorted as far as somebody asks. Its memory is made once for each width of rows. */
export class WholeRanking {
  /** The logits, which whoever fills them may change until they are ranked. */
  row = new Float64Array(0);
  mass = 0;
  #weights = new Float64Array(0);
  /** Ids by their logits, as far as they are sorted. */
  #order = new Int32Array(0);
  #sorted = 0;

  get size(): number {
    return this.row.length;
  }

  /** Takes logits in. */
  fill(logits: ArrayLike<number>): void {
    if (this.row.length !== logits.length) this.row = new Float64Array(logits.length);
    this.row.set(logits);
    this.#sorted = 0;
  }

  /** Weighs the logits, of which the largest is that of an id. */
  weigh(best: number, temperature: number): void {
    const { row } = this;
    if (this.#weights.length !== row.length) this.#weights = new Float64Array(row.length);
    const weights = this.#weights;
    // Below the largest, so that no temperature makes infinities of them.
    const largest = row[best]!;
    this.mass = 0;
    for (let id = 0; id < row.length; id++) {
      weights[id] = Math.exp((row[id]! - largest) / temperature);
      this.mass += weights[id]!;
    }
  }

  idAt(rank: number): number {
    while (rank >= this.#sorted)
      this.#sort(Math.min(this.#sorted === 0 ? FIRST_SORTED : 16 * this.#sorted, this.row.length));
    return this.#order[rank]!;
  }

  logitAt(rank: number): number {
    return this.row[this.idAt(rank)]!;
  }

  weightAt(rank: number): number {
    return this.#weights[this.idAt(rank)]!;
  }

  #sort(count: number): void {
    const { row } = this;
    if (this.#order.length !== row.length) this.#order = new Int32Array(row.length);
    const order = this.#order;
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

/** What a device tells of logits [V] that stay with it. */
export interface TopLogits {
  /** V. */
  readonly size: number;
  /** The largest logits in their order, and the ids that they are of. */
  readonly logits: ArrayLike<number>;
  readonly ids: ArrayLike<number>;
  /** Σ e^((logit - largest) / temperature) over the logits below the last of these. */
  readonly below: number;
  /** How many logits are equal to the last of these, itself among them. */
  readonly equal: number;
  /** The logits of ids that were asked for. */
  readonly asked: ReadonlyMap<number, number>;
}

/** A sum in 32 bits of which nearly all is taken off again is not known well any more. */
const MOST_TAKEN_OFF = 0.9;

/**
 * The ranks that are known by what a device tells, where `changed` is what becomes of a logit (of those that were asked for):
 * all that is above what nobody asked for.
 */
export function topRanking(
  top: TopLogits,
  temperature: number,
  changed: (id: number, logit: number) => number,
): Ranking {
  const { size, asked } = top;
  const known = new Map(asked);
  for (let rank = 0; rank < top.ids.length; rank++) known.set(top.ids[rank]!, top.logits[rank]!);
  const order = Array.from(known, ([id, logit]) => ({
    id,
    logit: asked.has(id) ? changed(id, logit) : logit,
  }));
  order.sort((a, b) => b.logit - a.logit || a.id - b.id);
  const [first, last] = [top.logits[0]!, top.logits[top.logits.length - 1]!];
  const lastId = top.ids[top.ids.length - 1]!;
  // Of those that are equal to the last one, the ids that nobody knows of come after its own.
  let hidden = top.equal;
  for (const logit of known.values()) if (logit === last) hidden--;
  const isKnown = ({ id, logit }: (typeof order)[number]): boolean =>
    known.size === size || logit > last || (logit === last && (hidden === 0 || id <= lastId));
  const end = order.findIndex((each) => !isKnown(each));
  const ranks = end < 0 ? order : order.slice(0, end);
  const largest = ranks[0]?.logit ?? NaN;
  const weigh = (logit: number): number => Math.exp((logit - largest) / temperature);
  return {
    size,
    mass: all(),
    idAt: (rank) => ranks[rank]?.id,
    logitAt: (rank) => ranks[rank]?.logit,
    weightAt: (rank) => (ranks[rank] === undefined ? undefined : weigh(ranks[rank].logit)),
  };

  function all(): number | undefined {
    let mass = 0;
    for (const { logit } of order) mass += weigh(logit);
    if (known.size < size) {
      // What was asked for and is below the last one counts as what became of it.
      let taken = 0;
      for (const logit of asked.values()) if (logit < last) taken += Math.exp((logit - first) / temperature);
      if (taken > MOST_TAKEN_OFF * top.below) return undefined;
      mass += (top.below - taken) * weigh(first) + hidden * weigh(last);
    }
    return mass < Infinity ? mass : undefined;
  }
}
