import { setFlagsFromString } from "node:v8";
import { expect } from "vitest";
import { kernelOf } from "../../../src/emit/wasm/kernels/table.ts";
import { machines } from "../../../src/emit/wasm/machine.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { plain, runKernels, unrolled } from "./harness.ts";

setFlagsFromString("--experimental-wasm-relaxed-simd");

const everyMachine = { plain, unrolled, relaxed: machines.relaxed };

/** Which memory a view begins in, and where. */
const memoryIn =
  (plan: Plan): Parameters<typeof kernelOf>[2] =>
  ({ buffer, offset }) => {
    const { home } = plan.buffers[buffer]!;
    return `${home.kind === "slot" ? `slot ${home.slot}` : buffer} ${offset.key}`;
  };

export type Given = Omit<Parameters<typeof runKernels>[1], "kernelOf" | "machine" | "ranks">;

/** What a plan gives on each machine, which no number of threads changes. */
export function runOnAll(
  plan: Plan,
  given: Given,
  check: (found: ReturnType<typeof runKernels>) => void,
): void {
  const memoryOf = memoryIn(plan);
  for (const machine of Object.values(everyMachine)) {
    const run = (ranks: number) =>
      runKernels(plan, {
        ...given,
        machine,
        ranks,
        kernelOf: (stage, k) => kernelOf(stage, k, memoryOf),
      });
    const found = run(1);
    check(found);
    for (const ranks of [2, 3, 7]) expect(run(ranks)).toEqual(found);
  }
}
