/**
 * Fits the polynomials of `src/emit/wasm/functions` and prints their coefficients as float32, the highest first, and the largest
 * error of the function that each stands in, in units of 2⁻²⁴: `npx tsx scripts/fit-functions.ts`.
 */
import { erf, erfc } from "../src/ops/scalar.ts";

/** A polynomial p(x) that is to be `of`, where an error of p weighs so much in what is computed with it. */
interface Fit {
  readonly name: string;
  readonly of: (x: number) => number;
  readonly weight: (x: number) => number;
  readonly from: number;
  readonly to: number;
  readonly degree: number;
}

const TAIL_SLOPE = 0.25;
/** Where x Φ(x) is 0 of float32. */
const TAIL_END = 14.6;
const tailVariable = (a: number): number => (TAIL_SLOPE * a) / (1 + TAIL_SLOPE * a) - 0.5;
const tailArgument = (u: number): number => (u + 0.5) / (0.5 - u) / TAIL_SLOPE;
const tailScale = (a: number): number => 1 + TAIL_SLOPE * a;
/** e^(a²/2) Φ(-a). */
const scaledTail = (a: number): number => 0.5 * erfc(a / Math.SQRT2) * Math.exp((a * a) / 2);

/** What log₂ e / 2 is more than as a float32. */
const HALF_LOG2E_REST = 0.5 * Math.LOG2E - Math.fround(0.5 * Math.LOG2E);

/** What values near √(2π) leave the least error. */
const SLOPE = Math.fround(2.50664258);

const HALF_LN2 = 0.5 * Math.LN2 * 1.01;
const QUARTER = (Math.PI / 4) * 1.001;

const fits: readonly Fit[] = [
  {
    name: "e^r = 1 + r + r² p(r)",
    of: (r) =>
      Math.abs(r) < 1e-2 ? 0.5 + r / 6 + (r * r) / 24 + r ** 3 / 120 : (Math.expm1(r) - r) / (r * r),
    weight: (r) => (r * r) / Math.exp(r),
    from: -HALF_LN2,
    to: HALF_LN2,
    degree: 4,
  },
  {
    name: "2^r = 1 + r p(r)",
    of: (r) => (r === 0 ? Math.LN2 : Math.expm1(r * Math.LN2) / r),
    weight: (r) => Math.abs(r) / 2 ** r,
    from: -0.505,
    to: 0.505,
    degree: 5,
  },
  {
    name: "log(1 + f) = f - f²/2 + f³ p(f)",
    of: (f) =>
      Math.abs(f) < 1e-2
        ? 1 / 3 - f / 4 + (f * f) / 5 - f ** 3 / 6 + f ** 4 / 7
        : (Math.log1p(f) - f + (f * f) / 2) / f ** 3,
    weight: (f) => (f === 0 ? 0 : Math.abs(f ** 3 / Math.log1p(f))),
    from: Math.SQRT1_2 - 1,
    to: Math.SQRT2 - 1,
    degree: 7,
  },
  {
    name: "log(1 + e) = e p(e)",
    of: (e) => (e === 0 ? 1 : Math.log1p(e) / e),
    weight: (e) => (e === 0 ? 1 : e / Math.log1p(e)),
    from: 0,
    to: 1,
    degree: 9,
  },
  {
    name: "sin(r) = r + r z p(z), z = r²",
    of: (z) =>
      z < 1e-3 ? -1 / 6 + z / 120 - (z * z) / 5040 : (Math.sin(Math.sqrt(z)) / Math.sqrt(z) - 1) / z,
    weight: (z) => z,
    from: 0,
    to: QUARTER ** 2,
    degree: 2,
  },
  {
    name: "cos(r) = 1 - z/2 + z² p(z), z = r²",
    of: (z) =>
      z < 1e-2 ? 1 / 24 - z / 720 + (z * z) / 40320 : (Math.cos(Math.sqrt(z)) - 1 + z / 2) / (z * z),
    weight: (z) => z * z,
    from: 0,
    to: QUARTER ** 2,
    degree: 2,
  },
  {
    name: "erfc(a) = e^(-a p(a))",
    of: (a) => (a === 0 ? 2 / Math.sqrt(Math.PI) : a < 1 ? -Math.log1p(-erf(a)) / a : -Math.log(erfc(a)) / a),
    weight: (a) => (a === 0 ? 1 : (a * erfc(a)) / erf(a)),
    from: 0,
    to: 4,
    degree: 8,
  },
  {
    name: "Φ(-a) = e^(-a²/2) p(u) / (1 + 0.25 a), u = 0.25 a / (1 + 0.25 a) - ½",
    of: (u) => scaledTail(tailArgument(u)) * tailScale(tailArgument(u)),
    weight: (u) => 1 / (scaledTail(tailArgument(u)) * tailScale(tailArgument(u))),
    from: tailVariable(0),
    to: tailVariable(TAIL_END),
    degree: 9,
  },
];

