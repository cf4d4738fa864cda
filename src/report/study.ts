import { showRate, showSet } from "../study/grid.ts";
import type { RatePoint, Spread, Summary, SummaryRow } from "../study/summary.ts";
import { plural } from "../support/text.ts";
import type { Figure, Point, Series } from "./figure.ts";
import { commandLine, definitions, figures, heading, page, paragraph, table } from "./html.ts";
import { coordinateFigures } from "./coordinates.ts";
import { heatSections, type ObservedStudy } from "./study-heat.ts";
import { remarkOf } from "./study-words.ts";
import { pictureOfFigures } from "./svg.ts";

/** A study as a report tells of it. */
export interface StudyReport extends ObservedStudy {
  readonly title: string;
  readonly command: string;
  /** Data, size and recipe, a line each. */
  readonly settings: readonly (readonly [name: string, value: string])[];
}

/** The report of a study as one HTML file. */
export function studyReport(study: StudyReport): string {
  const { title, command, summary, settings } = study;
  return page(title, [
    commandLine(command),
    paragraph(sizeWords(summary)),
    resultTable(summary),
    ...frequencyWords(summary).map(paragraph),
    heading("Loss over the learning rate"),
    paragraph(
      "Each placement at every rate; a band is a standard deviation over seeds, a cross a rate at which a run stopped or ended far above what the frequencies have.",
    ),
    figures(rateFigures(summary)),
    ...section(
      "Loss over size",
      sizeFigures(summary),
      "Each placement at its own best rate; dashed at the rate that is best at the smallest size.",
    ),
    ...section(
      "Size of the stream after few steps",
      coordinateFigures(study),
      "RMS of the stream after the last edge at the start of steps 1, 2, 4 and 8, at the middle rate and the first seed; the slope of a curve is by how much of a power it grows with the size.",
    ),
    ...heatSections(study),
    heading("Settings"),
    definitions(settings),
  ]);
}

/** Two figures of a study as one SVG, for a page that shows pictures. */
export const studyPicture = (summary: Summary): string =>
  pictureOfFigures(rateFigures(summary), 2, { width: 440, height: 300 });

const section = (title: string, list: readonly Figure[], words: string): readonly string[] =>
  list.length === 0 ? [] : [heading(title), paragraph(words), figures(list)];

/** How large the study is, which a ranking is true of. */
function sizeWords({ rows, steps, seeds, rates }: Summary): string {
  const made = rows.reduce((sum, row) => sum + row.made, 0);
  const planned = rows.reduce((sum, row) => sum + row.planned, 0);
  return (
    `${made} of ${plural(planned, "run")} of ${plural(steps, "step")}: ${plural(rows.length, "placement")}, ` +
    `${plural(rates.length, "rate")}, ${plural(seeds.length, "seed")}. What it says is true of this size, these data and this recipe.`
  );
}

const frequencyWords = ({ frequencies }: Summary): readonly string[] =>
  frequencies === null
    ? []
    : [
        `The frequencies of the targets alone have a loss of ${frequencies.toFixed(3)}: a placement that ends less than a hundredth below it did not learn.`,
      ];

const spreadText = ({ mean, deviation }: Spread): string =>
  `${mean.toFixed(3)}${deviation === null ? "" : ` ± ${deviation.toFixed(3)}`}`;

const resultTable = ({ rows, axes }: Summary): string =>
  table(
    [
      "placement",
      "best rate",
      "validation",
      "n",
      `from ${rows[0]?.set[axes[0] ?? ""] ?? "the first"}`,
      "stopped",
      "sensitivity",
      "",
    ],
    rows.map((row) => [
      showSet(row.set) || "the model",
      row.best === null ? "–" : showRate(row.best.rate),
      row.best?.validation == null ? "–" : spreadText(row.best.validation),
      String(row.best?.validation?.n ?? 0),
      row.difference === null ? "" : spreadText(row.difference),
      row.stopped === 0 ? "" : `${row.stopped} of ${row.made}`,
      row.sensitivity === null ? "" : row.sensitivity.toFixed(3),
      remarkOf(row),
    ]),
    [1, 2, 3, 4, 5, 6],
  );

/** The axes but the compared one: a figure each choice. */
function restOf({ axes }: Summary, { set }: SummaryRow): string {
  return showSet(Object.fromEntries(axes.slice(1).map((axis) => [axis, set[axis]!])));
}

/** The colour of a placement, the same in all figures: by its value of the compared axis. */
function toneOf({ rows, axes }: Summary, row: SummaryRow): number {
  const values = [...new Set(rows.map(({ set }) => set[axes[0] ?? ""]))];
  return values.indexOf(row.set[axes[0] ?? ""]);
}

