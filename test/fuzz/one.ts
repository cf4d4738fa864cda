import { Random } from "./random.ts";
import { readers, type Reader, type ReaderName } from "./readers.ts";

/**
 * What one input may take: seconds, and bytes of memory above what was in use before. The seconds are those of a machine of
 * its own, of which the clock's are too many where others use the processor, and the processor's too many where several
 * threads (the compiler's and the garbage collector's of V8) work at once: the smaller is the nearer.
 */
export const limits = { seconds: 2, bytes: 512 * 2 ** 20 };

export interface Outcome {
  readonly seconds: number;
  /** Above what the process held before; 0 if it had held more at some time. */
  readonly bytes: number;
  /** What was thrown, or the limit that was broken. */
  readonly failure: string | undefined;
}

export const inputOf = (name: ReaderName, seed: number, index: number): string | Uint8Array =>
  readers[name].make(new Random(seed, index));

/** Reads one input and measures it. */
export function readOne(name: ReaderName, seed: number, index: number): Outcome {
  const input = inputOf(name, seed, index);
  const [before, peak] = [process.memoryUsage.rss(), peakBytes()];
  const [start, clock] = [process.cpuUsage(), performance.now()];
  let failure: string | undefined;
  try {
    (readers[name] as Reader).read(input as never);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { user, system } = process.cpuUsage(start);
  const seconds = Math.min((user + system) / 1e6, (performance.now() - clock) / 1000);
  // What stays below an earlier peak cannot be seen, and is no more than that.
  const bytes = peakBytes() > peak ? peakBytes() - before : 0;
  failure ??= seconds > limits.seconds ? `${seconds.toFixed(1)} s` : undefined;
  failure ??= bytes > limits.bytes ? `${Math.round(bytes / 2 ** 20)} MB` : undefined;
  return { seconds, bytes, failure };
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;
