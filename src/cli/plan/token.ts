import type { DispatchReport } from "../../emit/wgsl/fit.ts";
import { keptBytes } from "../../incremental/kept-bytes.ts";
import { layoutOf, type Layout } from "../../plan/layout.ts";
import { leastBytes } from "../../plan/least-bytes.ts";
import type { Plan } from "../../plan/plan.ts";
import { planTotals, type Sizes } from "../../plan/stats.ts";
import type { Target } from "../../kernels/target.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import type { StepPlan } from "../decoding.ts";
import { showBytes, showCount } from "../numbers.ts";

/** What a token of a text costs beside the steps that make it. */
export interface TokenCosts {
  /** Weights and what the text keeps, which are to be read once. */
  readonly leastBytes: number;
  readonly bytesMoved: number;
  /** What a text keeps for each position, and with as much memory as there is. */
  readonly keptBytesAPosition: number;
  readonly keptBytes: number;
  /** Positions that there is memory for. */
  readonly capacity: number;
  /** What comes back from a device: where the likeliest token is taken, where one is drawn, and all logits. */
  readonly bytesBack?: { readonly best: number; readonly drawn: number; readonly all: number };
  /** The dispatches that find the likeliest token, beside those of the step. */
  readonly dispatches?: number;
}

/** The costs of a token after as many others as the sizes say. */
export function tokenCosts(
  { plan, decoding, picks }: StepPlan,
  sizes: Sizes,
  target: Target | undefined,
  reportOf: ((plan: Plan) => DispatchReport) | undefined,
): TokenCosts {
  const layout = layoutOf(plan, target);
  const { position, text } = keptBytes(decoding);
  const capacity = sizes.get(decoding.dims.capacity) ?? 0;
  return {
    leastBytes: leastBytes(plan, sizes, layout),
    bytesMoved: planTotals(plan, sizes, layout).bytesMoved,
    keptBytesAPosition: position,
    keptBytes: text + position * capacity,
    capacity,
    ...(picks && {
      bytesBack: {
        best: outputBytes(picks.best, layout),
        drawn: outputBytes(picks.top, layout),
        all: picks.size * 4,
      },
    }),
    ...(picks && reportOf && { dispatches: reportOf(picks.best).dispatches.length }),
  };
}

/** One id is asked for at least. */
function outputBytes({ outputs, symbols }: Plan, layout: Layout): number {
  const one = new Map(symbols.map(({ name }) => [name, 1]));
  return outputs.reduce((sum, { buffer }) => sum + evaluateDim(layout.bytes(buffer), one), 0);
}

export function showToken(costs: TokenCosts): string {
  const { leastBytes: least, bytesMoved, keptBytes: kept, capacity, bytesBack, dispatches } = costs;
  const times = (bytesMoved / least).toFixed(3);
  const lines = [
    `a token: ${showBytes(bytesMoved)} read and written, ${times} times the ${showBytes(least)} of weights and caches`,
    ...(capacity === 0
      ? []
      : [`${showBytes(kept)} are kept with memory for ${showCount(capacity)} positions`]),
  ];
  if (bytesBack !== undefined)
    lines.push(
      `${showBytes(bytesBack.best)} come back where the likeliest token is taken${dispatches === undefined ? "" : `, which ${dispatches} more dispatches find`}; ` +
        `${showBytes(bytesBack.drawn)} where one is drawn, ${showBytes(bytesBack.all)} where that needs all logits`,
    );
  return `${lines.join("\n")}\n`;
}
