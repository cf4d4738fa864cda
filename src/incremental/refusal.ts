import type { Node } from "../ir/graph.ts";
import { placeOf } from "../ir/sizes.ts";
import type { Span } from "../support/source.ts";

export type RefusalReason = keyof typeof sentences;

/** Why a graph cannot be run a few positions at a time: each reason with its sentence, whose subject is a node. */
const sentences = {
  no_positions: (symbol) => `no input has an axis ${symbol}`,
  no_output: () => "no output depends on the text",
  training: () => "it belongs to a training",
  not_core: () => "it is no op of the language",
  later_keys: () => "attention sees later positions: neither `causal` nor its mask or bias hides them",
  unhidden: () => "it folds over positions, and later ones are not hidden from earlier ones",
  empty_row: () => "a row may see nothing, and its softmax then spreads over later positions too",
  over_positions: (what) => `${what} over all positions changes with each new one`,
  later_rows: () => "it reads later positions",
  weight: () => "it has a weight for each position",
  mixed: () => "an axis of positions of what it reads is none of its result",
  newest: () => "rows of the past would change with the newest position",
  newest_rows: () =>
    "it reads positions just before the newest, which a run of one new position does not have",
  fixed_rows: () => "it reads fixed positions after the first",
  run_time_cut: () => "it cuts positions off by a run-time number",
  two_texts: () => "it puts two texts one after the other",
  front: () => "the rows that it puts in front of the text are not all one number",
  odd_size: (size) => `an axis of ${size} is neither T + c nor T merged with its neighbours`,
  leads: () => "what it reads has other rows in front of the text",
  pairs: () => "it needs all pairs of past positions: what is kept would grow by two sides",
  grows: () => "what it carries from run to run grows by another axis",
  merged: () => "it needs rows of positions that are merged with another axis",
  length_scaling: (scaling) =>
    `the rope scaling ${scaling} turns past keys anew as the text grows; up to \`original\` positions it does not`,
  fixed_memory: () => "it measures distances from positions to a memory that does not grow",
  all_queries: () => "queries that are no positions see all positions",
  output_rows: () => "an output has rows that are no positions, or two axes of them",
  steps: () => "it steps over positions",
  no_batch: () =>
    "an input of the text has no axis of a batch, whose texts could begin at places of their own",
  mixed_batch: () => "it makes one text of several, so that none has a beginning of its own",
  begins: (what) =>
    `in a batch of texts that begin at places of their own, ${what} would differ from text to text`,
} as const satisfies { readonly [reason: string]: (detail: string) => string };

export const refusalReasons = Object.keys(sentences) as readonly RefusalReason[];

/** Why a graph is not derived: the reason, the node, and where the model says it. Thrown inside, returned outside. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: RefusalReason;
  readonly node: Node | undefined;
  /** What is said of the node, without its place. */
  readonly sentence: string;

  constructor(reason: RefusalReason, node?: Node, detail = "") {
    const sentence = sentences[reason](detail);
    super(node === undefined ? sentence : `${placeOf(node)}: ${sentence}`);
    this.reason = reason;
    this.sentence = sentence;
    this.node = node;
  }

  /** The line in the user's own file. */
  get span(): Span | undefined {
    return this.node?.origin.spans.at(-1);
  }
}
