import type { Scalars } from "../../train/measures.ts";
import type { TextSample } from "../../train/samples.ts";
import type { StepReport } from "../../train/trainer.ts";
import { showCount } from "../numbers.ts";

/** `1 h 02 min`, `14 min 12 s`, `4.2 s` */
export function showDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (count: number): string => String(count).padStart(2, "0");
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** `loss 1.8712, accuracy 0.4512` */
export const showMeasures = (measures: Scalars): string =>
  Object.entries(measures)
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join(", ");

/** A text that was sampled, moved in from the lines around it. */
export const showSample = ({ prompt, text }: TextSample): string => `${prompt}${text}`.replace(/^/gm, "  ");

/** A step in a line: its measures, the rate, the time left. */
export const showStep = (
  { measures }: StepReport,
  perSecond: number,
  unit: string,
  secondsLeft: number,
): string =>
  `${showMeasures(measures)}, ${showCount(perSecond)} ${unit}/s, ${showDuration(secondsLeft)} left`;

/** What differs between two runs, in words. */
export const showDifferences = (
  differences: readonly { readonly name: string; readonly before: string; readonly now: string }[],
): string =>
  differences
    .map(({ name, before, now }) =>
      hashed.has(name)
        ? `its ${name} ${name.endsWith("s") ? "are" : "is"} not the same`
        : `its ${name} is ${before}, here ${now}`,
    )
    .join("; ");

/** What is compared by a hash, which says nothing to people. */
const hashed: ReadonlySet<string> = new Set(["model", "data", "tokenizer", "first weights", "validation"]);