/** A quotient p(x) / (slope · x p(x) + q(x)) that is to be `of`, to a share of it. */
interface Quotient extends Pick<Fit, "name" | "of" | "weight" | "to"> {
  readonly slope: number;
  readonly degrees: readonly [p: number, q: number];
  /** q(0): where most is rounded, values are just below a power of 2. */
  readonly scale: number;
}

const quotients: readonly Quotient[] = [
  {
    name: "2^(h a²) Φ(-a) = p(a) / (s a p(a) + q(a)), h = log₂ e / 2 as a float32, s = 2.50664258",
    of: (a) => scaledTail(a) / 2 ** (HALF_LOG2E_REST * a * a),
    // Near 0 more is rounded in what follows.
    weight: (a) => 1 + 4 / (1 + (2 * a) ** 4),
    to: TAIL_END,
    slope: SLOPE,
    degrees: [4, 3],
    scale: 1.5,
  },
];

const POINTS = 1500;
const ROUNDS = 80;

/** Lawson's iteration: least squares whose weights grow where the error is large come to the least largest error. */
function fit({ of, weight, from, to, degree }: Fit): { coefficients: number[]; worst: number } {
  const nodes = Array.from({ length: POINTS }, (_, i) => Math.cos((Math.PI * (i + 0.5)) / POINTS));
  const points = nodes.map((node) => ((to - from) * node + to + from) / 2);
  const wanted = points.map(of);
  const weights = points.map(weight);
  const basis = nodes.map((node) => chebyshev(node, degree));
  let lawson = nodes.map(() => 1 / POINTS);
  let best = { coefficients: [] as number[], worst: Infinity };
  for (let round = 0; round < ROUNDS; round++) {
    const scale = lawson.map((each, i) => Math.sqrt(each) * weights[i]!);
    const solved = leastSquares(
      basis.map((row, i) => row.map((value) => value * scale[i]!)),
      wanted.map((value, i) => value * scale[i]!),
    );
    const errors = basis.map((row, i) =>
      Math.abs((row.reduce((sum, value, k) => sum + value * solved[k]!, 0) - wanted[i]!) * weights[i]!),
    );
    const worst = Math.max(...errors);
    if (worst < best.worst) best = { coefficients: solved, worst };
    const grown = lawson.map((each, i) => each * errors[i]!);
    const total = grown.reduce((sum, each) => sum + each, 0);
    lawson = grown.map((each) => each / total);
  }
  return { coefficients: powers(best.coefficients, from, to), worst: best.worst };
}

/**
 * The polynomials of a quotient from 0 on, by Lawson's iteration too: p (1 - slope x of) - q of = 0 is linear in them, and what that is
 * off is the quotient's error times what it is divided by. Powers of x as a share of the range.
 */
