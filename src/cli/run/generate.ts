import type { HostTensor } from "../../tensor/host.ts";
import type { RandomStream } from "../../tensor/random.ts";
import { sample, type Sampling } from "./sampling.ts";

export interface Generation {
  /** The prompt and what was added to it. */
  readonly tokens: readonly number[];
  readonly stopped: "length" | "end" | "context";
}

/**
 * Adds up to `count` tokens to a prompt: each from the logits [.., T, V] at the last position, by running the whole
 * prefix again. Ends at a stop token, which is added, and where the context is full.
 */
export async function generate(
  prompt: readonly number[],
  count: number,
  context: number,
  stopIds: ReadonlySet<number>,
  sampling: Sampling,
  random: RandomStream,
  logitsOf: (tokens: readonly number[]) => Promise<HostTensor>,
  onToken: (tokens: readonly number[]) => void,
): Promise<Generation> {
  const tokens = [...prompt];
  for (let added = 0; added < count; added++) {
    if (tokens.length >= context) return { tokens, stopped: "context" };
    const id = sample(lastRow(await logitsOf(tokens)), sampling, random);
    tokens.push(id);
    onToken(tokens);
    if (stopIds.has(id)) return { tokens, stopped: "end" };
  }
  return { tokens, stopped: "length" };
}

/** The last row of logits [.., T, V]: those of the last position of the last sequence. */
export function lastRow({ data, shape }: HostTensor): Float64Array {
  const width = shape.at(-1)!;
  return Float64Array.from(data.subarray(data.length - width));
}
