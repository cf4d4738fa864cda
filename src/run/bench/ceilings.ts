import { importModule } from "../../emit/emitted.ts";
import { emitCeilings, TURN_FLOPS } from "../../emit/wasm/ceilings.ts";
import type { Problem } from "../../checkpoint/problem.ts";
import { largest } from "../../support/lists.ts";
import { attempt } from "../attempt.ts";

/** What a machine did in a second, as a kernel in WebAssembly reaches it at best with so many threads. */
export interface Ceilings {
  readonly threads: number;
  /** Floating-point operations a second: products and sums of vectors that stay in registers. */
  readonly flops: number;
  /** By how many bytes are gone through, again and again; all threads together, rising. */
  readonly speeds: readonly Speed[];
}

export interface Speed {
  readonly bytes: number;
  /** Bytes read a second. */
  readonly read: number;
  /** Bytes read and written a second where each is copied. */
  readonly copy: number;
}

/** Finds the ceilings a little better with every round; `close` it. */
export interface CeilingFinder {
  readonly threads: number;
  readonly round: () => Promise<void>;
  /** The best of all rounds: whatever else a machine does, it only takes from that. */
  readonly best: () => Ceilings;
  readonly close: () => void;
}

/** From what every core has nearest to what few caches hold: by powers of 16 and at last of 32. */
const SIZES = [14, 18, 22, 27].map((power) => 2 ** power);
/** Bytes that are gone through in a measure, and turns of products: some 0.5 ms, where a call costs 2 µs. */
const BYTES = 2 ** 25;
const TURNS = 50_000;

interface CeilingModule {
  readonly openCeilings: (threads: number, bytes: number) => Promise<OpenedCeilings>;
}

/** All give seconds. */
interface OpenedCeilings {
  readonly multiplyAdd: (turns: number) => Promise<number>;
  readonly read: (bytes: number, turns: number) => Promise<number>;
  readonly copy: (bytes: number, turns: number) => Promise<number>;
  readonly close: () => void;
}

export async function openCeilings(threads: number): Promise<CeilingFinder | Problem> {
  const { openCeilings: open } = await importModule<CeilingModule>(emitCeilings());
  const opened = await attempt(() => open(threads, largest(SIZES, 0)));
  if (!("close" in opened)) return opened;
  let flops = 0;
  const speeds = SIZES.map((bytes) => ({ bytes, read: 0, copy: 0 }));
  const round = async (): Promise<void> => {
    flops = Math.max(flops, (threads * TURNS * TURN_FLOPS) / (await opened.multiplyAdd(TURNS)));
    for (const speed of speeds) {
      const turns = Math.max(1, BYTES / speed.bytes);
      const bytes = turns * speed.bytes;
      speed.read = Math.max(speed.read, bytes / (await opened.read(speed.bytes, turns)));
      // Half of them is read, half is written.
      speed.copy = Math.max(speed.copy, bytes / (await opened.copy(speed.bytes / 2, turns)));
    }
  };
  return { threads, round, best: () => ({ threads, flops, speeds }), close: opened.close };
}