function fitQuotient({ of, weight, to, slope, degrees, scale }: Quotient): {
  p: number[];
  q: number[];
  worst: number;
} {
  // As many points again that crowd near 0, where such functions are bent.
  const places = Array.from({ length: 2 * POINTS }, (_, i) => {
    const place = (1 - Math.cos((Math.PI * ((i % POINTS) + 0.5)) / POINTS)) / 2;
    return i < POINTS ? place : place ** 2;
  });
  const wanted = places.map((place) => of(to * place));
  const counts = places.map((place) => weight(to * place));
  const rows = places.map((place, i) => [
    ...Array.from({ length: degrees[0] + 1 }, (_, k) => place ** k * (1 - slope * to * place * wanted[i]!)),
    ...Array.from({ length: degrees[1] }, (_, k) => -wanted[i]! * place ** (k + 1)),
  ]);
  const valueOf = (polynomial: readonly number[], place: number): number =>
    polynomial.reduceRight((sum, c) => sum * place + c, 0);
  let lawson = places.map(() => 1 / places.length);
  let under = places.map(() => 1);
  let best = { p: [] as number[], q: [] as number[], worst: Infinity };
  for (let round = 0; round < 4 * ROUNDS; round++) {
    const weights = places.map((_, i) => (Math.sqrt(lawson[i]!) * counts[i]!) / (wanted[i]! * under[i]!));
    const solved = leastSquares(
      rows.map((row, i) => row.map((value) => value * weights[i]!)),
      wanted.map((value, i) => value * weights[i]!),
    );
    const [p, q] = [solved.slice(0, degrees[0] + 1), [1, ...solved.slice(degrees[0] + 1)]];
    const over = places.map((place) => valueOf(p, place));
    under = places.map((place, i) => slope * to * place * over[i]! + valueOf(q, place));
    const errors = places.map((_, i) => counts[i]! * Math.abs(over[i]! / under[i]! / wanted[i]! - 1));
    const worst = Math.max(...errors);
    if (worst < best.worst) best = { p, q, worst };
    const total = errors.reduce((sum, error, i) => sum + error * lawson[i]!, 0);
    lawson = lawson.map((each, i) => (each * errors[i]!) / total);
  }
  const inX = (polynomial: readonly number[]): number[] =>
    polynomial.map((c, k) => (scale * c) / to ** k).reverse();
  return { p: inX(best.p), q: inX(best.q), worst: best.worst };
}

function chebyshev(x: number, degree: number): number[] {
  const row = [1, x];
  for (let k = 2; k <= degree; k++) row.push(2 * x * row[k - 1]! - row[k - 2]!);
  return row.slice(0, degree + 1);
}

/** From T₀ … Tₙ of what [from, to] is as [-1, 1] to powers of x, the highest first. */
function powers(coefficients: readonly number[], from: number, to: number): number[] {
  const [slope, shift] = [2 / (to - from), -(to + from) / (to - from)];
  const byNode = (p: readonly number[]): number[] =>
    Array.from({ length: p.length + 1 }, (_, i) => shift * (p[i] ?? 0) + slope * (p[i - 1] ?? 0));
  const bases: number[][] = [[1], byNode([1])];
  for (let k = 2; k < coefficients.length; k++) {
    const doubled = byNode(bases[k - 1]!).map((each) => 2 * each);
    bases.push(doubled.map((each, i) => each - (bases[k - 2]![i] ?? 0)));
  }
  return coefficients
    .map((_, power) => coefficients.reduce((sum, c, k) => sum + c * (bases[k]![power] ?? 0), 0))
    .reverse();
}

/** The x with the least |A x - b|, by Gram and Schmidt, each column twice. */
function leastSquares(rows: readonly (readonly number[])[], b: readonly number[]): number[] {
  const width = rows[0]!.length;
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, each, i) => sum + each * y[i]!, 0);
  const directions: number[][] = [];
  const upper = Array.from({ length: width }, () => new Array<number>(width).fill(0));
  for (let k = 0; k < width; k++) {
    let column = rows.map((row) => row[k]!);
    for (let round = 0; round < 2; round++)
      directions.forEach((direction, j) => {
        const along = dot(direction, column);
        upper[j]![k]! += along;
        column = column.map((each, i) => each - along * direction[i]!);
      });
    upper[k]![k] = Math.sqrt(dot(column, column));
    directions.push(column.map((each) => each / upper[k]![k]!));
  }
  const right = directions.map((direction) => dot(direction, b));
  const solved = new Array<number>(width).fill(0);
  for (let k = width - 1; k >= 0; k--)
    solved[k] =
      (right[k]! - solved.reduce((sum, each, j) => (j > k ? sum + upper[k]![j]! * each : sum), 0)) /
      upper[k]![k]!;
  return solved;
}

/** As float32: nine digits tell every one from its neighbours. */
const printed = (coefficients: readonly number[]): string =>
  `[${coefficients.map((value) => Number(Math.fround(value).toPrecision(9))).join(", ")}]`;

const only = process.argv[2];
const isWanted = ({ name }: Pick<Fit, "name">): boolean => only === undefined || name.includes(only);
for (const each of fits.filter(isWanted)) {
  const { coefficients, worst } = fit(each);
  console.log(`${each.name}  (${(worst * 2 ** 24).toFixed(3)})\n  ${printed(coefficients)}`);
}
for (const each of quotients.filter(isWanted)) {
  const { p, q, worst } = fitQuotient(each);
  console.log(`${each.name}  (${(worst * 2 ** 24).toFixed(3)})\n  ${printed(p)}\n  ${printed(q)}`);
}
