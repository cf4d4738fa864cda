import { largest } from "../support/lists.ts";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import {
  commonDomain,
  drawable,
  type Axis,
  type Figure,
  type Point,
  type Series,
  type Size,
} from "./figure.ts";
import { base64Of, type HoverAxis, type HoverCurves } from "./hover-script.ts";
import { escapeText } from "./escape.ts";
import { logTicks, tickText } from "./ticks.ts";
import { toneColor } from "./theme.ts";

/** Room for the title, the labels of the axes and, at the right, the names of the curves. */
const margins = { top: 50, bottom: 40, left: 52 } as const;
const lineHeight = 13;

/** A figure with what the page's script must know of it. */
export function drawHoverFigure(figure: Figure, size: Size): string {
  const { svg, hover, values } = drawn(figure, size);
  if (hover === undefined) return `<div>${svg}</div>`;
  return `<div data-hover="${escapeText(JSON.stringify(hover))}" data-values="${base64Of(values)}">${svg}</div>`;
}

/**
 * Draws a figure as an `<svg>` element that takes its colours from the theme around it and scales to its place. A figure
 * without a point to draw says so.
 */
export const drawFigure = (figure: Figure, size: Size): string => drawn(figure, size).svg;

interface Drawn {
  readonly svg: string;
  /** Undefined without a point. */
  readonly hover: HoverCurves | undefined;
  readonly values: Float32Array;
}

function drawn(given: Figure, { width, height }: Size): Drawn {
  const figure = { ...given, x: withLogDomain(given, "x"), y: withLogDomain(given, "y") };
  const points = drawable(figure);
  const longest = largest(
    figure.series.map(({ label }) => label.length),
    0,
  );
  const marginRight = longest === 0 ? 14 : 14 + 6.2 * longest;
  const { document } = parseHTML("<!doctype html><html></html>");
  const plot = Plot.plot({
    document,
    width,
    height,
    marginTop: margins.top,
    marginBottom: margins.bottom,
    marginLeft: margins.left,
    marginRight,
    x: axisOptions(figure.x),
    y: axisOptions(figure.y),
    marks: [
      Plot.gridY({ stroke: "var(--faint)", strokeOpacity: 1, ticks: ticksOf(figure, "y").ticks }),
      Plot.axisX({ label: null, anchor: "bottom", ...ticksOf(figure, "x") }),
      Plot.axisY({ label: null, anchor: "left", ...ticksOf(figure, "y") }),
      ...figure.series.flatMap((series, index) => marksOf(series, points[index]!)),
    ],
  });
  const scaleY = plot.scale("y");
  const texts = textsOf(figure, points, {
    ...{ width, height, marginRight },
    yOf: scaleY && ((y) => Number(scaleY.apply(y))),
  });
  const shown = points.map((list) => list.filter((point) => point !== undefined));
  const [x, y] = [hoverAxis(figure.x, plot.scale("x")), hoverAxis(figure.y, plot.scale("y"))];
  const series = figure.series.map(({ label }, index) => ({
    name: label,
    count: shown[index]!.length,
    ...(shown[index]!.some(({ at }) => at !== undefined) && { at: shown[index]!.map(({ at }) => at ?? "") }),
  }));
  return {
    svg: finish(plot.innerHTML, texts, figure, { width, height }),
    hover: x === undefined || y === undefined || shown.flat().length === 0 ? undefined : { x, y, series },
    values: Float32Array.from(shown.flat().flatMap((point) => [point.x, point.y])),
  };
}

interface Room extends Size {
  /** Right of the curves, for their names. */
  readonly marginRight: number;
  /** The height of a value, in pixels from above; undefined without a point. */
  readonly yOf: ((value: number) => number) | undefined;
}

/** What is written around the curves: title, note, labels of the axes, names of the curves. */
function textsOf(
  figure: Figure,
  points: readonly (readonly (Point | undefined)[])[],
  { width, height, marginRight, yOf }: Room,
): string[] {
  const ends = yOf === undefined ? [] : endLabels(figure, points, yOf, height);
  return [
    textAt(margins.left - 44, 14, figure.title, 'font-weight="600" font-size="12"'),
    ...(figure.note === undefined ? [] : [textAt(margins.left - 44, 28, figure.note, 'opacity="0.75"')]),
    textAt(margins.left - 44, margins.top - 11, `↑ ${figure.y.label}`, 'opacity="0.75"'),
    textAt(width - marginRight, height - 6, `${figure.x.label} →`, 'text-anchor="end" opacity="0.75"'),
    ...ends.map(({ label, tone, y }) =>
      textAt(width - marginRight + 6, y + 3.5, label, `fill="${toneColor(tone)}"`),
    ),
    ...(points.flat().some((point) => point !== undefined)
      ? []
      : [textAt(width / 2, height / 2, "no finite values", 'text-anchor="middle"')]),
  ];
}

