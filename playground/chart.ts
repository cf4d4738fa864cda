import { logDomain, logTicks, tickText } from "../src/report/ticks.ts";
import { largest, smallest } from "../src/support/lists.ts";
import { draw } from "./svg.ts";

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
}

/** A curve: `dots` marks its points, `dashed` says that it was not measured. */
export interface Curve {
  readonly name: string;
  /** 0 to 7: a colour that all can tell apart. */
  readonly tone: number;
  readonly points: readonly ChartPoint[];
  readonly thick?: boolean;
  readonly dashed?: boolean;
  readonly dots?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly log: boolean;
  readonly width: number;
  readonly height: number;
  readonly xLabel: string;
  /** As far as the horizontal axis goes at least. */
  readonly xMost?: number;
}

const [LEFT, RIGHT, TOP, BOTTOM] = [52, 12, 26, 34];

/** Curves over a common axis; what is not finite, or not above zero on a log axis, has no point. */
export function drawChart({ title, curves, log, width, height, xLabel, xMost = 1 }: Chart): SVGElement {
  const shown = curves.map((curve) => ({
    ...curve,
    points: curve.points.filter(({ y }) => Number.isFinite(y) && (!log || y > 0)),
  }));
  const ys = shown.flatMap(({ points }) => points.map(({ y }) => y));
  const xs = shown.flatMap(({ points }) => points.map(({ x }) => x));
  const [least, most] = ys.length === 0 ? [1, 1] : [smallest(ys), largest(ys)];
  const [low, high] = log ? logDomain(least, most) : linearDomain(least, most);
  const [from, to] = [smallest(xs, xMost), largest(xs, xMost)];
  const of = (value: number): number => (log ? Math.log10(value) : value);
  const placeX = (x: number): number =>
    LEFT + ((x - from) / Math.max(1e-9, to - from)) * (width - LEFT - RIGHT);
  const placeY = (y: number): number =>
    height - BOTTOM - ((of(y) - of(low)) / (of(high) - of(low))) * (height - TOP - BOTTOM);
  const grid = (log ? logTicks(low, high) : linearTicks(low, high)).flatMap((tick) => [
    draw("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: placeY(tick), y2: placeY(tick) }),
    draw("text", { class: "tick end", x: LEFT - 6, y: placeY(tick) + 3.5 }, tickText(tick)),
  ]);
  const below = linearTicks(from, to)
    .filter((tick) => Number.isInteger(tick) && tick <= to)
    .map((tick) =>
      draw("text", { class: "tick middle", x: placeX(tick), y: height - BOTTOM + 15 }, tickText(tick)),
    );
  const drawn = shown.flatMap((curve) => drawCurve(curve, placeX, placeY));
  return draw(
    "svg",
    {
      class: "chart",
      role: "img",
      "aria-label": `${title}: ${curves.map(({ name }) => name).join(", ")}`,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
    },
    draw("text", { class: "title", x: LEFT, y: 14 }, title),
    ...grid,
    ...below,
    draw("text", { class: "tick end", x: width - RIGHT, y: height - 4 }, xLabel),
    ...drawn,
  );
}

function drawCurve(
  { points, tone, thick, dashed, dots, name }: Curve,
  placeX: (x: number) => number,
  placeY: (y: number) => number,
): readonly SVGElement[] {
  if (points.length === 0) return [];
  const path = points
    .map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${placeX(x).toFixed(1)} ${placeY(y).toFixed(1)}`)
    .join("");
  const looks = [`stroke-${tone}`, thick === true ? "thick" : "", dashed === true ? "dashed" : ""]
    .filter((word) => word !== "")
    .join(" ");
  const line = draw("path", { class: `curve ${looks}`, d: path }, draw("title", {}, name));
  if (dots !== true) return [line];
  return [
    line,
    ...points.map(({ x, y }) =>
      draw(
        "circle",
        { class: `fill-${tone}`, cx: placeX(x), cy: placeY(y), r: thick === true ? 3 : 2 },
        draw("title", {}, `${name}: ${tickText(Number(y.toPrecision(3)))}`),
      ),
    ),
  ];
}

function linearDomain(low: number, high: number): readonly [low: number, high: number] {
  if (high <= low) return [low - 0.5, low + 0.5];
  const step = stepOf(low, high);
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step];
}

/** 1, 2 or 5 times a power of ten, of which about five fit. */
function stepOf(low: number, high: number): number {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((digit) => power * digit >= rough) ?? 10);
}

function linearTicks(low: number, high: number): readonly number[] {
  const step = stepOf(low, high);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
