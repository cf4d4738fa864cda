import type { ModuleTarget } from "./facts.ts";

/** The file of a folder that says what lies in it. */
export const MANIFEST = "model.json";

/** The tokenizer of a GGUF file: the keys of its metadata that begin with `tokenizer.`. */
export const GGUF_TOKENIZER = "tokenizer.gguf.json";

/** How texts end and tokens are drawn, as transformers names it. */
export const GENERATION_CONFIG = "generation_config.json";

/** The file of a chat template, where it is no part of another. */
export const CHAT_TEMPLATE = "chat_template.jinja";

/** What a folder of `lmg compile --generate` has; paths are relative to it. */
export interface Manifest {
  /** The name of the model. */
  readonly name: string;
  /** The modules that run it, the first that can be run before others. */
  readonly modules: readonly { readonly target: ModuleTarget; readonly path: string }[];
  /** A safetensors file with the tensors of the modules, and its size. */
  readonly weights: { readonly path: string; readonly bytes: number };
  /** The files of tokenizer, template and generation. */
  readonly texts: readonly string[];
  /** The most positions that the checkpoint was made for, if its config says so: models with rotary positions know no end. */
  readonly context?: number;
  /** Whether one of them has a chat template. */
  readonly canChat: boolean;
}
