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
import { escapeText } from "./escape.ts";
import { logTicks, tickText } from "./ticks.ts";
import { toneColor } from "./theme.ts";

/** Room for the title, the labels of the axes and, at the right, the names of the curves. */
const margins = { top: 50, bottom: 40, left: 52 } as const;
const lineHeight = 13;

/**
 * Draws a figure as an `<svg>` element that takes its colours from the theme around it and scales to its place. A figure
 * without a point to draw says so.
 */
export function drawFigure(given: Figure, { width, height }: Size): string {
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
  const ends = scaleY === undefined ? [] : endLabels(figure, points, (y) => Number(scaleY.apply(y)), height);
  const texts = [
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
  return finish(plot.innerHTML, texts, figure, { width, height });
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

function marksOf({ tone, style }: Series, points: readonly (Point | undefined)[]): Plot.Markish[] {
  const stroke = toneColor(tone);
  const channels = { x: (point?: Point) => point?.x, y: (point?: Point) => point?.y };
  const look = {
    line: { strokeWidth: 1.7 },
    dotted: { strokeWidth: 1.5 },
    dashed: { strokeWidth: 1.2, strokeDasharray: "5 3" },
    faint: { strokeWidth: 0.8, strokeOpacity: 0.3 },
  }[style];
  const line = Plot.line(points, { ...channels, stroke, ...look });
  return style === "dotted" ? [line, Plot.dot(points, { ...channels, fill: stroke, r: 1.8 })] : [line];
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
