import { layoutOf } from "../../src/plan/layout.ts";
import { operandViews, type Plan, type Step } from "../../src/plan/plan.ts";
import { largestOf, planStats, type PlanTotals } from "../../src/plan/stats.ts";
import { evaluateDim } from "../../src/tensor/dim.ts";
import { showDims } from "../../src/run/sizes.ts";
import { positionAt } from "../../src/support/source.ts";
import { MODEL_FILE } from "../model.ts";

export interface ShownStep {
  readonly op: string;
  readonly label: string;
  readonly fused: readonly string[];
  readonly line: number;
  readonly flops: number;
  readonly bytes: number;
}

/** A tensor in a slot, from the step that makes it to the last one that reads it. */
export interface ShownUse {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

export interface ShownPlan {
  readonly steps: readonly ShownStep[];
  readonly slots: readonly { readonly bytes: number; readonly uses: readonly ShownUse[] }[];
  readonly totals: PlanTotals;
  /** `B=1, T=128` */
  readonly sizes: string;
}

export function planOf(plan: Plan, sizes: ReadonlyMap<string, number>): ShownPlan {
  const layout = layoutOf(plan);
  const { perStep, ...totals } = planStats(plan, sizes, layout);
  const lives = livesOf(plan);
  return {
    totals,
    sizes: showDims(sizes),
    steps: plan.steps.map((step, index) => {
      const { bytesRead, bytesWritten, flops } = perStep[index]!;
      const { label, fused } = step.origin;
      return { op: step.op, label, fused, line: lineOf(step), flops, bytes: bytesRead + bytesWritten };
    }),
    slots: layout.slots(plan).map((slot, index) => ({
      bytes: largestOf(slot, sizes),
      uses: plan.slots[index]!.buffers.flatMap((buffer) => {
        const life = lives.get(buffer);
        const bytes = evaluateDim(layout.bytes(buffer), sizes);
        return life === undefined ? [] : [{ name: plan.buffers[buffer]!.name, ...life, bytes }];
      }),
    })),
  };
}

/** The first and the last step that touch each buffer. */
function livesOf({ steps }: Plan): ReadonlyMap<number, { readonly first: number; readonly last: number }> {
  const lives = new Map<number, { first: number; last: number }>();
  for (const [index, step] of steps.entries())
    for (const { buffer } of [...step.results, ...operandViews(step)]) {
      const life = lives.get(buffer);
      if (life === undefined) lives.set(buffer, { first: index, last: index });
      else life.last = index;
    }
  return lives;
}

/** The line of the model's own text; 0 where there is none. */
function lineOf({ origin }: Step): number {
  const span = origin.spans.findLast(({ source }) => source.name === MODEL_FILE);
  return span === undefined ? 0 : positionAt(span.source, span.start).line;
}
