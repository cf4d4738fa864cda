import { isEvaluation, type MetricsLine, type StepLine } from "../train/lines.ts";
import { plural } from "../support/text.ts";
import { smooth, thin } from "./curves.ts";
import type { Figure, Series } from "./figure.ts";
import { figures, page, paragraph } from "./html.ts";

/** A run by its name, and what it has said. */
export interface ComparedRun {
  readonly name: string;
  readonly lines: readonly MetricsLine[];
}

/** Points of a curve at most, of many that lie over each other. */
const DETAIL = 300;

/** The curves of several runs over each other, as one HTML file. */
export function runsReport(runs: readonly ComparedRun[]): string {
  const updates = (lines: readonly MetricsLine[]) =>
    lines.filter((line): line is StepLine => !isEvaluation(line));
  const curves = (
    title: string,
    label: string,
    points: (run: ComparedRun) => Series["points"],
    scale?: "log",
  ): Figure => ({
    title,
    x: { label: "step" },
    y: { label, ...(scale !== undefined && { scale }) },
    series: runs.map((run, tone): Series => ({ label: run.name, tone, style: "line", points: points(run) })),
  });
  const stepwise = (name: string) => (run: ComparedRun) => {
    const points = updates(run.lines).map((line) => ({ x: line.step, y: line[name]! }));
    return thin(smooth(points, Math.max(1, points.length / 40)), DETAIL);
  };
  const list = [
    curves("Training loss", "smoothed", stepwise("loss")),
    curves("Validation loss", "loss", ({ lines }) =>
      lines.filter(isEvaluation).map((line) => ({ x: line.step, y: line.validation["loss"]! })),
    ),
    curves("Norm of all gradients", "smoothed, log scale", stepwise("gradient_norm"), "log"),
    curves("Learning rate", "per step", stepwise("lr")),
  ];
  return page(plural(runs.length, "run"), [
    paragraph("A click on a curve keeps it in all figures, another lets go of it."),
    figures(list, { width: 600, height: 400 }),
  ]);
}
