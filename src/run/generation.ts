import { orThrow, Problem, ProblemError } from "../checkpoint/problem.ts";
import type { Graph, Input } from "../ir/graph.ts";
import { plural } from "../support/text.ts";
import type { HostTensor } from "../tensor/host.ts";
import { RandomStream } from "../tensor/random.ts";
import { inputsWith, lastRow, outputOf, runModel, type RunnableModel } from "./model.ts";
import { sample, type Sampling } from "./sampling.ts";
import { contextOf, tokenInput } from "./tokens.ts";

/** How a model goes on from a prompt. */
export interface GenerationOptions extends Partial<Sampling> {
  /** The most tokens to add. */
  readonly count: number;
  /** Ids that end the text; the one that does is added. */
  readonly stop?: ReadonlySet<number>;
  /** Of the draws; 0 if left off. */
  readonly seed?: number;
  /** Beyond the context, read the last tokens only instead of ending. */
  readonly slide?: boolean;
}

/** Why a text ends: it has as many tokens as were asked for, at a stop token, or where the context is full. */
export type Ending = "length" | "end" | "context";

/**
 * A text that a model goes on with, token by token: `for await (const id of generation)`. Each comes from the logits
 * [.., T, V] at the last position, by a decoder or by running the whole prefix again. A problem that comes to light on the way (a device
 * that is lost, logits that are NaN) is thrown as a `ProblemError`.
 */
export class Generation implements AsyncIterable<number> {
  readonly #tokens: number[];
  readonly #options: GenerationOptions;
  readonly #context: number;
  readonly #logitsOf: (tokens: readonly number[]) => Promise<HostTensor>;
  readonly #random: RandomStream;
  readonly #end: number;
  #stopped: Ending | undefined;

  /** `logitsOf` gets all tokens so far, which are more than `context` where the text slides. */
  constructor(
    prompt: readonly number[],
    options: GenerationOptions,
    context: number,
    logitsOf: (tokens: readonly number[]) => Promise<HostTensor>,
  ) {
    this.#tokens = [...prompt];
    this.#options = options;
    this.#context = options.slide === true ? Infinity : context;
    this.#logitsOf = logitsOf;
    this.#random = new RandomStream(options.seed ?? 0, "sample");
    this.#end = prompt.length + options.count;
  }

  /** The prompt and what was added to it so far. */
  get tokens(): readonly number[] {
    return this.#tokens;
  }

  /** Why the text ended; undefined while it may go on. */
  get stopped(): Ending | undefined {
    return this.#stopped;
  }

  /** Adds a token; undefined where the text ends. */
  async next(): Promise<number | undefined> {
    if (this.#stopped === undefined && this.#tokens.length >= this.#end) this.#stopped = "length";
    if (this.#stopped === undefined && this.#tokens.length >= this.#context) this.#stopped = "context";
    if (this.#stopped !== undefined) return undefined;
    const { stop, temperature = 0, topK = Infinity, topP = 1 } = this.#options;
    const row = lastRow(await this.#logitsOf(this.#tokens));
    const id = sample(row, { temperature, topK, topP }, this.#random);
    this.#tokens.push(id);
    if (stop?.has(id) === true) this.#stopped = "end";
    return id;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number, void> {
    for (let id = await this.next(); id !== undefined; id = await this.next()) yield id;
  }
}

/** The input through which a model goes on with a text. */
export const textInput = (graph: Graph): Input | Problem =>
  tokenInput(graph, "it continues no text; `lmg run` runs it on arrays, as --input name=file");

/** Goes on from the ids of a prompt; a prompt that the model cannot read is a problem. */
export function generate(
  model: RunnableModel,
  prompt: readonly number[],
  options: GenerationOptions,
): Generation | Problem {
  const input = textInput(model.graph);
  if (input instanceof Problem) return input;
  const output = outputOf(model);
  const context = contextOf(model.graph, input);
  // Shorter texts are read whole.
  const read = (tokens: readonly number[]) => [tokens.slice(-context)];
  const first =
    options.slide === true || prompt.length < context ? inputsWith(model, read(prompt)) : undefined;
  if (first instanceof Problem) return first;
  return new Generation(prompt, options, context, async (tokens) => {
    // Beyond the context a text has another beginning for each token: nothing of the one before is left.
    const { decoder } = model;
    const isDecoded = decoder !== undefined && tokens.length <= context;
    const outputs = isDecoded ? await decoder.outputsAt(tokens) : await runModel(model, read(tokens));
    const logits = orThrow(outputs).get(output)!;
    const problem = withoutNumbers(logits, output, tokens.length);
    if (problem !== undefined) throw new ProblemError([problem]);
    return logits;
  });
}

/** Why no token can be drawn from logits: minus infinity alone says that one never comes. */
function withoutNumbers(logits: HostTensor, name: string, position: number): Problem | undefined {
  const wrong = lastRow(logits).find((logit) => Number.isNaN(logit) || logit === Infinity);
  if (wrong === undefined) return undefined;
  return new Problem(
    "E821",
    `\`${name}\` has ${wrong} after ${plural(position, "token")}: no token can be drawn from it`,
    "a training that failed leaves such weights; `lmg run --tokens …` shows what comes out of them",
  );
}
