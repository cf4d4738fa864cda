import { reasonWords } from "../../study/early.ts";
import { learnedNothing } from "../../study/frequencies.ts";
import { showRate, showSet } from "../../study/grid.ts";
import type { RunResult } from "../../study/result.ts";
import type { RatePoint, Spread, Summary, SummaryRow } from "../../study/summary.ts";
import { remarkOf } from "../../report/study-words.ts";
import type { Out } from "../out.ts";
import { showTable } from "../table.ts";

/** `2.759 ± 0.035` */
export const showSpread = ({ mean, deviation }: Spread, sign = false): string =>
  `${sign && mean >= 0 ? "+" : ""}${mean.toFixed(3)}${deviation === null ? "" : ` ± ${deviation.toFixed(3)}`}`;

/** What a run came to, in a line. */
export function showResult({ name, stopped, made, steps, validation, frequencies }: RunResult): string {
  if (stopped !== null) return `${name}: stopped at ${stopped.step} of ${steps}: ${reasonWords[stopped.why]}`;
  const loss = validation === null ? "no validation part" : `validation ${validation.toFixed(4)}`;
  const nothing = learnedNothing(validation, frequencies)
    ? `; did not learn (frequencies ${frequencies!.toFixed(3)})`
    : "";
  return `${name}: ${loss} after ${made} steps${nothing}`;
}

/** The table of a study: a row a placement, then its losses over the rates. */
export function showSummary(summary: Summary, out: Out): void {
  const { rows, rates, steps, seeds, frequencies, axes } = summary;
  const made = rows.reduce((sum, row) => sum + row.made, 0);
  const planned = rows.reduce((sum, row) => sum + row.planned, 0);
  const name = (row: SummaryRow): string => showSet(row.set) || "the model";
  out.write(
    `${made} of ${planned} runs of ${steps} steps, seeds 1 to ${seeds.at(-1)}, mean ± standard deviation over seeds\n\n`,
  );
  const [compared] = axes;
  const base = rows[0]?.set[compared ?? ""];
  const heads = [
    "",
    "best rate",
    "validation",
    "n",
    base === undefined ? "difference" : `from ${base}`,
    "stopped",
    "sensitivity",
    "",
  ];
  const body = rows.map((row) => [
    name(row),
    row.best === null ? "–" : showRate(row.best.rate),
    row.best?.validation == null ? "–" : showSpread(row.best.validation),
    String(row.best?.validation?.n ?? 0),
    row.difference === null ? "" : showSpread(row.difference, true),
    row.stopped === 0 ? "" : `${row.stopped} of ${row.made}`,
    row.sensitivity === null ? "" : row.sensitivity.toFixed(3),
    remarkOf(row),
  ]);
  out.write(showTable(heads, body, [1, 2, 3, 4, 5, 6]));
  if (rates.length > 1) {
    out.write(`\nvalidation loss over the learning rate\n`);
    const cells = rows.map((row) => [
      name(row),
      ...rates.map((rate) => showPoint(row.curve.find((point) => point.rate === rate))),
    ]);
    out.write(
      showTable(
        ["", ...rates.map(showRate)],
        cells,
        rates.map((_, index) => index + 1),
      ),
    );
  }
  if (frequencies !== null)
    out.write(
      out.paint.faint(`\nthe frequencies of the targets alone have a loss of ${frequencies.toFixed(3)}\n`),
    );
}

function showPoint(point: RatePoint | undefined): string {
  if (point === undefined) return "";
  const stopped = point.stopped === 0 ? "" : `${point.stopped} ×`;
  return [point.validation === null ? "" : showSpread(point.validation), stopped].filter(Boolean).join(", ");
}
