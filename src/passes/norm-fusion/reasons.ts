/** Why an add and a norm, or a part of an edge, did not join one kernel. `lmg edges` and tests name them. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** What was found, for the sentence. */
  readonly detail: string;
}

export type RefusalReason = keyof typeof sentences;

const sentences = {
  no_norm: (reader) => `no norm reads the sum: ${reader}`,
  no_sum: (producer) => `the norm reads ${producer}, not the sum of an add`,
  broadcast_row: (shape) =>
    `the add broadcasts over the row: a branch of shape ${shape} has no row of its own`,
  broadcast_middle: (shape) =>
    `the add stretches ${shape} between its axes; a kernel repeats a branch over leading axes only`,
  gain_rank: (shape) => `a gain of shape ${shape} is not one number or one a column; it is applied before`,
  gain_count: (text) => `there is ${text} already; a further gain is applied before`,
  not_last_axis: (norm) => `the statistics of ${norm} are not over the row`,
  width_mismatch: (shapes) => `the norm's row is not the sum's: ${shapes}`,
  in_between: (op) => `${op} stands between the add and the norm`,
  dtype: (types) => `a cast stands between the add and the norm: ${types}`,
  statistics_differ: (norms) => `the kernel's norm has other statistics: ${norms}`,
  late_weight: (name) => `the norm's ${name} is computed from the sum`,
  too_many_branches: (most) => `a kernel adds at most ${most} branches; the first ones are added before`,
  inner_rounding: (dtype) =>
    `the branch's norm rounds to ${dtype} after its weight, which the kernel does not`,
  norm_taken: (norm) => `${norm} is the out-norm of another add and belongs to its kernel`,
  unread: () => `nothing reads the edge's sum`,
} as const satisfies { readonly [reason: string]: (detail: string) => string };

export const refuse = (reason: RefusalReason, detail = ""): Refusal => ({ reason, detail });

/** The refusal for a person. */
export const explainRefusal = ({ reason, detail }: Refusal): string => sentences[reason](detail);

export const refusalReasons = Object.keys(sentences) as readonly RefusalReason[];
