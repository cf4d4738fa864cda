import { parentPort, workerData } from "node:worker_threads";
import { readOne } from "./one.ts";
import type { ReaderName } from "./readers.ts";

/** A reader, the inputs that are its turn, and where it says at which it is. */
export interface Turn {
  readonly reader: ReaderName;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly current: Int32Array;
}

/** What a worker says of inputs that are slower, larger or worse than all before. */
export interface Report {
  readonly index: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly failure: string | undefined;
}

const { reader, seed, from, to, current } = workerData as Turn;
let [slowest, largest] = [0, 0];
for (let index = from; index < to; index++) {
  Atomics.store(current, 0, index);
  const { seconds, bytes, failure } = readOne(reader, seed, index);
  const isWorse = seconds > slowest || bytes > largest;
  [slowest, largest] = [Math.max(slowest, seconds), Math.max(largest, bytes)];
  if (isWorse || failure !== undefined)
    parentPort!.postMessage({ index, seconds, bytes, failure } satisfies Report);
}
