import { showSet } from "../study/grid.ts";
import type { RunResult } from "../study/result.ts";
import type { Summary } from "../study/summary.ts";
import type { TelemetryRows } from "../train/telemetry.ts";
import type { Figure, Point, Series } from "./figure.ts";

/** The steps at whose start the stream is looked at: after none, 1, 3 and 7 updates. */
const STEPS = [1, 2, 4, 8];

interface Measured {
  readonly summary: Summary;
  readonly results: readonly RunResult[];
  readonly telemetry: ReadonlyMap<string, TelemetryRows>;
}

/**
 * The coordinate check of µP (Yang et al. 2022, "Tensor Programs V", appendix D): how the stream grows with a size, at
 * initialization and after few steps. A figure a placement and an axis that is numbers, a curve a step, its slope on log-log axes
 * beside it. The middle rate and the first seed.
 */
export function coordinateFigures({ summary, results, telemetry }: Measured): readonly Figure[] {
  const { axes, rates, seeds } = summary;
  const rate = rates[Math.floor(rates.length / 2)];
  const runs = results.filter((run) => run.rate === rate && run.seed === seeds[0]);
  return axes.slice(1).flatMap((axis) => {
    const groups = new Map<string, RunResult[]>();
    for (const run of runs) {
      const others = Object.fromEntries(Object.entries(run.set).filter(([name]) => name !== axis));
      groups.set(showSet(others), [...(groups.get(showSet(others)) ?? []), run]);
    }
    return [...groups].flatMap(([label, group]) => {
      const series = STEPS.flatMap((step, tone) => seriesOf(group, { axis, step, tone, telemetry }));
      return series.length === 0
        ? []
        : [
            {
              title: `${label}: stream after the last edge`,
              x: { label: axis, scale: "log" as const },
              y: { label: "RMS, log scale", scale: "log" as const },
              series,
            },
          ];
    });
  });
}

function seriesOf(
  runs: readonly RunResult[],
  {
    axis,
    step,
    tone,
    telemetry,
  }: {
    readonly axis: string;
    readonly step: number;
    readonly tone: number;
    readonly telemetry: Measured["telemetry"];
  },
): readonly Series[] {
  const points = runs
    .flatMap(({ set, name }): Point[] => {
      const rows = telemetry.get(name);
      const last = rows?.columns.findLastIndex(({ measure }) => measure === "rms") ?? -1;
      const row = rows?.rows.find(([at]) => at === step);
      const y = row?.[last + 1];
      if (last < 0 || y === undefined || !Number.isFinite(Number(set[axis]))) return [];
      const { edge, line } = rows!.columns[last]!;
      return [{ x: Number(set[axis]), y, at: `${edge ?? ""}${line === null ? "" : `, line ${line}`}` }];
    })
    .sort((a, b) => a.x - b.x);
  if (new Set(points.map(({ x }) => x)).size < 2) return [];
  const slope = slopeOf(points);
  return [{ label: `step ${step}: ${slope.toFixed(2)}`, tone, style: "dotted", points }];
}

/** The slope of the line of least squares through the points on log-log axes. */
export function slopeOf(points: readonly Point[]): number {
  const logs = points.map(({ x, y }) => [Math.log(x), Math.log(y)] as const);
  const mean = (part: 0 | 1): number => logs.reduce((sum, log) => sum + log[part], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0);
  return over / logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0);
}
