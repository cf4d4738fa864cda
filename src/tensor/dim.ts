import { largest, smallest } from "../support/lists.ts";
import { invariant } from "../support/invariant.ts";

/**
 * The size of one axis: an integer polynomial over run-time symbols (`B`, `2*T + 1`) and whole divisions of such
 * (`div(H + 6, 2)`, as convolutions make them). Always in one canonical form, so equal dims have equal keys.
 */
export interface Dim {
  /** Sorted; no zero coefficients. */
  readonly terms: readonly Term[];
  /** The canonical text: equal exactly for equal polynomials. */
  readonly key: string;
}

interface Term {
  readonly coefficient: number;
  /** Sorted by key, repeated for powers; empty for the constant term. */
  readonly factors: readonly Factor[];
}

type Factor =
  | { readonly kind: "symbol"; readonly key: string }
  | { readonly kind: "floor_div"; readonly key: string; readonly of: Dim; readonly by: number };

/**
 * A size that cannot be computed with: beyond 2^53, where a number no longer tells neighbours apart, or a polynomial that
 * nobody would read. Whoever has a place of the user's says so there.
 */
export class DimTooLarge extends Error {}

/** Characters of a size as it is shown. The sizes of models have a few terms, a path of 30 convolutions 30 divisions. */
const MAX_KEY = 2000;

/** Products of terms that are added up to one dim: 64 by 64. */
const MAX_TERMS = 4096;

/** Throws DimTooLarge for what cannot be the size of an axis, or a number of elements. */
export function checkDim(a: Dim): void {
  for (const { coefficient } of a.terms) if (!Number.isSafeInteger(coefficient)) throw beyond(coefficient);
  if (a.key.length > MAX_KEY) throw tooLong();
}

const beyond = (size: number): DimTooLarge =>
  new DimTooLarge(`${size} is beyond 2^53, the largest size that can be counted one by one`);

const tooLong = (): DimTooLarge => new DimTooLarge(`its formula would have more than ${MAX_KEY} characters`);

/** A dim known at compile time. */
export function dim(size: number): Dim {
  if (Number.isInteger(size) && !Number.isSafeInteger(size)) throw beyond(size);
  invariant(Number.isSafeInteger(size), `a dim must be a whole number, got ${size}`);
  return make(size === 0 ? [] : [{ coefficient: size, factors: [] }]);
}

/** A run-time dim, named by a capital letter or a word that begins with one. */
export const symbolDim = (name: string): Dim =>
  make([{ coefficient: 1, factors: [{ kind: "symbol", key: name }] }]);

export function addDims(a: Dim, b: Dim): Dim {
  if (a.terms.length === 0) return b;
  return b.terms.length === 0 ? a : make([...a.terms, ...b.terms]);
}

export const subtractDims = (a: Dim, b: Dim): Dim => addDims(a, multiplyDims(b, dim(-1)));

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (a.terms.length * b.terms.length > MAX_TERMS) throw tooLong();
  if (isOne(a)) return b;
  if (isOne(b)) return a;
  const [s, t] = [a.terms[0], b.terms[0]];
  if (s !== undefined && t !== undefined && a.terms.length === 1 && b.terms.length === 1)
    return makeTerm(multiplyTerms(s, t));
  return make(a.terms.flatMap((s) => b.terms.map((t) => multiplyTerms(s, t))));
}

const isOne = ({ key }: Dim): boolean => key === "1";

const multiplyTerms = (s: Term, t: Term): Term => ({
  coefficient: s.coefficient * t.coefficient,
  factors:
    s.factors.length === 0 ? t.factors : t.factors.length === 0 ? s.factors : [...s.factors, ...t.factors],
});

/** The number of elements of a shape. */
export const productOfDims = (dims: readonly Dim[]): Dim => dims.reduce(multiplyDims, dim(1));

