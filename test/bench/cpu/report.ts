import { ratiosTo, spreadOf, type Spread } from "../statistics.ts";
import type { Measured, Time } from "./measure.ts";

/** Milliseconds of a call over the rounds, and how they compare. */
export interface Compared {
  readonly spread: Spread;
  /** By those of the first engine with as many threads, in the same round: above 1, that one takes less. */
  readonly ratio: Spread | undefined;
  /** Those of the same engine with one thread by these. */
  readonly gain: Spread | undefined;
}

/** A row by an engine, as figures. */
export interface Figure {
  readonly row: string;
  readonly engine: string;
  readonly threads: number;
  readonly note: string | undefined;
  readonly wall: Compared;
  /** Time on processors, all threads together; unknown in a page. */
  readonly cpu: Compared | undefined;
  readonly difference: number;
  readonly memory: number | undefined;
}

export function figuresOf(row: string, measured: readonly Measured[]): readonly Figure[] {
  const find = (name: string, threads: number): Measured | undefined =>
    measured.find(({ engine }) => engine.name === name && engine.threads === threads);
  const compare = (each: Measured, of: (time: Time) => number): Compared => {
    const own = each.times.map(of);
    const other = (to: Measured | undefined): readonly number[] | undefined =>
      to === undefined || to === each ? undefined : to.times.map(of);
    const base = other(find(measured[0]!.engine.name, each.engine.threads));
    const single = other(find(each.engine.name, 1));
    return {
      spread: spreadOf(own),
      ratio: base && spreadOf(ratiosTo(own, base)),
      gain: single && spreadOf(ratiosTo(single, own)),
    };
  };
  return measured.map((each) => {
    const { engine, note, times, difference, memory } = each;
    const isTimed = times.every(({ cpu }) => cpu !== undefined);
    return {
      row,
      engine: engine.name,
      threads: engine.threads,
      note,
      wall: compare(each, ({ ms }) => ms),
      cpu: isTimed ? compare(each, ({ cpu }) => cpu!) : undefined,
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
export function markdownTable(figures: readonly Figure[], kind: "wall" | "cpu"): string {
  const engines = [...new Set(figures.map(({ engine }) => engine))];
  const [base] = engines;
  const keys = [...new Set(figures.map(({ row, threads }) => `${row} | ${threads}`))];
  const lines = keys.map((key) => {
    const here = figures.filter(({ row, threads }) => `${row} | ${threads}` === key);
    const cells = engines.map((name) => {
      const figure = here.find(({ engine }) => engine === name);
      const compared = figure?.[kind];
      if (compared === undefined) return "";
      const time = showMs(compared.spread.median);
      return compared.ratio === undefined || name === base ? time : `${time}, ${showRatio(compared.ratio)}`;
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
  const { engine, threads, note, wall, cpu, difference, memory } = figure;
  const name = `${engine}${note === undefined ? "" : ` (${note})`}, ${threads}`;
  const { spread, ratio, gain } = wall;
  const parts = [`${showMs(spread.median)} (${showMs(spread.min)} to ${showMs(spread.max)})`];
  if (ratio !== undefined) parts.push(`${ratio.median.toFixed(2)} of lmg's`);
  if (gain !== undefined) parts.push(`${gain.median.toFixed(2)} × one thread`);
  if (cpu !== undefined) parts.push(`${showMs(cpu.spread.median)} of processors`);
  if (cpu?.ratio !== undefined) parts.push(`${cpu.ratio.median.toFixed(2)} of lmg's`);
  parts.push(`${difference.toExponential(1)} apart`);
  if (memory !== undefined) parts.push(`${(memory / 1e6).toFixed(0)} MB`);
  return `${name.padEnd(30)} ${parts.join("; ")}`;
}
