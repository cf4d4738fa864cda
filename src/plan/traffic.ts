import { evaluateDim } from "../tensor/dim.ts";
import type { Layout } from "./layout.ts";
import { stepsOf, type Stage } from "./loops.ts";
import { memoryName, type Plan } from "./plan.ts";
import { movedBy, placeOfView, type Moved, type Sizes } from "./stats.ts";

/** Bytes of one tensor that a stage reads or writes. */
export interface Access {
  readonly bytes: number;
  readonly isWrite: boolean;
  /**
   * Bytes of different memory that were touched since this memory was, itself among them: a cache that holds as many has it
   * still. Runs follow each other, so that a weight comes back after all that one run touches.
   */
  readonly distance: number;
}

/** What a stage computes, and what it moves between memory and registers. */
export interface StageTraffic {
  readonly flops: number;
  readonly accesses: readonly Access[];
}

/** The traffic of each stage, where each run follows another of the same sizes. */
export function trafficOf(
  stages: readonly Stage[],
  { buffers }: Pick<Plan, "buffers">,
  sizes: Sizes,
  layout: Layout,
): readonly StageTraffic[] {
  const moves = stages.map((stage) => movedByStage(stage, sizes, layout));
  const memory = ({ view: { buffer } }: Moved): string => memoryName(buffers[buffer]!);
  const recent = new Recency();
  const touchAll = ({ reads, writes }: StageMoves): Access[] =>
    [
      ...reads.map((moved) => ({ moved, isWrite: false })),
      ...writes.map((moved) => ({ moved, isWrite: true })),
    ].map(({ moved, isWrite }) => {
      const distance = recent.touch(memory(moved), moved.bytes);
      return { bytes: moved.bytes, isWrite, distance };
    });
  // The run before, which says where each tensor was last.
  for (const move of moves) touchAll(move);
  return moves.map((move) => ({ flops: move.flops, accesses: touchAll(move) }));
}

interface StageMoves {
  readonly flops: number;
  readonly reads: readonly Moved[];
  readonly writes: readonly Moved[];
}

/** Steps that are one loop read what they share once, and hand each other what they make in registers. */
function movedByStage(stage: Stage, sizes: Sizes, layout: Layout): StageMoves {
  const steps = stepsOf(stage);
  const moves = steps.map((step) => movedBy(step, sizes, layout));
  const made = new Set(
    "steps" in stage ? steps.flatMap(({ results }) => results.map(({ buffer }) => buffer)) : [],
  );
  const isStored = (buffer: number): boolean => !("steps" in stage) || stage.stored.has(buffer);
  const reads = moves.flatMap((move) => move.reads).filter(({ view }) => !made.has(view.buffer));
  return {
    flops: steps.reduce((sum, step) => sum + evaluateDim(step.flops, sizes), 0),
    reads: [...new Map(reads.map((moved) => [placeOfView(moved.view), moved])).values()],
    writes: moves.flatMap((move) => move.writes).filter(({ view }) => isStored(view.buffer)),
  };
}

/** Memory in the order in which it was touched, as a cache that keeps the latest sees it. */
class Recency {
  /** Bytes by memory, the latest last. */
  readonly #bytes = new Map<string, number>();

  /** Touches so many bytes of a memory; gives the bytes that were touched since it was, these among them. */
  touch(memory: string, bytes: number): number {
    let since = 0;
    for (const [other, size] of [...this.#bytes].reverse()) {
      if (other === memory) break;
      since += size;
    }
    this.#bytes.delete(memory);
    this.#bytes.set(memory, bytes);
    return since + bytes;
  }
}
