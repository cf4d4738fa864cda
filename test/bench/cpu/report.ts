import { ratiosTo, spreadOf, type Spread } from "../statistics.ts";
import type { Measured } from "./measure.ts";

/** A row by an engine, as figures. */
export interface Figure {
  readonly row: string;
  readonly engine: string;
  readonly threads: number;
  readonly note: string | undefined;
  /** Milliseconds of a call, over the rounds. */
  readonly ms: Spread;
  /** Its time by that of the first engine with as many threads, in the same round: above 1, that one is faster. */
  readonly ratio: Spread | undefined;
  /** How much faster than the same engine with one thread. */
  readonly gain: Spread | undefined;
  readonly difference: number;
  readonly memory: number | undefined;
}

export function figuresOf(row: string, measured: readonly Measured[]): readonly Figure[] {
  const find = (name: string, threads: number): Measured | undefined =>
    measured.find(({ engine }) => engine.name === name && engine.threads === threads);
  const ratio = (of: Measured, to: Measured | undefined): Spread | undefined =>
    to === undefined || to === of ? undefined : spreadOf(ratiosTo(of.ms, to.ms));
  return measured.map((each) => {
    const { engine, note, ms, difference, memory } = each;
    const single = find(engine.name, 1);
    return {
      row,
      engine: engine.name,
      threads: engine.threads,
      note,
      ms: spreadOf(ms),
      ratio: ratio(each, find(measured[0]!.engine.name, engine.threads)),
      gain: single === undefined ? undefined : ratio(single, each),
      difference,
      memory,
    };
  });
}

/** Three digits. */
export const showMs = (ms: number): string =>
  `${ms < 100 ? ms.toPrecision(3) : Number(ms.toPrecision(3)).toLocaleString("en")} ms`;

const showRatio = ({ median, min, max }: Spread): string =>
  `**${median.toFixed(2)}** (${min.toFixed(2)}–${max.toFixed(2)})`;

/**
 * Markdown: a line for each row and number of threads, a column for each engine. lmg's own is its time; the others' are
 * theirs by lmg's, the median of the rounds, their least and their largest.
 */
export function markdownTable(figures: readonly Figure[]): string {
  const engines = [...new Set(figures.map(({ engine }) => engine))];
  const [base] = engines;
  const keys = [...new Set(figures.map(({ row, threads }) => `${row} | ${threads}`))];
  const lines = keys.map((key) => {
    const here = figures.filter(({ row, threads }) => `${row} | ${threads}` === key);
    const cells = engines.map((name) => {
      const figure = here.find(({ engine }) => engine === name);
      if (figure === undefined) return "";
      const time = showMs(figure.ms.median);
      return figure.ratio === undefined || name === base ? time : `${time}, ${showRatio(figure.ratio)}`;
    });
    const apart = here.reduce((most, { difference }) => Math.max(most, difference), 0);
    return `| ${[key, ...cells, apart.toExponential(1)].join(" | ")} |`;
  });
  return [
    `| | threads | ${engines.join(" | ")} | apart |`,
    `|---|---|${engines.map(() => "---:|").join("")}---:|`,
    ...lines,
  ].join("\n");
}

/** A figure as a line of the log. */
export function describeFigure(figure: Figure): string {
  const { engine, threads, note, ms, ratio, gain, difference, memory } = figure;
  const name = `${engine}${note === undefined ? "" : ` (${note})`}, ${threads}`;
  const parts = [`${showMs(ms.median)} (${showMs(ms.min)} to ${showMs(ms.max)})`];
  if (ratio !== undefined) parts.push(`${ratio.median.toFixed(2)} of lmg's`);
  if (gain !== undefined) parts.push(`${gain.median.toFixed(2)} × one thread`);
  parts.push(`${difference.toExponential(1)} apart`);
  if (memory !== undefined) parts.push(`${(memory / 1e6).toFixed(0)} MB`);
  return `${name.padEnd(30)} ${parts.join("; ")}`;
}
