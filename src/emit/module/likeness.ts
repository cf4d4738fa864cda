import type { View } from "../../kernels/view.ts";
import { stepsOf, type Stage } from "../../plan/loops.ts";
import { operandEntries } from "../../plan/plan.ts";

/** Where a target has its tensors: all of it that a kernel depends on. */
export interface Places {
  /** What floats are, for a target that has several. */
  readonly floats?: string;
  /** Which memory holds a view's buffer: one key, one memory. */
  readonly array: (view: View) => string;
  /** Which of its elements is the view's first; undefined where kernels know that it is the first of all. */
  readonly start: (view: View) => string | undefined;
}

/** The views of a stage, step by step: those that it reads, then those that it makes. */
export const viewsOf = (stage: Stage): readonly View[] =>
  stepsOf(stage).flatMap((step) => [...operandEntries(step).map(({ view }) => view), ...step.results]);

/**
 * Two stages with one likeness have the same kernel, and the same call but for which views it names: their ops, attributes
 * and forms are equal, and so is which of their views are the same, lie at one place, or begin where their array does.
 * The layers of a model are alike, so that a kernel is written once for all of them.
 */
export function likenessOf(stage: Stage, views: readonly View[], placing: Places): string {
  const places = views.map((view) => `${placing.array(view)} ${placing.start(view) ?? ""}`);
  const forms = views.map((view, index) =>
    [
      view.type.dtype,
      view.type.shape.map(({ key }) => key).join(),
      view.strides.map(({ key }) => key).join(),
      views.indexOf(view) === index ? "" : views.indexOf(view),
      places.indexOf(places[index]!),
      placing.start(view) === undefined ? "whole" : "",
      "steps" in stage && stage.stored.has(view.buffer) ? "stored" : "",
    ].join(" "),
  );
  const ops = stepsOf(stage).map(
    (step) =>
      `${step.op} ${operandEntries(step)
        .map(({ name }) => name)
        .join()} ${JSON.stringify(step.attrs, sizesByKey)}`,
  );
  return [placing.floats, ...ops, ...forms].join("\n");
}

/** JSON has neither infinities nor -0, and says of a size more than it takes to know it. */
function sizesByKey(_: string, value: unknown): unknown {
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  const isSize = typeof value === "object" && value !== null && "terms" in value && "key" in value;
  return isSize ? value.key : value;
}
