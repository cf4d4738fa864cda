import type { StageTraffic } from "../../plan/traffic.ts";
import type { Ceilings, Speed } from "./ceilings.ts";

/** What a stage comes up against first, and the seconds that it takes at least for that. */
export interface Limit {
  readonly by: "compute" | "memory";
  readonly seconds: number;
}

/**
 * The roofline (Williams, Waterman and Patterson 2009): a stage takes at least as long as its operations at the ceiling of
 * products, and as long as its bytes at the speed of where they lie. A byte is read as fast as those that were gone through
 * again and again in as much memory as was touched since; a byte that is written adds what copying takes beyond reading.
 */
export function limitOf({ flops, accesses }: StageTraffic, ceilings: Ceilings): Limit {
  const compute = flops / ceilings.flops;
  const memory = accesses.reduce((seconds, { bytes, isWrite, distance }) => {
    const { read, copy } = speedAt(distance, ceilings.speeds);
    return seconds + bytes * (isWrite ? Math.max(0, 2 / copy - 1 / read) : 1 / read);
  }, 0);
  return compute >= memory ? { by: "compute", seconds: compute } : { by: "memory", seconds: memory };
}

/** Between two sizes that were measured on the line through both, of logarithms; beyond the last as there. */
export function speedAt(bytes: number, speeds: readonly Speed[]): Speed {
  const above = speeds.findIndex((speed) => speed.bytes >= bytes);
  if (above <= 0) return { ...(above === 0 ? speeds[0]! : speeds.at(-1)!), bytes };
  const [low, high] = [speeds[above - 1]!, speeds[above]!];
  const share = Math.log(bytes / low.bytes) / Math.log(high.bytes / low.bytes);
  const between = (from: number, to: number): number => from * (to / from) ** share;
  return { bytes, read: between(low.read, high.read), copy: between(low.copy, high.copy) };
}
