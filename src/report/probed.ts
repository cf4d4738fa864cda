import { withheld, type EdgeLines, type LinePoint, type Withheld } from "../autodiff/theory.ts";
import type { ProbedCase, ProbedTraining } from "../run/probe/probed.ts";
import { plural } from "../support/text.ts";

/** `post`, `depth 16`, `post, depth 16`. */
export const caseName = ({ variant, depth }: ProbedCase): string =>
  [variant, depth === undefined ? "" : `depth ${depth}`].filter((part) => part !== "").join(", ");

/** The lines of theory as columns: beside what they stand, and what they assume. */
export const lineWords = {
  uncorrelated: "if uncorrelated",
  carried: "carried only",
  alike: "all paths alike",
} as const satisfies Readonly<Record<keyof EdgeLines, string>>;

/** What the lines are, in a sentence for a reader who sees them beside what was measured. */
export const linesNote =
  "Measured in float64. Three lines to hold beside: the size «if uncorrelated» is that of a stream to which each edge adds in a " +
  "direction of its own; the gradient «carried only» is what the carried stream passes back by itself; with «all paths alike» " +
  "branches pass gradients back as they pass their input forward, which attention, whose softmax has a gradient of its own, does " +
  "not. None is a bound, and none says anything of training.";

export const trainedNote =
  "Measured in float64. The weights are trained: lines of theory are for weights that are drawn, and have no points here.";

export const pathsNote =
  "The gradient «with attention held» is what comes back where the weights of attention are as if they were given, «with branches " +
  "cut» what the carried stream passes back by itself: three backward passes, all measured.";

/** For each line, why it has no point at how many edges: `all paths alike: no point at 3 edges, where …`. */
export function withheldNotes({ edges }: ProbedCase): readonly string[] {
  return (Object.keys(lineWords) as (keyof EdgeLines)[]).flatMap((line) => {
    const counts = new Map<Withheld, number>();
    for (const { lines } of edges) {
      const point: LinePoint = lines[line];
      // Where a line begins is seen, and says nothing of the edge.
      if (typeof point === "string" && (point !== "begins" || edges.length > 2))
        counts.set(point, (counts.get(point) ?? 0) + 1);
    }
    if ((counts.get("begins") ?? 0) <= 1) counts.delete("begins");
    return [...counts].map(
      ([reason, count]) => `${lineWords[line]}: no point at ${plural(count, "edge")}: ${withheld[reason]}`,
    );
  });
}

/** What float32 misses, as a sentence; undefined if it misses nothing. */
export function float32Note({ edges }: ProbedCase): string | undefined {
  const lost = edges.filter(({ inFloat32 }) => inFloat32 !== undefined);
  return lost.length === 0
    ? undefined
    : `float32 misses the size or the gradient by more than 1 % at ${plural(lost.length, "edge")}: what a training in float32 sees is in the columns of its own`;
}

/** Whether a training ended before its last step. */
export const endedEarly = ({ steps, losses }: ProbedTraining): boolean => losses.length < steps;

/** Steps, first loss, last loss, validation loss and seconds of a training, as texts. */
export const resultTexts = ({ loss }: ProbedCase, training: ProbedTraining): readonly string[] => [
  `${training.losses.length}${endedEarly(training) ? ": NaN or infinity" : ""}`,
  loss.toFixed(3),
  lastLoss(training).toFixed(3),
  training.validation === undefined ? "" : training.validation.toFixed(3),
  training.seconds.toFixed(0),
];

/** The mean over the last twentieth of the steps. */
export function lastLoss({ losses, steps }: ProbedTraining): number {
  const last = losses.slice(-Math.max(1, Math.round(steps / 20)));
  return last.reduce((sum, loss) => sum + loss, 0) / last.length;
}
