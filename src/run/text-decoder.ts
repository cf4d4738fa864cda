import { orThrow, Problem } from "../checkpoint/problem.ts";
import { targets, type Switches, type TargetName } from "../emit/targets.ts";
import { decodingProgram, type Decoding, type DecodingOptions } from "../incremental/program.ts";
import { Refusal } from "../incremental/refusal.ts";
import type { Graph } from "../ir/graph.ts";
import { noPacking, type Packing } from "../passes/packing.ts";
import { sessionLogits, type LogitPicks, type LogitsSource } from "../session/generate.ts";
import type { StopSignal } from "../session/signal.ts";
import { attempt } from "./attempt.ts";
import type { EngineOptions } from "./engine-options.ts";
import { PatientSession } from "./patient-session.ts";
import { openSessions, pickingParts, type AnySession, type SessionModel } from "./sessions.ts";
import { tokenInput } from "./tokens.ts";
import type { Weights } from "./weights.ts";

/**
 * Runs a model on a text that grows: of what it has read already, nothing is computed again. Nothing is made before the
 * first text. What modules refuse is thrown as a `ProblemError`.
 */
export class TextDecoder implements LogitsSource {
  readonly capacity: number;
  readonly #open: () => Promise<SessionModel>;
  readonly #picks: boolean;
  readonly #snapshots: boolean;
  #opened:
    { readonly model: SessionModel; readonly session: AnySession; readonly source: LogitsSource } | undefined;

  /** `picks`: whether its sessions tell of logits where they lie; `snapshots` as sessions have it. */
  constructor(
    decoding: Decoding,
    open: () => Promise<SessionModel>,
    { picks = false, snapshots = true }: { readonly picks?: boolean; readonly snapshots?: boolean } = {},
  ) {
    this.capacity = decoding.limit ?? Infinity;
    this.#open = open;
    this.#picks = picks;
    this.#snapshots = snapshots;
  }

  logitsAfter(tokens: readonly number[], signal: StopSignal | undefined): Promise<ArrayLike<number>> {
    return this.#ask(tokens, (source) => source.logitsAfter(tokens, signal));
  }

  /** What tells of logits where they lie, on a device. */
  get picks(): LogitPicks | undefined {
    if (!this.#picks) return undefined;
    return {
      bestAfter: (tokens, options) => this.#ask(tokens, ({ picks }) => picks!.bestAfter(tokens, options)),
      topAfter: (tokens, question, signal) =>
        this.#ask(tokens, ({ picks }) => picks!.topAfter(tokens, question, signal)),
      logits: () => this.#ask([], ({ picks }) => picks!.logits()),
    };
  }

  async #ask<T>(tokens: readonly number[], ask: (source: LogitsSource) => Promise<T>): Promise<T> {
    const { source } = (this.#opened ??= orThrow(await attempt(() => this.#begin(tokens.length))));
    return orThrow(await attempt(() => ask(source)));
  }

  close(): void {
    this.#opened?.session.dispose();
    this.#opened?.model.close();
  }

  /** With memory for a text, for all that it will be where that is known; twice as much where it has grown. */
  async #begin(length: number) {
    const model = await this.#open();
    const session = await model.session({
      capacity: Math.min(this.capacity, Math.max(length, LEAST_CAPACITY)),
      snapshots: this.#snapshots,
    });
    return { model, session, source: sessionLogits(new PatientSession(session)) };
  }
}

/** Positions for which memory is made at first. */
const LEAST_CAPACITY = 256;

export interface TextDecoderOptions extends EngineOptions {
  readonly target: TargetName;
  /** False leaves steps as they are, for comparison. Default: true. */
  readonly fuse?: boolean;
  /** The parameters that are kept as codes: the weights then have these. */
  readonly packing?: Packing;
  /** False where the text only grows: nothing is kept for going back. Default: true. */
  readonly snapshots?: boolean;
  /** The most positions that a text will have, where that is known: a window that is no shorter keeps no ring. */
  readonly limit?: number;
}

/**
 * What decodes a text of a model, if the model reads nothing but tokens that must be given, and can be run a few positions at
 * a time; or why not.
 */
export function textDecoder(
  graph: Graph,
  weights: Weights,
  output: string,
  { target, fuse = true, packing = noPacking, snapshots = true, limit, ...options }: TextDecoderOptions,
): TextDecoder | Refusal | Problem {
  const how = { target, fuse, packing, switches: options.switches ?? {} };
  const decoding = textDecoding(graph, output, how, limited(limit));
  if (decoding instanceof Refusal || decoding instanceof Problem) return decoding;
  return new TextDecoder(
    decoding,
    () => openSessions(decoding, weights, { target, ...options, logits: output }),
    { picks: pickingParts(decoding, targets[target].target(how.switches), output) !== undefined, snapshots },
  );
}

/**
 * What reads texts of a model side by side, of any lengths, under the same conditions; what it opens is to be closed. What
 * modules refuse is thrown as they throw it.
 */
export function batchDecoder(
  graph: Graph,
  weights: Weights,
  output: string,
  { target, fuse = true, packing = noPacking, limit, ...options }: TextDecoderOptions,
): { readonly open: () => Promise<SessionModel> } | Refusal | Problem {
  const how = { target, fuse, packing, switches: options.switches ?? {} };
  const decoding = textDecoding(graph, output, how, { ragged: true, ...limited(limit) });
  if (decoding instanceof Refusal || decoding instanceof Problem) return decoding;
  return {
    open: () => openSessions(decoding, weights, { target, ...options, logits: output }),
  };
}

const limited = (limit: number | undefined): Pick<DecodingOptions, "limit"> =>
  limit === undefined ? {} : { limit };

/** The program that goes on with a text of a model by an output, and no more of the model than that needs; or why there is none. */
export function textDecoding(
  graph: Graph,
  output: string,
  {
    target,
    fuse,
    packing,
    switches,
  }: Required<Pick<TextDecoderOptions, "target" | "fuse" | "packing">> & { readonly switches: Switches },
  more: DecodingOptions = {},
): Decoding | Refusal | Problem {
  const input = tokenInput(graph);
  if (input instanceof Problem) return input;
  const symbol = input.value.type.shape.at(-1)!.key;
  const decoding = decodingProgram(graph, {
    fuse,
    packing,
    target: targets[target].target(switches),
    symbol,
    outputs: new Set([output]),
    parts: ["append", "step"],
    ...more,
  });
  if (decoding instanceof Refusal) return decoding;
  const others = Object.values(decoding.program.parts).flatMap(({ inputs }) =>
    inputs.filter(({ name, fill }) => name !== input.name && fill === undefined),
  );
  const [other] = others;
  if (other === undefined) return decoding;
  return new Problem(
    "E813",
    `the model reads \`${other.name}\` beside its tokens`,
    "it is run whole for each token",
  );
}
