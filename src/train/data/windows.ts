import { Problem } from "../../checkpoint/problem.ts";
import { countOf, showCount } from "../../support/text.ts";
import { randomTable } from "../../tensor/random.ts";
import type { Batch, Batches, ValidationBatch } from "./batches.ts";
import { batchesIn, spread } from "./split.ts";
import type { WantedTensor } from "./wanted.ts";

/** A text as tokens, cut in what is trained on and what is kept for validation. */
export interface TokenText {
  readonly training: Int32Array;
  readonly validation: Int32Array;
  /** The tokens in words: `65 characters`. */
  readonly vocabulary: string;
}

export interface WindowOptions {
  /** Both are integers `[B, T]`. */
  readonly input: WantedTensor;
  readonly target: WantedTensor;
  readonly batch: number;
  /** Tokens of a window: T. */
  readonly context: number;
  readonly seed: number;
  /** Whether every batch must be whole; else the last one of the validation part may have fewer windows. */
  readonly onlyWhole: boolean;
  /** What messages call the text. */
  readonly name: string;
  /** The file that is kept for validation, if it is one of its own. */
  readonly validationName?: string | undefined;
}

/**
 * Windows of a text; the target of each token is the one after it. Training windows begin anywhere, by the seed and
 * their number (as nanoGPT draws them); those of validation lie one after the other.
 */
export function windowBatches(text: TokenText, options: WindowOptions): Batches | Problem {
  const { training, validation, vocabulary } = text;
  const { batch, context, seed, name, validationName = name } = options;
  const short =
    tooShort(training, "for training", options, name) ??
    tooShort(validation, "for validation", options, validationName);
  if (short !== undefined) return short;
  if (batch * context > MOST_TOKENS)
    return new Problem(
      "E756",
      `a batch of ${countOf(batch, "window")} of ${countOf(context, "token")} was asked for; it has at most ${countOf(MOST_TOKENS, "token")}`,
    );
  const word = randomTable(seed, "text windows");
  const starts = training.length - context;
  return {
    description:
      `text, ${countOf(training.length, "token")} of ${vocabulary} for training, ` +
      (validation.length === 0 ? "none" : showCount(validation.length)) +
      " for validation",
    perEpoch: Math.max(1, Math.floor((training.length - 1) / (batch * context))),
    unit: "tokens",
    size: batch * context,
    at: (index) =>
      cut(
        training,
        Array.from({ length: batch }, (_, row) => Math.floor((word(index, row) / 2 ** 32) * starts)),
        options,
      ),
    validationBatches: batchesIn(windowsIn(validation, context), batch, options.onlyWhole),
    validation: (limit) => validationWindows(validation, options, limit),
  };
}

const windowsIn = (tokens: Int32Array, context: number): number =>
  Math.floor(Math.max(0, tokens.length - 1) / context);

/** Far beyond what any machine computes at once: one array holds the ids of a batch. */
const MOST_TOKENS = 2 ** 28;

function tooShort(
  tokens: Int32Array,
  part: string,
  { context, validationName }: WindowOptions,
  name: string,
): Problem | undefined {
  if (tokens.length > context || (tokens.length === 0 && part !== "for training")) return undefined;
  return new Problem(
    "E752",
    `${name}: ${countOf(tokens.length, "token")} ${part} cannot fill a window of ${countOf(context, "token")} and the one after it`,
    validationName === undefined
      ? "give a longer text, a shorter context, or another share for validation"
      : "give a longer text or a shorter context",
  );
}

/** Batches of windows one after the other, spread evenly over the text if there are more than `limit`. */
function* validationWindows(
  tokens: Int32Array,
  options: WindowOptions,
  limit = Infinity,
): Iterable<ValidationBatch> {
  const { batch, context, onlyWhole } = options;
  const windows = windowsIn(tokens, context);
  for (const index of spread(batchesIn(windows, batch, onlyWhole), limit)) {
    const rows = Math.min(batch, windows - index * batch);
    const starts = Array.from({ length: rows }, (_, row) => (index * batch + row) * context);
    yield { tensors: cut(tokens, starts, options), weight: rows * context };
  }
}

function cut(tokens: Int32Array, starts: readonly number[], options: WindowOptions): Batch {
  const { input, target, context } = options;
  const shape = [starts.length, context];
  const read = new Int32Array(starts.length * context);
  const next = new Int32Array(read.length);
  for (const [row, start] of starts.entries()) {
    read.set(tokens.subarray(start, start + context), row * context);
    next.set(tokens.subarray(start + 1, start + 1 + context), row * context);
  }
  return {
    [input.name]: { dtype: input.type.dtype, shape, data: read },
    [target.name]: { dtype: target.type.dtype, shape, data: next },
  };
}
