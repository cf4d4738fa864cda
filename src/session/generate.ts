import { RandomStream } from "../tensor/random-stream.ts";
import { SessionError } from "./error.ts";
import type { SessionForm, StateTensors } from "./form.ts";
import { StopTexts, TextPieces, type TextDecoding } from "./pieces.ts";
import type { SessionPicks, TopQuestion } from "./picks.ts";
import type { TopLogits } from "./ranking.ts";
import { noNumbers, Sampler, type Sampling } from "./sampling.ts";
import type { Session, SessionOptions } from "./session.ts";
import type { StopSignal } from "./signal.ts";

/** What gives the logits of a text that grows: a session, or a model that is run whole. */
export interface LogitsSource {
  /** The most tokens of a text. */
  readonly capacity: number;
  /** The logits [V] of what comes after all these tokens; of one text that grows, always the same array is given. */
  readonly logitsAfter: (
    tokens: readonly number[],
    signal: StopSignal | undefined,
  ) => Promise<ArrayLike<number>>;
  /** What tells of the logits where they lie, if they are on a device. */
  readonly picks?: LogitPicks | undefined;
}

/** What tells of the logits of what comes after all these tokens, so that few numbers leave the device. */
export interface LogitPicks {
  /** The likeliest token, -1 if logits are no numbers; so `more` may be asked for after it. */
  readonly bestAfter: (
    tokens: readonly number[],
    options: { readonly signal: StopSignal | undefined; readonly more: number },
  ) => Promise<number>;
  /** The likeliest tokens. */
  readonly topAfter: (
    tokens: readonly number[],
    question: TopQuestion,
    signal: StopSignal | undefined,
  ) => Promise<TopLogits>;
  /** All logits [V] of what was asked last. */
  readonly logits: () => Promise<ArrayLike<number>>;
}

/** Text ↔ token ids. */
export interface TextEncoding extends TextDecoding {
  readonly encode: (text: string) => readonly number[];
}

/** How a model goes on from a prompt. */
export interface GenerateOptions extends Sampling {
  /** The most tokens to add. Default: as many as there is room for. */
  readonly maxTokens?: number;
  /** Of the draws. Default: 0. */
  readonly seed?: number;
  /** Texts that end the answer, and are not part of it. */
  readonly stop?: string | readonly string[];
  /** Ids that end the answer; the one that does is the last of its tokens, and has no text. */
  readonly stopTokens?: Iterable<number>;
  /** Ends it after the step that runs. */
  readonly signal?: StopSignal;
}

/**
 * Why a text ends: at a stop token or a stop text; it has as many tokens as were asked for; there is no room for more; a
 * signal said so.
 */
export type Stopped = "end" | "stop" | "length" | "capacity" | "aborted";

/** What was generated. */
export interface Generated {
  /** The tokens that were added to the prompt. */
  readonly tokens: readonly number[];
  readonly text: string;
  readonly stopped: Stopped;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** Milliseconds until the first token was there; undefined if there is none. */
  readonly firstToken: number | undefined;
  /** Tokens a second, those after the first; undefined if there are none. */
  readonly rate: number | undefined;
}

/** What makes sessions: a model. */
export interface SessionMaker<Made = Session> {
  readonly session: (options?: SessionOptions) => Promise<Made>;
}

/** What `generate` needs of a session. */
export interface TextSession {
  readonly form: SessionForm;
  readonly tokens: readonly number[] | undefined;
  readonly length: number;
  readonly capacity: number;
  readonly picks?: SessionPicks | undefined;
  readonly truncate: (length: number) => Promise<void>;
  readonly reserve: (capacity: number) => Promise<void>;
  readonly append: (
    tokens: readonly number[],
    options?: { readonly signal?: StopSignal | undefined },
  ) => Promise<object>;
}

/**
 * Goes on from a prompt, a text or token ids, and gives what is added piece by piece, in whole characters. Of a session what
 * it has read already is kept as far as the prompt begins alike; a model is given a session for this text. It ends early
 * where the caller stops asking, after the step that runs; the session stays whole.
 */
