import type { SessionForm } from "../session/form.ts";
import type { TextSession } from "../session/generate.ts";
import type { StopSignal } from "../session/session.ts";

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

  async append(
    tokens: readonly number[],
    { signal }: { readonly signal?: StopSignal | undefined } = {},
  ): Promise<object> {
    const needed = this.length + tokens.length;
    if (needed > this.#session.capacity) await this.reserve(Math.min(this.capacity, 2 * needed));
    if (signal === undefined) return this.#session.append(tokens);
    let outputs: object = {};
    for (let start = 0; start < tokens.length; start += CHUNK) {
      await messagesHeard();
      signal.throwIfAborted();
      outputs = await this.#session.append(tokens.slice(start, start + CHUNK));
    }
    return outputs;
  }
}

/** When the messages that have come were heard. A timer would wait for milliseconds. */
const messagesHeard = (): Promise<void> =>
  new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      go();
    };
    port2.postMessage(undefined);
  });
