import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph } from "../../ir/graph.ts";

/** A model of another library as the command writes it. */
export interface Imported {
  readonly text: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Lines for who called, of what it was and became; without the text's own. */
  readonly told: readonly string[];
  /** Holds what the text was lowered to against the model; what differs is a bug of lmg, and thrown. */
  readonly check?: (written: Graph) => void;
}
