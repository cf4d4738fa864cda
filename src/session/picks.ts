import type { StateTensors } from "./form.ts";
import type { TopLogits } from "./ranking.ts";
import type { StopSignal } from "./signal.ts";

/** What is asked of the logits of a text that stay with a device. */
export interface TopQuestion {
  /** What they are divided by before they are weighed. */
  readonly temperature: number;
  /** Ids of which the logits are wanted, however small. */
  readonly asked: readonly number[];
}

/** What a session gives where its logits lie on a device: some numbers of all of them. */
export interface SessionPicks {
  /** Reads more tokens, and gives the likeliest next one, -1 if logits are no numbers; `more` of them may be asked for. */
  readonly best: (
    tokens: readonly number[],
    options?: { readonly signal?: StopSignal | undefined; readonly more?: number },
  ) => Promise<number>;
  /** Reads more tokens, and gives the likeliest next ones. */
  readonly top: (tokens: readonly number[], question: TopQuestion, signal?: StopSignal) => Promise<TopLogits>;
  /** All logits [V] after the newest token. */
  readonly logits: () => Promise<ArrayLike<number>>;
}

/** What the part `top` is given, and how its answer is read; `size`: how many logits there are. */
export function topQuestion(
  size: number,
  temperature: number,
  asked: readonly number[],
): { readonly inputs: StateTensors; readonly read: (outputs: StateTensors) => TopLogits } {
  const ids = asked.filter((id) => id < size);
  // A temperature of 0 weighs nothing; a part is asked for one id at least.
  const data = ids.length === 0 ? [0] : ids;
  const inputs = {
    temperature: { data: [temperature === 0 ? 1 : temperature], shape: [1] },
    asked: { data, shape: [data.length] },
  };
  const read = ({ values, ids: found, below, equal, of_asked }: StateTensors): TopLogits => ({
    size,
    logits: values!.data,
    ids: found!.data,
    below: below!.data[0]!,
    equal: equal!.data[0]!,
    asked: new Map(ids.map((id, index) => [id, of_asked!.data[index]!])),
  });
  return { inputs, read };
}