export async function* generate(
  from: SessionMaker<TextSession & { readonly dispose: () => void }> | TextSession,
  tokenizer: TextEncoding,
  prompt: string | readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<string, Generated> {
  const ids = typeof prompt === "string" ? tokenizer.encode(prompt) : prompt;
  const own = "session" in from ? await from.session() : undefined;
  try {
    const source = own === undefined ? sessionLogits(from as TextSession) : growingLogits(own);
    return yield* generateText(source, tokenizer, ids, options);
  } finally {
    own?.dispose();
  }
}

/** The logits of a session's text: what it has in common with the text before is kept. */
export function sessionLogits(session: TextSession): LogitsSource {
  const { form } = session;
  if (form.tokens === undefined || form.logits === undefined)
    throw new SessionError(
      "the model does not go on with a text: it reads more than tokens, or gives no logits",
    );
  /** The text that was read last, which mostly is the one that has grown. */
  let last: readonly number[] | undefined;
  /** Has those tokens of a text read that are not known from the one before. */
  const reading = async <T>(
    tokens: readonly number[],
    read: (rest: readonly number[]) => Promise<T>,
  ): Promise<T> => {
    const known = session.tokens;
    if (known === undefined) throw new SessionError("what the session has read is not one text of tokens");
    const same = last === tokens ? session.length : commonLength(known, tokens, tokens.length - 1);
    last = undefined;
    if (same < session.length) await session.truncate(same);
    const found = await read(tokens.slice(same));
    last = tokens;
    return found;
  };
  const { picks } = session;
  return {
    get capacity() {
      return session.capacity;
    },
    logitsAfter: (tokens, signal) =>
      reading(tokens, async (rest) => {
        const outputs = (await session.append(rest, { signal })) as StateTensors;
        return lastRowOf(outputs[form.logits!]!);
      }),
    picks: picks && {
      bestAfter: (tokens, options) => reading(tokens, (rest) => picks.best(rest, options)),
      topAfter: (tokens, question, signal) => reading(tokens, (rest) => picks.top(rest, question, signal)),
      logits: picks.logits,
    },
  };
}

/** The same of a session that is given more memory as its text grows. */
function growingLogits(session: TextSession): LogitsSource {
  const source = sessionLogits(session);
  const most = session.form.limit ?? Infinity;
  const grown = async <T>(tokens: readonly number[], read: () => Promise<T>): Promise<T> => {
    if (tokens.length > session.capacity) await session.reserve(Math.min(most, 2 * tokens.length));
    return read();
  };
  const { picks } = source;
  return {
    capacity: most,
    logitsAfter: (tokens, signal) => grown(tokens, () => source.logitsAfter(tokens, signal)),
    picks: picks && {
      bestAfter: (tokens, options) => grown(tokens, () => picks.bestAfter(tokens, options)),
      topAfter: (tokens, question, signal) => grown(tokens, () => picks.topAfter(tokens, question, signal)),
      logits: picks.logits,
    },
  };
}

function lastRowOf({ data, shape }: StateTensors[string]): ArrayLike<number> {
  const width = shape.at(-1)!;
  if (data.length === width) return data;
  return Array.prototype.slice.call(data, data.length - width) as number[];
}

function commonLength(a: readonly number[], b: readonly number[], most: number): number {
  let length = 0;
  while (length < a.length && length < most && a[length] === b[length]) length++;
  return length;
}

/** The tokens that a model adds to a prompt, one by one; why it ends. The prompt must have one at least. */
export async function* generateTokens(
  source: LogitsSource,
  prompt: readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<number, Stopped> {
  const { maxTokens = Infinity, seed = 0, stopTokens = [], signal } = options;
  if (prompt.length === 0) throw new SessionError("the prompt has no tokens");
  const sampler = new Sampler(options, new RandomStream(seed, "sample"));
  const stops = new Set(stopTokens);
  const tokens = [...prompt];
  const isAborted = (): boolean => signal?.aborted === true;
  while (tokens.length - prompt.length < maxTokens) {
    if (isAborted()) return "aborted";
    // A prompt that is too long is the caller's mistake, which the source tells.
    if (tokens.length > Math.max(source.capacity, prompt.length)) return "capacity";
    let id: number;
    try {
      const more = maxTokens - (tokens.length - prompt.length) - 1;
      id = await nextToken(source, sampler, tokens, { prompt: prompt.length, more, signal });
    } catch (error) {
      if (isAborted()) return "aborted";
      throw error;
    }
    tokens.push(id);
    yield id;
    if (stops.has(id)) return "end";
  }
  return "length";
}

/** The token after others: by all of their logits, or by as few of them as it takes. */
async function nextToken(
  source: LogitsSource,
  sampler: Sampler,
  tokens: readonly number[],
  {
    prompt,
    more,
    signal,
  }: { readonly prompt: number; readonly more: number; readonly signal: StopSignal | undefined },
): Promise<number> {
  const { picks } = source;
  if (picks === undefined) return sampler.draw(await source.logitsAfter(tokens, signal), tokens, prompt);
  const { temperature } = sampler;
  const asked = sampler.penalized(tokens, prompt);
  if (temperature === 0 && asked.length === 0) {
    const id = await picks.bestAfter(tokens, { signal, more });
    if (id < 0) throw noNumbers(tokens.length);
    return id;
  }
  const top = await picks.topAfter(tokens, { temperature, asked }, signal);
  return sampler.drawFromTop(top, tokens, prompt) ?? sampler.draw(await picks.logits(), tokens, prompt);
}

/** The same as text: what comes behind the prompt, piece by piece. */
export async function* generateText(
  source: LogitsSource,
  tokenizer: TextDecoding,
  prompt: readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<string, Generated> {
  const begun = performance.now();
  const stopIds = new Set(options.stopTokens ?? []);
  const pieces = new TextPieces(tokenizer, prompt);
  const stops = new StopTexts([options.stop ?? []].flat());
  const running = generateTokens(source, prompt, { ...options, stopTokens: stopIds });
  const tokens: number[] = [];
  let text = "";
  let first: number | undefined;
  let stopped: Stopped | undefined;
  try {
    while (stopped === undefined) {
      const next = await running.next();
      if (next.done !== true) {
        tokens.push(next.value);
        first ??= performance.now() - begun;
      } else stopped = next.value;
      const isLast = next.done === true;
      // What ends a text is not part of it; what was held back is, where nothing more comes.
      const added = isLast ? pieces.end() : stopIds.has(next.value) ? "" : pieces.add(next.value);
      const piece = stops.add(added) + (isLast ? stops.end() : "");
      if (stops.isReached) stopped = "stop";
      text += piece;
      if (piece !== "") yield piece;
    }
  } finally {
    await running.return("aborted");
  }
  const seconds = (performance.now() - begun - (first ?? 0)) / 1000;
  const rate = tokens.length > 1 ? (tokens.length - 1) / seconds : undefined;
  return { tokens, text, stopped, prompt: prompt.length, firstToken: first, rate };
}