/** Throws DimTooLarge if an axis is too large, or all elements together. */
export function checkShape(dims: readonly Dim[]): void {
  dims.forEach(checkDim);
  // Every node asks, and nearly all shapes are of single terms: their product need not be made to know its size.
  const isSmall = dims.every(({ terms }) => terms.length === 1) && keyOf(dims) <= MAX_KEY;
  const size = isSmall ? dims.reduce((product, { terms }) => product * terms[0]!.coefficient, 1) : NaN;
  if (!Number.isSafeInteger(size)) checkDim(productOfDims(dims));
}

/** At least as many characters as the product of single terms has. */
const keyOf = (dims: readonly Dim[]): number => dims.reduce((sum, { key }) => sum + key.length + 1, 0);

/** `a / b` if it is a polynomial again and `b` is one term; undefined otherwise. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  const [divisor] = b.terms;
  if (divisor === undefined || b.terms.length > 1)
    return sameDim(a, b) && divisor !== undefined ? dim(1) : undefined;
  const terms: Term[] = [];
  for (const term of a.terms) {
    const factors = [...term.factors];
    for (const factor of divisor.factors) {
      const at = factors.findIndex((candidate) => candidate.key === factor.key);
      if (at < 0) return undefined;
      factors.splice(at, 1);
    }
    if (term.coefficient % divisor.coefficient !== 0) return undefined;
    terms.push({ coefficient: term.coefficient / divisor.coefficient, factors });
  }
  return make(terms);
}

/** `floor(a / by)` for a whole `by` of at least 1. */
export function floorDivideDim(a: Dim, by: number): Dim {
  invariant(Number.isSafeInteger(by) && by >= 1, `cannot divide a dim by ${by}`);
  const size = constantDim(a);
  if (size !== undefined) return dim(Math.floor(size / by));
  const exact = divideDims(a, dim(by));
  if (exact !== undefined) return exact;
  return make([{ coefficient: 1, factors: [{ kind: "floor_div", key: `div(${a.key}, ${by})`, of: a, by }] }]);
}

export const sameDim = (a: Dim | undefined, b: Dim | undefined): boolean =>
  a !== undefined && b !== undefined && a.key === b.key;

/** The size if it is known at compile time. */
export function constantDim(a: Dim): number | undefined {
  const [first] = a.terms;
  if (first === undefined) return 0;
  return a.terms.length === 1 && first.factors.length === 0 ? first.coefficient : undefined;
}

/** The size for given symbols; an unbound symbol is a bug of the caller. */
export function evaluateDim(a: Dim, symbols: ReadonlyMap<string, number>): number {
  const evaluateFactor = (factor: Factor): number => {
    if (factor.kind === "floor_div") return Math.floor(evaluateDim(factor.of, symbols) / factor.by);
    const size = symbols.get(factor.key);
    invariant(size !== undefined, `the dim ${factor.key} is not bound`);
    return size;
  };
  return a.terms.reduce(
    (sum, term) =>
      sum + term.factors.reduce((product, factor) => product * evaluateFactor(factor), term.coefficient),
    0,
  );
}

/** A number that the dim is never below, whatever the symbols are between their bounds; not always the largest such. */
export function leastSize(
  a: Dim,
  least: (symbol: string) => number,
  most: (symbol: string) => number,
): number {
  type Range = readonly [low: number, high: number];
  // What is 0 stays 0, however large the other one may be.
  const multiply = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);
  const times = (a: Range, b: Range): Range => {
    const corners = a.flatMap((x) => b.map((y) => multiply(x, y)));
    return [smallest(corners), largest(corners)];
  };
  const rangeOfFactor = (factor: Factor): Range => {
    if (factor.kind === "symbol") return [least(factor.key), most(factor.key)];
    const [low, high] = rangeOf(factor.of);
    return [Math.floor(low / factor.by), Math.floor(high / factor.by)];
  };
  const rangeOf = ({ terms }: Dim): Range =>
    terms.reduce<Range>(
      ([low, high], { coefficient, factors }) => {
        const [from, to] = factors.map(rangeOfFactor).reduce(times, [coefficient, coefficient]);
        return [low + from, high + to];
      },
      [0, 0],
    );
  return rangeOf(a)[0];
}