/** What the page's script must know of an axis; undefined without a point. */
function hoverAxis({ label, scale }: Axis, drawnTo: Plot.Scale | undefined): HoverAxis | undefined {
  const { domain, range } = (drawnTo ?? {}) as {
    readonly domain?: readonly number[];
    readonly range?: readonly number[];
  };
  if (domain === undefined || range === undefined) return undefined;
  return {
    label: label.replace(/, log scale$/, ""),
    log: scale === "log",
    domain: [domain[0]!, domain.at(-1)!],
    range: [range[0]!, range.at(-1)!],
  };
}

const finish = (inner: string, texts: readonly string[], { title, y }: Figure, size: Size): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" ` +
  `height="${size.height}" role="img" aria-label="${escapeText(`${title}: ${y.label}`)}" fill="currentColor" ` +
  `font-family="system-ui, sans-serif" font-size="10.5" text-anchor="middle">` +
  // The style sheet that Plot adds is for a plot that stands alone in a page.
  `${inner.replace(/^<style>[^<]*<\/style>/, "")}${texts.join("")}</svg>`;

const textAt = (x: number, y: number, text: string, more: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more.includes("text-anchor") ? "" : 'text-anchor="start" '}${more}>` +
  `${escapeText(text)}</text>`;

/** A log axis ends at marks, so that its first and last one can be read. */
function withLogDomain(figure: Figure, which: "x" | "y"): Axis {
  const axis = figure[which];
  if (axis.scale !== "log" || axis.domain !== undefined) return axis;
  const domain = commonDomain([figure], which);
  return domain === undefined ? axis : { ...axis, domain };
}

const axisOptions = ({ scale = "linear", domain }: Axis): Plot.ScaleOptions => ({
  type: scale,
  ...(domain === undefined ? {} : { domain: [...domain] }),
  ...(scale === "linear" ? { nice: domain === undefined } : {}),
});

interface Ticks {
  readonly ticks: number | number[];
  readonly tickFormat: (value: number) => string;
}

/** Where an axis is marked, and how that is written; on a whole axis only whole numbers are. */
function ticksOf(figure: Figure, which: "x" | "y"): Ticks {
  const { scale, domain, whole } = figure[which];
  return {
    ticks: scale !== "log" ? 5 : domain === undefined ? [] : logTicks(...domain),
    tickFormat: (value: number) => (whole === true && !Number.isInteger(value) ? "" : tickText(value)),
  };
}

function marksOf({ tone, style, label }: Series, points: readonly (Point | undefined)[]): Plot.Markish[] {
  const stroke = toneColor(tone);
  const channels = { x: (point?: Point) => point?.x, y: (point?: Point) => point?.y };
  const look = {
    line: { strokeWidth: 1.7 },
    dotted: { strokeWidth: 1.5 },
    dashed: { strokeWidth: 1.2, strokeDasharray: "5 3" },
    faint: { strokeWidth: 0.8, strokeOpacity: 0.3 },
    crosses: {},
  }[style];
  const ariaLabel = (): string => `curve ${label}`;
  if (style === "crosses")
    return [Plot.dot(points, { ...channels, stroke, symbol: "times", r: 4, strokeWidth: 1.6, ariaLabel })];
  const line = Plot.line(points, { ...channels, stroke, ...look, ariaLabel });
  const hasBand = points.some((point) => point?.low !== undefined);
  const band = { x: channels.x, y1: (point?: Point) => point?.low, y2: (point?: Point) => point?.high };
  if (hasBand)
    return [
      Plot.areaY(points, { ...band, fill: stroke, fillOpacity: 0.14, ariaLabel }),
      line,
      Plot.dot(points, { ...channels, fill: stroke, r: 2.2, ariaLabel }),
    ];
  return style === "dotted"
    ? [line, Plot.dot(points, { ...channels, fill: stroke, r: 1.8, ariaLabel })]
    : [line];
}

interface EndLabel {
  readonly label: string;
  readonly tone: Series["tone"];
  /** In pixels from above. */
  readonly y: number;
}

/** The names of the curves at the heights of their last points, moved apart so that none covers another. */
function endLabels(
  { series }: Figure,
  points: readonly (readonly (Point | undefined)[])[],
  yOf: (value: number) => number,
  height: number,
): readonly EndLabel[] {
  const wanted = series.flatMap(({ label, tone }, index) => {
    const last = points[index]!.findLast((point) => point !== undefined);
    return label === "" || last === undefined ? [] : [{ label, tone, y: yOf(last.y) }];
  });
  wanted.sort((a, b) => a.y - b.y);
  let free = margins.top;
  const down = wanted.map((label) => {
    const y = Math.max(label.y, free);
    free = y + lineHeight;
    return { ...label, y };
  });
  let room = height - margins.bottom + lineHeight;
  return down.toReversed().map((label) => {
    room = Math.min(label.y, room - lineHeight);
    return { ...label, y: room };
  });
}
