import { RandomStream } from "../tensor/random-stream.ts";
import { SessionError } from "./error.ts";
import type { SessionForm, StateTensor, StateTensors } from "./form.ts";
import type { Generated, GenerateOptions, SessionMaker, Stopped, TextEncoding } from "./generate.ts";
import { StopTexts, TextPieces, type TextDecoding } from "./pieces.ts";
import { Sampler } from "./sampling.ts";
import type { StopSignal } from "./signal.ts";
import { largestNumber } from "./text.ts";

/** How a model goes on from several prompts. */
export interface BatchOptions extends Omit<GenerateOptions, "seed"> {
  /** Of the draws: one for all prompts, each of which then has the text that it has alone, or one for each. Default: 0. */
  readonly seed?: number | readonly number[];
}

/** What `generateBatch` needs of a session, which has read nothing yet. */
export interface BatchSession {
  readonly form: SessionForm;
  readonly batch: number;
  readonly capacity: number;
  readonly reserve: (capacity: number) => Promise<void>;
  readonly append: (
    tokens: readonly (readonly number[])[],
    options?: { readonly signal?: StopSignal | undefined },
  ) => Promise<object>;
}

/**
 * Goes on from several prompts side by side, and gives what is added to each, piece by piece in whole characters: a list with
 * a text for each prompt, empty for one that has ended or whose character is not whole. Prompts have any lengths; each is
 * read as if it were alone. It ends when all have, early where the caller stops asking.
 */
export async function* generateBatch(
  from: SessionMaker<BatchSession & { readonly dispose: () => void }>,
  tokenizer: TextEncoding,
  prompts: readonly (string | readonly number[])[],
  options: BatchOptions = {},
): AsyncGenerator<readonly string[], readonly Generated[]> {
  const ids = prompts.map((prompt) => (typeof prompt === "string" ? tokenizer.encode(prompt) : prompt));
  if (ids.length === 0) return [];
  if (ids.some((row) => row.length === 0)) throw new SessionError("a prompt has no tokens");
  const session = await from.session({ batch: ids.length });
  try {
    return yield* generateRows(session, tokenizer, ids, options);
  } finally {
    session.dispose();
  }
}

async function* generateRows(
  session: BatchSession,
  tokenizer: TextDecoding,
  prompts: readonly (readonly number[])[],
  options: BatchOptions,
): AsyncGenerator<readonly string[], readonly Generated[]> {
  const { maxTokens = Infinity, seed = 0, signal } = options;
  const most = session.form.limit ?? Infinity;
  const rows = prompts.map(
    (prompt, at) => new GrowingRow(tokenizer, prompt, typeof seed === "number" ? seed : seed[at]!, options),
  );
  const isAborted = (): boolean => signal?.aborted === true;
  let length = largestNumber(prompts.map((prompt) => prompt.length));
  let next: readonly (readonly number[])[] = prompts;
  for (let count = 0; rows.some((row) => row.stopped === undefined); count++) {
    const why =
      count >= maxTokens
        ? "length"
        : isAborted()
          ? "aborted"
          : count > 0 && length > most
            ? "capacity"
            : undefined;
    let logits: StateTensor | undefined;
    if (why === undefined) {
      if (length > session.capacity) await session.reserve(Math.min(most, 2 * length));
      logits = await appended(session, next, signal);
    }
    const pieces = rows.map((row, at) =>
      logits === undefined ? row.end(why ?? "aborted") : row.draw(rowOf(logits, at, rows.length)),
    );
    if (pieces.some((piece) => piece !== "")) yield pieces;
    // A text that has ended reads its last token again, which changes nothing of the others.
    next = rows.map((row) => [row.newest]);
    length++;
  }
  return rows.map((row) => row.generated());
}

/** The logits of the newest position of each text; undefined if a signal ended it. */
async function appended(
  session: BatchSession,
  tokens: readonly (readonly number[])[],
  signal: StopSignal | undefined,
): Promise<StateTensor | undefined> {
  const { logits } = session.form;
  if (session.form.tokens === undefined || logits === undefined)
    throw new SessionError(
      "the model does not go on with texts: it reads more than tokens, or gives no logits",
    );
  try {
    return ((await session.append(tokens, { signal })) as StateTensors)[logits]!;
  } catch (error) {
    if (signal?.aborted === true) return undefined;
    throw error;
  }
}

/** Of [B, .., V], whose other axes have one element. */
function rowOf({ data, shape }: StateTensor, at: number, count: number): ArrayLike<number> {
  const width = shape.at(-1)!;
  const row = data.length / count;
  return Array.prototype.slice.call(data, at * row + row - width, (at + 1) * row) as number[];
}

/** A text of a batch that goes on. */
class GrowingRow {
  readonly #begun = performance.now();
  readonly #prompt: number;
  readonly #tokens: number[];
  readonly #sampler: Sampler;
  readonly #pieces: TextPieces;
  readonly #stops: StopTexts;
  readonly #stopIds: ReadonlySet<number>;
  #text = "";
  #first: number | undefined;
  #last = 0;
  stopped: Stopped | undefined;

  constructor(tokenizer: TextDecoding, prompt: readonly number[], seed: number, options: BatchOptions) {
    this.#prompt = prompt.length;
    this.#tokens = [...prompt];
    this.#sampler = new Sampler(options, new RandomStream(seed, "sample"));
    this.#pieces = new TextPieces(tokenizer, prompt);
    this.#stops = new StopTexts([options.stop ?? []].flat());
    this.#stopIds = new Set(options.stopTokens ?? []);
  }

  get newest(): number {
    return this.#tokens.at(-1)!;
  }

  /** What a token adds that is drawn from logits; nothing of a text that has ended. */
  draw(logits: ArrayLike<number>): string {
    if (this.stopped !== undefined) return "";
    const id = this.#sampler.draw(logits, this.#tokens, this.#prompt);
    this.#tokens.push(id);
    this.#last = performance.now() - this.#begun;
    this.#first ??= this.#last;
    if (this.#stopIds.has(id)) return this.end("end");
    return this.#given(this.#stops.add(this.#pieces.add(id)));
  }

  /** Ends the text, with what was held back of it. */
  end(why: Stopped): string {
    if (this.stopped !== undefined) return "";
    this.stopped = why;
    return this.#given(this.#stops.add(this.#pieces.end()) + this.#stops.end());
  }

  #given(piece: string): string {
    if (this.#stops.isReached) this.stopped = "stop";
    this.#text += piece;
    return piece;
  }

  generated(): Generated {
    const tokens = this.#tokens.slice(this.#prompt);
    const seconds = (this.#last - (this.#first ?? 0)) / 1000;
    return {
      tokens,
      text: this.#text,
      stopped: this.stopped ?? "aborted",
      prompt: this.#prompt,
      firstToken: this.#first,
      rate: tokens.length > 1 ? (tokens.length - 1) / seconds : undefined,
    };
  }
}
