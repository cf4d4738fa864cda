import { messagesHeard } from "../support/messages.ts";
import type { SessionForm } from "../session/form.ts";
import type { TextSession } from "../session/generate.ts";
import type { SessionPicks } from "../session/picks.ts";
import type { StopSignal } from "../session/signal.ts";

/** Positions that are read before messages are looked at: a fraction of a second, and enough that weights are read seldom. */
const CHUNK = 128;

/**
 * A session whose memory grows with its text. Where there is a signal it lets the thread hear messages and keys before each
 * run, so that it fires also while a prompt is read and between two tokens.
 */
export class PatientSession implements TextSession {
  readonly form: SessionForm;
  /** The most positions of a text. */
  readonly capacity: number;
  readonly #session: TextSession;

  /** `context` is how many there may be at most, if the model knows no end itself. */
  constructor(session: TextSession, context = Infinity) {
    this.form = session.form;
    this.capacity = Math.min(session.form.limit ?? Infinity, context);
    this.#session = session;
  }

  get tokens(): readonly number[] | undefined {
    return this.#session.tokens;
  }

  get length(): number {
    return this.#session.length;
  }

  async truncate(length: number): Promise<void> {
    await this.#session.truncate(length);
  }

  async reserve(capacity: number): Promise<void> {
    await this.#session.reserve(capacity);
  }

  append(
    tokens: readonly number[],
    { signal }: { readonly signal?: StopSignal | undefined } = {},
  ): Promise<object> {
    return this.#read(tokens, signal, (some) => this.#session.append(some));
  }

  /** What tells of logits where they lie, if the session has it. */
  get picks(): SessionPicks | undefined {
    const { picks } = this.#session;
    return (
      picks && {
        best: (tokens, { signal, more = 0 } = {}) =>
          this.#read(tokens, signal, (some, isLast) => picks.best(some, { more: isLast ? more : 0 })),
        top: (tokens, question, signal) => this.#read(tokens, signal, (some) => picks.top(some, question)),
        logits: picks.logits,
      }
    );
  }

  /** Has tokens read for which there is room, some at a time if there is a signal to hear; what the last of them give. */
  async #read<T>(
    tokens: readonly number[],
    signal: StopSignal | undefined,
    read: (some: readonly number[], isLast: boolean) => Promise<T>,
  ): Promise<T> {
    const needed = this.length + tokens.length;
    if (needed > this.#session.capacity) await this.reserve(Math.min(this.capacity, 2 * needed));
    if (signal === undefined) return read(tokens, true);
    for (let start = 0; ; start += CHUNK) {
      await messagesHeard();
      signal.throwIfAborted();
      const isLast = start + CHUNK >= tokens.length;
      const found = await read(tokens.slice(start, start + CHUNK), isLast);
      if (isLast) return found;
    }
  }
}
