import { logDomain } from "./ticks.ts";

/** What is drawn, as data: curves over two axes. Lines break where a value is not finite, or not positive on a log axis. */
export interface Figure {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** A sentence below the title: what is special here. */
  readonly note?: string;
}

export interface Axis {
  readonly label: string;
  /** Default: linear. */
  readonly scale?: "linear" | "log";
  /** Default: what the points need. Figures side by side share one. */
  readonly domain?: readonly [low: number, high: number];
  /** Only whole numbers are named. */
  readonly whole?: boolean;
}

export interface Series {
  /** Written at the end of the curve; none if empty. */
  readonly label: string;
  /** Which of the colours, counted from 0, which all come back after the last; "plain" is the colour of text. */
  readonly tone: number | "plain";
  /** A theory is dashed, raw values behind a smoothed curve are faint; few values have dots; crosses are no curve. */
  readonly style: "line" | "dotted" | "dashed" | "faint" | "crosses";
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
  /** What a reader is told who points at it: the edge, and its line in the model. */
  readonly at?: string;
  /** What is drawn as a band around it: the spread over seeds. */
  readonly low?: number;
  readonly high?: number;
}

/** Width and height of one figure in CSS pixels, before it is scaled to its place. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The points that can be drawn on these axes, in order; `undefined` stands where a line breaks. */
export function drawable({ x, y, series }: Figure): readonly (readonly (Point | undefined)[])[] {
  const fits = (axis: Axis, value: number): boolean =>
    Number.isFinite(value) && (axis.scale !== "log" || value > 0);
  return series.map(({ points }) =>
    points.map((point) => (fits(x, point.x) && fits(y, point.y) ? point : undefined)),
  );
}

/**
 * The smallest range that holds all values that an axis can show, over several figures: the domain for figures side by
 * side. On a log axis it reaches to the next marks.
 */
export function commonDomain(
  figures: readonly Figure[],
  which: "x" | "y",
): readonly [number, number] | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (const figure of figures)
    for (const point of drawable(figure).flat())
      if (point !== undefined) [low, high] = [Math.min(low, point[which]), Math.max(high, point[which])];
  if (low > high) return undefined;
  if (figures.every((figure) => figure[which].scale === "log")) return logDomain(low, high);
  return [low, high];
}

/** The figures with one domain for the y axis. */
export function withCommonY(figures: readonly Figure[]): readonly Figure[] {
  const domain = commonDomain(figures, "y");
  return domain === undefined
    ? figures
    : figures.map((figure) => ({ ...figure, y: { ...figure.y, domain } }));
}
