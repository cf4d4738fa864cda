import { targets, type TargetName } from "../../emit/targets.ts";
import { engines } from "../../run/engines.ts";
import { layoutOf } from "../../plan/layout.ts";
import { operandViews, type Plan } from "../../plan/plan.ts";
import { planTotals, type Sizes } from "../../plan/stats.ts";
import { largest } from "../../support/lists.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { sizeOf } from "../../tensor/host.ts";

/** The memory that a plan takes on the processor, in bytes. */
export interface HostMemory {
  /** What lasts as long as the model: weights as runs read them, constants, states. */
  readonly residentBytes: number;
  /** What loading takes beside, until the model is made. */
  readonly loadBytes: number;
  /** What a run takes beside: its arena and its outputs. */
  readonly runBytes: number;
  /** All that is there at once at most; what the program around it takes is not in it. */
  readonly peakBytes: number;
}

export async function hostMemory(plan: Plan, sizes: Sizes, target: TargetName): Promise<HostMemory> {
  const layout = layoutOf(plan);
  const bytesOf = (buffer: number): number => evaluateDim(layout.bytes(buffer), sizes);
  const read = new Set(plan.steps.flatMap((step) => operandViews(step).map(({ buffer }) => buffer)));
  const lasting = plan.buffers.flatMap(({ home: { kind } }, buffer) =>
    kind === "state" || (read.has(buffer) && ["parameter", "prepared", "constant"].includes(kind))
      ? [buffer]
      : [],
  );
  const { weightBytes, arenaBytes, outputBytes } = planTotals(plan, sizes, layout);
  const staged = await targets[target].stagedBytes?.();
  const residentBytes = lasting.reduce((sum, buffer) => sum + bytesOf(buffer), 0);
  const loadBytes = turnedBytes(plan) + Math.min(weightBytes, staged?.(plan) ?? Infinity);
  const runBytes = arenaBytes + outputBytes;
  return { residentBytes, loadBytes, runBytes, peakBytes: residentBytes + Math.max(loadBytes, runBytes) };
}

/** A matrix whose columns become the rows of codes is there whole, as floats and as codes. */
const turnedBytes = ({ packed = [] }: Plan): number =>
  largest(
    packed.map(({ shape, form: { bits }, isTransposed }) =>
      isTransposed ? sizeOf(shape) * (4 + bits / 8) : 0,
    ),
    0,
  );

/** A memory of WebAssembly is one piece, which 32 bits address. */
const MOST_ADDRESSED = 2 ** 32;

/** Why a plan has no room on a target for the processor; undefined if it has. */
export const hostMisfit = (
  target: TargetName,
  { residentBytes, runBytes }: HostMemory,
): string | undefined =>
  target === "wasm" && residentBytes + runBytes > MOST_ADDRESSED
    ? `${engines[target].runs} needs ${(residentBytes + runBytes).toLocaleString("en-US")} bytes in one piece, and addresses ${MOST_ADDRESSED.toLocaleString("en-US")}`
    : undefined;
