import { orThrow, Problem, ProblemError } from "../checkpoint/problem.ts";
import type { Graph, Input } from "../ir/graph.ts";
import {
  generate as generateFrom,
  generateText,
  type Generated,
  type GenerateOptions,
  type LogitsSource,
  type SessionMaker,
  type TextSession,
} from "../session/generate.ts";
import { plural } from "../support/text.ts";
import type { HostTensor } from "../tensor/host.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { inputsWith, lastRow, outputOf, runModel, type RunnableModel } from "./model.ts";
import { encodePrompt } from "./tokenizer.ts";
import { contextOf, tokenInput } from "./tokens.ts";

/** How a model goes on from a prompt. */
export interface GenerationOptions extends GenerateOptions {
  /**
   * Beyond the context, read the last tokens only instead of ending: where it is full, its last half is read again, and goes on.
   * Of models that are no sessions.
   */
  readonly slide?: boolean;
}

/** What generation reads: a model that is ready to run, a session, or what makes sessions. */
export type GenerationSource =
  RunnableModel | TextSession | SessionMaker<TextSession & { readonly dispose: () => void }>;

/**
 * Goes on from a prompt, a text or token ids, and gives what is added piece by piece, in whole characters. A prompt without
 * tokens, or that the model cannot read, and what comes to light on the way (a device that is lost, logits that are NaN) are
 * thrown as a `ProblemError`.
 */
export async function* generate(
  from: GenerationSource,
  tokenizer: Tokenizer,
  prompt: string | readonly number[],
  options: GenerationOptions = {},
): AsyncGenerator<string, Generated> {
  const encode = (text: string): readonly number[] => orThrow(encodePrompt(tokenizer, text));
  if (!("graph" in from))
    return yield* generateFrom(from, { encode, decode: tokenizer.decode }, prompt, options);
  const ids = typeof prompt === "string" ? encode(prompt) : prompt;
  return yield* generateText(orThrow(textSource(from, ids, options)), tokenizer, ids, options);
}

/** The input through which a model goes on with a text. */
export const textInput = (graph: Graph): Input | Problem =>
  tokenInput(graph, "it continues no text; `lmg run` runs it on arrays, as --input name=file");

/**
 * The logits of a text that begins with the ids of a prompt: by the model's decoder, or by running all of the text for each
 * token. A prompt that the model cannot read is a problem.
 */
export function textSource(
  model: RunnableModel,
  prompt: readonly number[],
  { slide = false }: Pick<GenerationOptions, "slide"> = {},
): LogitsSource | Problem {
  const input = textInput(model.graph);
  if (input instanceof Problem) return input;
  const output = outputOf(model);
  const context = contextOf(model.graph, input);
  const read = (tokens: readonly number[]) => (slide ? lastOf(tokens, context) : tokens);
  const first = inputsWith(model, [read(prompt)]);
  if (first instanceof Problem) return first;
  const requireNumbers = (logits: ArrayLike<number>, length: number): void => {
    const problem = withoutNumbers(logits, output, length);
    if (problem !== undefined) throw new ProblemError([problem]);
  };
  const picks = slide ? undefined : model.decoder?.picks;
  return {
    capacity: slide ? Infinity : context,
    picks: picks && {
      ...picks,
      bestAfter: async (tokens, options) => {
        const id = await picks.bestAfter(tokens, options);
        if (id < 0) throw new ProblemError([noNumbers("NaN or an infinity", output, tokens.length)]);
        return id;
      },
      topAfter: async (tokens, question, signal) => {
        const top = await picks.topAfter(tokens, question, signal);
        requireNumbers(top.logits, tokens.length);
        return top;
      },
    },
    logitsAfter: async (tokens, signal) => {
      const { decoder } = model;
      const text = read(tokens);
      const logits =
        decoder !== undefined && text.length <= context
          ? await decoder.logitsAfter(text, signal)
          : rowOf(orThrow(await runModel(model, [text])).get(output)!);
      requireNumbers(logits, tokens.length);
      return logits;
    },
  };
}

/** What is read of a text that is longer than the context: more than half of that, so that the beginning moves seldom. */
function lastOf(tokens: readonly number[], context: number): readonly number[] {
  if (tokens.length <= context) return tokens;
  const half = Math.ceil(context / 2);
  return tokens.slice(half * Math.ceil((tokens.length - context) / half));
}

const rowOf = (logits: HostTensor): ArrayLike<number> => lastRow(logits);

/** Why no token can be drawn from logits: minus infinity alone says that one never comes. */
function withoutNumbers(logits: ArrayLike<number>, name: string, position: number): Problem | undefined {
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (!(logit < Infinity)) return noNumbers(String(logit), name, position);
  }
  return undefined;
}

const noNumbers = (what: string, name: string, position: number): Problem =>
  new Problem(
    "E821",
    `\`${name}\` has ${what} after ${plural(position, "token")}: no token can be drawn from it`,
    "a training that failed leaves such weights; `lmg run --tokens …` shows what comes out of them",
  );
