import type { JsonObject } from "../../json.ts";
import type { CheckpointTensor } from "../../match.ts";
import type { Change } from "../changes.ts";
import type { ModelKeys } from "../keys.ts";

/** What is asked of a file's tensors, by llama.cpp's names. */
export interface FileTensors {
  readonly has: (name: string) => boolean;
  /** Its sizes, outermost first; a file without it is refused. */
  readonly shape: (name: string) => readonly number[];
  readonly values: (name: string) => Float32Array;
}

/** A tensor that llama.cpp's converter writes as several. */
export interface Join {
  /** llama.cpp's whole names; `blk.*.` stands for each layer, and so does the first `*` of the published name. */
  readonly parts: readonly string[];
  readonly to: string;
  /** Undefined where their shapes do not fit together. */
  readonly join: (parts: readonly CheckpointTensor[]) => CheckpointTensor | undefined;
}

/** How llama.cpp's converter writes a family of models: what of it is undone. */
export interface Architecture {
  /**
   * llama.cpp's names without `.weight` and `.bias`, and the published ones; or whole names, where the published one ends
   * otherwise. `blk.*.` stands for each layer; so does the first `*` of the published name, and the second for each expert.
   */
  readonly names: Readonly<Record<string, string>>;
  readonly joins?: readonly Join[];
  /** What is done to the values of tensors, by llama.cpp's names; with sizes from the keys. */
  readonly changes?: (keys: ModelKeys, name: string) => Change | undefined;
  /** The published config.json, as far as it says what is computed. */
  readonly config: (keys: ModelKeys, tensors: FileTensors) => JsonObject;
}
