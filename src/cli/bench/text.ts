import type { Ceilings } from "../../run/bench/ceilings.ts";
import { countOf, showBytes, showCount } from "../numbers.ts";
import { showTable } from "../table.ts";
import type { Spread } from "./statistics.ts";
import type { StepReport, TargetReport } from "./report.ts";

/** What a run is counted in. */
export interface Unit {
  readonly name: "token" | "row";
  /** How many of them a run has. */
  readonly count: number;
}

/** What so many threads reach at best here. */
export function showCeilings({ threads, flops, speeds }: Ceilings): string {
  const rows = speeds.map(({ bytes, read, copy }) => [
    `memory, ${showBytes(bytes)} again and again`,
    `${giga(read)} GB/s read, ${giga(copy)} copied`,
  ]);
  const heads = [`ceilings of ${countOf(threads, "thread")}`, ""];
  return showTable(heads, [["products in registers", `${giga(flops)} GFLOP/s`], ...rows]);
}

/** The steps of a target as a table. */
export function showSteps({ target, threads, steps }: TargetReport): string {
  const heads = [
    `${target}, ${countOf(threads, "thread")}`,
    "kernel",
    "",
    "time",
    "share",
    "GFLOP/s",
    "GB/s",
    "nearest ceiling",
  ];
  return showTable(heads, [...steps.map(stepRow), totalRow(steps)], [2, 3, 4, 5, 6]);
}

/** All steps of a run together, which is what it takes but for what threads need not wait for. */
function totalRow(steps: readonly StepReport[]): string[] {
  const total = (pick: (step: StepReport) => number): number =>
    steps.reduce((sum, step) => sum + pick(step), 0);
  const seconds = total((step) => step.seconds);
  return [
    "all steps",
    "",
    `× ${total(({ count }) => count)}`,
    showSeconds(seconds),
    "",
    rate(
      total(({ flops }) => flops),
      seconds,
    ),
    rate(
      total(({ bytes }) => bytes),
      seconds,
    ),
    percent(total(({ limit }) => limit.seconds) / seconds),
  ];
}

/** Letters of a kernel's words that a line of a table has room for. */
const MOST_LETTERS = 48;

/** The ops of a kernel, as many as there is room for: `mul + mul + add + … (13)`. */
function shortKernel(kernel: string): string {
  if (kernel.length <= MOST_LETTERS) return kernel;
  const words = kernel.split(" + ");
  const fits = words.filter((_, index) => words.slice(0, index + 1).join(" + ").length <= MOST_LETTERS - 10);
  return [...fits, `… (${words.length})`].join(" + ");
}

function stepRow({ label, kernel, count, seconds, share, flops, bytes, limit }: StepReport): string[] {
  return [
    label,
    shortKernel(kernel),
    count === 1 ? "" : `× ${count}`,
    showSeconds(seconds),
    percent(share),
    rate(flops, seconds),
    rate(bytes, seconds),
    seconds === 0 ? "" : `${limit.by} ${percent(limit.seconds / seconds)}`,
  ];
}

/** Whole runs of all targets, and their ratios. */
export function showRuns(reports: readonly TargetReport[], unit: Unit): string {
  const heads = [
    "",
    "a run",
    "middle half",
    `${unit.name}s a second`,
    ...(reports.length > 1 ? ["time", "middle half"] : []),
  ];
  const rows = reports.map(({ target, run, rate, ratio }, index) => [
    target,
    showSeconds(run.median),
    between(run, showSeconds),
    showCount(Math.round(rate)),
    ...(reports.length > 1 ? (index === 0 ? ["1", ""] : [times(ratio.median), between(ratio, times)]) : []),
  ]);
  return showTable(heads, rows, [1, 3, 4]);
}

const between = ({ low, high }: Spread, show: (value: number) => string): string =>
  `${show(low)} – ${show(high)}`;

/** Billions a second; nothing of none, or of a step that is over before it can be timed. */
const rate = (count: number, seconds: number): string =>
  count === 0 || seconds === 0 ? "" : giga(count / seconds);

const times = (ratio: number): string => `× ${ratio.toPrecision(3)}`;
const percent = (share: number): string => `${Math.round(100 * share)} %`;
/** Three digits of billions. */
const giga = (count: number): string =>
  count / 1e9 >= 100 ? (count / 1e9).toFixed(0) : (count / 1e9).toPrecision(3);

/** `1.23 ms`: three digits. */
function showSeconds(seconds: number): string {
  if (seconds < 1e-3) return `${(1e6 * seconds).toPrecision(3)} µs`;
  return seconds < 1 ? `${(1e3 * seconds).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}
