/** A parameter of the model, and the values that a study gives it, as `--set` takes them. */
export interface Axis {
  readonly name: string;
  readonly values: readonly string[];
}

/** One training of a study. */
export interface Cell {
  /** A value for each axis. */
  readonly set: Readonly<Record<string, string>>;
  /** The learning rate that the schedule scales. */
  readonly rate: number;
  readonly seed: number;
}

/** A cell with the name of its folder. */
export interface PlannedRun extends Cell {
  readonly name: string;
}

/** Every choice of a value for each axis, the last axis changing first. */
export const choicesOf = (axes: readonly Axis[]): readonly Readonly<Record<string, string>>[] =>
  axes.reduce<readonly Readonly<Record<string, string>>[]>(
    (choices, { name, values }) =>
      choices.flatMap((choice) => values.map((value) => ({ ...choice, [name]: value }))),
    [{}],
  );

/**
 * The order in which a study makes its runs, so that a table stands early: the first seed everywhere before the second
 * anywhere, of each seed the middle rates first, and else as the values were said.
 */
export function inOrder<C extends Cell>(cells: readonly C[]): readonly C[] {
  const rates = ratesOf(cells);
  const middle = (rates.length - 1) / 2;
  const key = new Map(
    cells.map((cell, index) => [cell, [cell.seed, Math.abs(rates.indexOf(cell.rate) - middle), index]]),
  );
  return cells.toSorted((a, b) => {
    const [left, right] = [key.get(a)!, key.get(b)!];
    const place = left.findIndex((part, index) => part !== right[index]);
    return place < 0 ? 0 : left[place]! - right[place]!;
  });
}

/** Which of several workers, counted from 0. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/**
 * The order in which one of several workers looks for a run to make: first the placements that are its own, so that each is compiled
 * once in all; when these are made the others', the last first, which come to them last. Neighbours in the order of the placements, and
 * those that the last axis tells apart, which cost alike, go to different workers.
 */
export function inTurn<C extends Cell>(cells: readonly C[], { index, count }: Share): readonly C[] {
  const placements = new Map<string, number>();
  const [own, others]: [C[], C[]] = [[], []];
  for (const cell of cells) {
    const key = JSON.stringify(cell.set);
    const place = placements.get(key) ?? placements.size;
    placements.set(key, place);
    const isOwn = (place + Math.floor(place / count)) % count === index;
    (isOwn ? own : others).push(cell);
  }
  return [...own, ...others.reverse()];
}

/** The learning rates of some cells, the smallest first. */
export const ratesOf = (cells: readonly Pick<Cell, "rate">[]): readonly number[] =>
  [...new Set(cells.map(({ rate }) => rate))].sort((a, b) => a - b);

/** `count` rates from `low` to `high`, each the same factor above the one before, to three digits as people type them. */
export function geometricRates(low: number, high: number, count: number): readonly number[] {
  const step = count === 1 ? 1 : (high / low) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, index) => Number((low * step ** index).toPrecision(3)));
}

/** `1e-3`, `9.49e-3`, `0.1` never: names of folders and heads of tables have one form of a rate. */
export const showRate = (rate: number): string => rate.toExponential().replace("e+", "e");

/**
 * The name of a run's folder: `pre-d24-lr1e-3-s1-8f3a01c2`. Words of axes stand for themselves, numbers behind as many letters
 * of their axis as tell it from the others. `hash` is that of all that decides the run's numbers.
 */
export function runName({ set, rate, seed }: Cell, axes: readonly string[], hash: string): string {
  const parts = axes.map((axis) => {
    const value = set[axis] ?? "";
    const word = value.replace(/[^\w.+-]/g, "_").slice(0, LONGEST_VALUE);
    return /^[a-zA-Z_]/.test(value) ? word : `${prefixOf(axis, axes)}${word}`;
  });
  return [...parts, `lr${showRate(rate)}`, `s${seed}`, hash].join("-");
}

/** Characters of a value in a name: the hash tells what is cut off. */
const LONGEST_VALUE = 24;

function prefixOf(axis: string, axes: readonly string[]): string {
  const others = axes.filter((other) => other !== axis);
  let length = 1;
  while (length < axis.length && others.some((other) => other.startsWith(axis.slice(0, length)))) length++;
  return axis.slice(0, length);
}

/** The values of an axis as people read them: `pre, depth 24`. */
export const showSet = (set: Readonly<Record<string, string>>): string =>
  Object.entries(set)
    .map(([name, value]) => (/^[a-zA-Z_]/.test(value) ? value : `${name} ${value}`))
    .join(", ");
