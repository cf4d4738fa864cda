import { stepWords } from "../../plan/names.ts";
import type { PlanShared, ProgramPlan, Step } from "../../plan/plan.ts";
import { positionAt } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import { sizeOf } from "../../tensor/host.ts";
import { commentText, shapeComment } from "./text.ts";

/** The file that the model's own text is in, by the first step that knows. */
export function sourceName({ parts }: ProgramPlan): string | undefined {
  for (const { origin } of parts.flatMap(({ steps }) => steps)) {
    const span = origin.spans.at(-1);
    if (span !== undefined) return span.source.name;
  }
  return undefined;
}

/** Says that the rules of the project around a module, which may be any, are not for it. */
export const notLinted = [
  "// lmg's tests hold modules like this to `tsc --strict`. What a project asks beyond that is for code that people write.",
  "// @ts-nocheck",
  "/* eslint-disable */",
];

/** `4,224 parameters in 3 tensors`; what steps of a training keep is state, gradients' sums and moments among it. */
export function tensorsText({ parameters, state }: PlanShared): string {
  const count = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0).toLocaleString("en-US");
  const tensors = plural(parameters.length, "tensor");
  return state.length === 0 ? `${count} parameters in ${tensors}` : `${count} numbers of state in ${tensors}`;
}

/** Where the model's text says what a step does: `gpt2.lmg:9`. */
function placeOf({ origin: { spans } }: Step): string | undefined {
  const span = spans.at(-1);
  return span && `${span.source.name}:${positionAt(span.source, span.start).line}`;
}

/** `h.0.ln_1 (gpt2.lmg:9)`, as errors name a step. */
export function stepPlace(step: Step): string {
  const { label } = step.origin;
  const place = placeOf(step);
  const name = label === "" ? stepWords(step).join(" + ") : label;
  return commentText(place === undefined ? name : `${name} (${place})`);
}

/** `// gpt2.lmg:9  h.0.ln_1: add + layer_norm → [B, T, 768]`: the line, the layer, what was fused, the shapes. */
export function stepComment(step: Step): string {
  const { label } = step.origin;
  const place = placeOf(step);
  const made = stepWords(step).join(" + ");
  const shapes = step.results.map(({ type }) => shapeComment(type.shape)).join(", ");
  return `// ${commentText(`${place === undefined ? "" : `${place}  `}${label === "" ? "" : `${label}: `}${made} → ${shapes}`)}`;
}
