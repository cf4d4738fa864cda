import { Problem } from "../checkpoint/problem.ts";
import type { EmittedTensors } from "../emit/emitted.ts";
import type { TargetName } from "../emit/targets.ts";
import { decodingProgram, type Decoding } from "../incremental/program.ts";
import { Refusal } from "../incremental/refusal.ts";
import type { Graph, Input } from "../ir/graph.ts";
import { hostTensor } from "../tensor/host.ts";
import { attempt } from "./attempt.ts";
import type { Tensors } from "./engine.ts";
import type { OpenParts } from "./session/model.ts";
import { Session } from "./session/session.ts";
import { decodingTargets, type PartsOptions } from "./session/targets.ts";
import { emittedWeights } from "./tensors.ts";
import { tokenInput } from "./tokens.ts";
import type { Weights } from "./weights.ts";

/**
 * Runs a model on a text that grows, and gives its outputs at the newest position: of what it has read already, nothing is
 * computed again. Nothing is made before the first text.
 */
export class TextDecoder {
  readonly #decoding: Decoding;
  readonly #input: Input;
  readonly #open: () => Promise<OpenParts>;
  #session: Session | undefined;
  #read: readonly number[] = [];

  constructor(decoding: Decoding, input: Input, open: () => Promise<OpenParts>) {
    this.#decoding = decoding;
    this.#input = input;
    this.#open = open;
  }

  /** The outputs at the last of some tokens, [1, 1, ..]; what the text before had in common with them is kept. */
  outputsAt(tokens: readonly number[]): Promise<Tensors | Problem> {
    return attempt(async () => {
      const session = await this.#sessionFor(tokens.length);
      const same = commonLength(this.#read, tokens.slice(0, -1));
      this.#read = this.#read.slice(0, same);
      await session.truncate(same);
      const outputs = await session.append(this.#inputs(tokens.slice(same)));
      this.#read = tokens;
      return this.#tensors(outputs);
    });
  }

  close(): void {
    this.#session?.dispose();
  }

  /** With memory for a text; twice as much where it has grown. */
  async #sessionFor(length: number): Promise<Session> {
    const most = this.#decoding.limit ?? Infinity;
    if (this.#session === undefined) {
      const capacity = Math.min(most, Math.max(length, LEAST_CAPACITY));
      this.#session = await Session.open(this.#decoding, await this.#open(), { capacity });
    }
    if (length > this.#session.capacity) await this.#session.reserve(Math.min(most, 2 * length));
    return this.#session;
  }

  #inputs(tokens: readonly number[]): EmittedTensors {
    const shape = this.#input.value.type.shape.length === 1 ? [tokens.length] : [1, tokens.length];
    return { [this.#input.name]: { data: Int32Array.from(tokens), shape } };
  }

  #tensors(outputs: EmittedTensors): Tensors {
    const types = this.#decoding.program.parts["append"]!.outputs;
    return new Map(
      types.map(({ name, value }) => {
        const { data, shape } = outputs[name]!;
        return [name, hostTensor(value.type.dtype, shape, data)];
      }),
    );
  }
}

/** Positions for which memory is made at first. */
const LEAST_CAPACITY = 256;

function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

export interface TextDecoderOptions extends PartsOptions {
  /** What runs it. */
  readonly runs: TargetName;
  /** False leaves steps as they are, for comparison. Default: true. */
  readonly fuse?: boolean;
}

/**
 * What decodes a text of a model, if the model reads nothing but tokens that must be given, and can be run a few positions at
 * a time; or why not.
 */
export function textDecoder(
  graph: Graph,
  weights: Weights,
  output: string,
  { runs, fuse = true, ...options }: TextDecoderOptions,
): TextDecoder | Refusal | Problem {
  const open = decodingTargets[runs];
  if (open === undefined) return new Problem("E813", `no text is kept between runs of the target ${runs}`);
  const input = tokenInput(graph);
  if (input instanceof Problem) return input;
  const symbol = input.value.type.shape.at(-1)!.key;
  const decoding = decodingProgram(graph, {
    fuse,
    target: options.target,
    symbol,
    outputs: new Set([output]),
    parts: ["append", "step"],
  });
  if (decoding instanceof Refusal) return decoding;
  const others = Object.values(decoding.program.parts).flatMap(({ inputs }) =>
    inputs.filter(({ name, fill }) => name !== input.name && fill === undefined),
  );
  const [other] = others;
  if (other === undefined)
    return new TextDecoder(decoding, input, () => open(decoding, emittedWeights(weights), options));
  return new Problem(
    "E813",
    `the model reads \`${other.name}\` beside its tokens`,
    "it is run whole for each token",
  );
}