/** The run-time symbols that a dim mentions. */
export function symbolsOf(a: Dim): Set<string> {
  const names = new Set<string>();
  for (const term of a.terms)
    for (const factor of term.factors)
      if (factor.kind === "symbol") names.add(factor.key);
      else for (const name of symbolsOf(factor.of)) names.add(name);
  return names;
}

/** The whole divisions that are factors of a dim. */
export const divisionsOf = (a: Dim): readonly { readonly of: Dim; readonly by: number }[] =>
  a.terms.flatMap(({ factors }) => factors.filter((factor) => factor.kind === "floor_div"));

/** As `.lmg` and the IR write it: `2*B*div(T, 2) + 1`. */
export const showDim = (a: Dim): string => a.key;

/** How a language writes the parts of a size. */
export interface DimNotation {
  readonly symbol: (name: string) => string;
  readonly floorDiv: (of: string, by: number) => string;
  readonly number?: (size: number) => string;
  readonly times?: string;
  /** The sign of a first term. */
  readonly minus?: string;
}

/**
 * The dim in another notation; emitters pass how a symbol and a whole division are written there.
 */
export function renderDim(a: Dim, notation: DimNotation): string {
  const renderFactor = (factor: Factor): string =>
    factor.kind === "symbol"
      ? notation.symbol(factor.key)
      : notation.floorDiv(renderDim(factor.of, notation), factor.by);
  return joinTerms(a.terms, renderFactor, notation);
}

function joinTerms(
  terms: readonly Term[],
  render: (factor: Factor) => string,
  { number = String, times = "*", minus = "-" }: Partial<DimNotation> = {},
): string {
  const texts = terms.map(({ coefficient, factors }) => {
    const size = Math.abs(coefficient);
    const parts =
      size === 1 && factors.length > 0 ? factors.map(render) : [number(size), ...factors.map(render)];
    return { sign: coefficient < 0 ? "-" : "+", text: parts.join(times) };
  });
  const [first, ...rest] = texts;
  if (first === undefined) return number(0);
  return (
    (first.sign === "-" ? minus : "") + first.text + rest.map(({ sign, text }) => ` ${sign} ${text}`).join("")
  );
}

function make(raw: readonly Term[]): Dim {
  const [first] = raw;
  if (first !== undefined && raw.length === 1) return makeTerm(first);
  const sums = new Map<string, Term>();
  for (const term of raw) {
    const factors = sortFactors(term.factors);
    const key = factors.map((factor) => factor.key).join("*");
    sums.set(key, { coefficient: (sums.get(key)?.coefficient ?? 0) + term.coefficient, factors });
  }
  const terms = [...sums.entries()]
    .filter(([, term]) => term.coefficient !== 0)
    .sort(([a, s], [b, t]) => t.factors.length - s.factors.length || (a < b ? -1 : 1))
    .map(([, term]) => term);
  return { terms, key: joinTerms(terms, (factor) => factor.key) };
}

/** The same for one term, which most dims are: every node and parameter makes some. */
function makeTerm({ coefficient, factors }: Term): Dim {
  if (coefficient === 0) return { terms: [], key: "0" };
  if (factors.length === 0) return { terms: [{ coefficient, factors }], key: String(coefficient) };
  const sorted = sortFactors(factors);
  let key = coefficient === 1 ? "" : coefficient === -1 ? "-" : `${coefficient}*`;
  sorted.forEach((factor, index) => (key += index === 0 ? factor.key : `*${factor.key}`));
  return { terms: [{ coefficient, factors: sorted }], key };
}

const sortFactors = (factors: readonly Factor[]): readonly Factor[] =>
  factors.length < 2 ? factors : factors.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
