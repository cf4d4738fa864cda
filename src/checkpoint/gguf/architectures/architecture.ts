import type { JsonObject } from "../../json.ts";
import type { Change } from "../changes.ts";
import type { ModelKeys } from "../keys.ts";

/** What is asked of a file's tensors, by llama.cpp's names. */
export interface FileTensors {
  readonly has: (name: string) => boolean;
  /** Its sizes, outermost first; a file without it is refused. */
  readonly shape: (name: string) => readonly number[];
  readonly values: (name: string) => Float32Array;
}

/** How llama.cpp's converter writes a family of models: what of it is undone. */
export interface Architecture {
  /**
   * llama.cpp's names without `.weight` and `.bias`, and the published ones. `blk.*.` stands for each layer; so does the `*` of
   * the published name.
   */
  readonly names: Readonly<Record<string, string>>;
  /** What is done to the values of tensors, by llama.cpp's names; with sizes from the keys. */
  readonly changes?: (keys: ModelKeys, name: string) => Change | undefined;
  /** The published config.json, as far as it says what is computed. */
  readonly config: (keys: ModelKeys, tensors: FileTensors) => JsonObject;
}
