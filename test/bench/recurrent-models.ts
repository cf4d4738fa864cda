import { tsTarget } from "../../src/emit/ts/target.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Target } from "../../src/kernels/target.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { largestOf } from "../../src/plan/stats.ts";
import { gatedDelta, runningQuotient, selectiveScan } from "../incremental/recurrent-blocks.ts";

const model = (mixer: string, blocks = ""): string => `model m(dim = 64) {
  input tokens: i32[B, T]
  wte: embedding(23, dim)
  repeat 2 as h { residual pre n: rmsnorm { mixer: ${mixer} } }
  ln: rmsnorm
  unembed(wte)
  output logits: f32[B, T, 23]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer sgd(lr: 1e-3)
  }
}
${blocks}`;

/** Two layers of 64 channels each, of the kinds that published families have. */
export const recurrentModels: Readonly<Record<string, string>> = {
  mamba: model("mamba(128, 16, 4)", selectiveScan),
  mamba2: model("mamba2(state: 16, head_dim: 32)"),
  rwkv: model("time_mix", runningQuotient),
  "qwen3_next's delta rule": model("delta(2, 4, 16)", gatedDelta),
};

/** Bytes of the memory of a run over one text, with what kernels need while they run on one thread. */
export function runBytes(plan: Plan, { storageOf }: Target, length: number): number {
  const layout = layoutOf(plan, { ...tsTarget, storageOf });
  const sizes = new Map([
    ["B", 1],
    ["T", length],
  ]);
  return [...layout.slots(plan), layout.scratch(plan.steps)].reduce(
    (sum, region) => sum + largestOf(region, sizes),
    0,
  );
}