const compared = ({ axes }: Summary, { set }: SummaryRow): string => set[axes[0] ?? ""] ?? "loss";

/** Nats above the frequencies' loss beyond which a mean has no place of its own in a figure: a run that came back from 1e5 may end at 30. */
const BEYOND = 0.5;

/** Whether a mean would squeeze all others of its figure. */
const isBeyond = ({ frequencies }: Summary, { validation }: RatePoint): boolean =>
  frequencies !== null && validation !== null && validation.mean > frequencies + BEYOND;

const pointOf = (summary: Summary, point: RatePoint, { x, at }: { x: number; at: string }): Point => {
  const { validation } = point;
  if (validation === null || isBeyond(summary, point)) return { x, y: NaN };
  const { mean, deviation, n } = validation;
  return {
    x,
    y: mean,
    at: `${at}n = ${n}`,
    ...(deviation !== null && { low: mean - deviation, high: mean + deviation }),
  };
};

/** Loss over rate: a figure a choice of the other axes, a curve a placement. */
export function rateFigures(summary: Summary): readonly Figure[] {
  const rests = [...new Set(summary.rows.map((row) => restOf(summary, row)))];
  return rests.map((rest) => {
    const rows = summary.rows.filter((row) => restOf(summary, row) === rest);
    const means = rows.flatMap(({ curve }) =>
      curve.flatMap((point) => (isBeyond(summary, point) ? [] : (point.validation?.mean ?? []))),
    );
    const worst = means.reduce((a, b) => Math.max(a, b), -Infinity);
    const series = rows.flatMap((row): Series[] => {
      const tone = toneOf(summary, row);
      const label = compared(summary, row);
      const stopped = row.curve.filter((point) => point.stopped > 0 || isBeyond(summary, point));
      return [
        {
          label,
          tone,
          style: "dotted",
          points: row.curve.map((point) => pointOf(summary, point, { x: point.rate, at: "" })),
        },
        ...(stopped.length === 0 || worst === -Infinity
          ? []
          : [
              {
                label: "",
                tone,
                style: "crosses" as const,
                points: stopped.map(({ rate, stopped: count, validation }) => ({
                  x: rate,
                  y: worst,
                  at: `${label}: ${count > 0 ? `${plural(count, "run")} stopped` : `${validation!.mean.toFixed(1)}, far above`}`,
                })),
              },
            ]),
      ];
    });
    return {
      title: rest === "" ? "Validation loss" : `Validation loss, ${rest}`,
      x: { label: "learning rate", scale: "log" },
      y: { label: "validation loss" },
      series,
    };
  });
}

/** Loss over each axis that is numbers: at each size's best rate, and at that of the smallest. */
function sizeFigures(summary: Summary): readonly Figure[] {
  return summary.axes.slice(1).flatMap((axis) => {
    const values = [...new Set(summary.rows.map(({ set }) => set[axis]!))];
    const numbers = values.map(Number);
    if (values.length < 2 || !numbers.every(Number.isFinite)) return [];
    const groups = new Map<string, SummaryRow[]>();
    for (const row of summary.rows) {
      const key = showSet(
        Object.fromEntries(
          summary.axes.filter((name) => name !== axis).map((name) => [name, row.set[name]!]),
        ),
      );
      groups.set(key, [...(groups.get(key) ?? []), row]);
    }
    const series = [...groups].flatMap(([label, rows]): Series[] => {
      const sorted = rows.toSorted((a, b) => Number(a.set[axis]) - Number(b.set[axis]));
      const tone = toneOf(summary, sorted[0]!);
      const rate = sorted[0]!.best?.rate;
      const best = sorted.flatMap(({ set, best: point }) =>
        point === null
          ? []
          : [pointOf(summary, point, { x: Number(set[axis]), at: `rate ${showRate(point.rate)}, ` })],
      );
      const transferred = sorted.flatMap(({ set, curve }) => {
        const point = curve.find((one) => one.rate === rate);
        return point === undefined
          ? []
          : [pointOf(summary, point, { x: Number(set[axis]), at: `rate ${showRate(point.rate)}, ` })];
      });
      return [
        { label, tone, style: "dotted", points: best },
        {
          label: "",
          tone,
          style: "dashed",
          points: transferred.map(({ x, y, at }) => ({ x, y, ...(at !== undefined && { at }) })),
        },
      ];
    });
    return [
      {
        title: `Validation loss over ${axis}`,
        x: { label: axis, scale: "log" as const },
        y: { label: "at the best rate" },
        series,
      },
    ];
  });
}
