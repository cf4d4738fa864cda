/** A tensor as modules take and give it: its elements row-major. */
export interface StateTensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

export type StateTensors = Readonly<Record<string, StateTensor>>;

export type StateSizes = Readonly<Record<string, number>>;

/** What a session knows of one state of its program. */
export interface StateForm {
  readonly name: string;
  /**
   * `rows`: a row for each position along `axis`, after `lead` rows in front of the text; `carried`: what going back needs
   * copies of; `context`: what stays as the text grows.
   */
  readonly kind: "rows" | "carried" | "context";
  readonly axis: number;
  readonly lead: number;
  /** The axis of the texts of a batch; -1 if there is none. */
  readonly batch: number;
  /** The size of each axis by its name, or as a number. */
  readonly axes: readonly string[];
}

/** An input with the sizes of its axes. */
export interface InputForm {
  readonly name: string;
  /** What each axis is: the new positions, all positions so far, or a size by its name. */
  readonly axes: readonly string[];
}

/** What sessions know of a decoding program: plain data, which a module carries. */
export interface SessionForm {
  /** What the sizes are called: positions that a run adds, those before it, those that there is memory for. */
  readonly added: string;
  readonly past: string;
  readonly capacity: string;
  /** The size of a batch; absent if there is one text alone. */
  readonly batch?: string;
  /** The most positions that the model takes; absent if there is no end. */
  readonly limit?: number;
  /** The sizes that are fixed with the memory of the states. */
  readonly fixed: readonly string[];
  /** The inputs of the part `encode`; absent if there is nothing to encode. */
  readonly context?: readonly InputForm[];
  /**
   * The input of `encode` that says where each text of a batch begins, behind padding; absent if all begin together. Nothing
   * reads it of a model that does not ask for positions.
   */
  readonly begins?: string;
  /** The inputs of the text. In their axes `added` are the new positions, `length` all so far. */
  readonly inputs: readonly InputForm[];
  /** The input of token ids, if it is all that must be given. */
  readonly tokens?: string;
  /** The output that tokens are drawn from: logits over the vocabulary. */
  readonly logits?: string;
  /** How many logits there are, and how many of the largest a part of the program tells; absent if none does. */
  readonly picks?: { readonly size: number; readonly top: number };
  readonly states: readonly StateForm[];
  /** Tells this program and its weights from others. */
  readonly hash: string;
}

/** The axis of new positions, and that of all so far, in an `InputForm`. */
export const ADDED = "+";
export const SO_FAR = "*";
