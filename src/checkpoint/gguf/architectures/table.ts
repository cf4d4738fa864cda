import type { Architecture } from "./architecture.ts";
import { gemma, gemma2, gemma3 } from "./gemma.ts";
import { commandR, granite, llama, olmo2, phi3, qwen2, qwen3 } from "./llama.ts";
import { bert, gpt2, gptneox } from "./others.ts";

/**
 * The architectures that are read, by `general.architecture`. Each is proved by a file that llama.cpp's converter wrote
 * (`test/golden/gguf`); a test asks for one.
 */
export const architectures: Readonly<Record<string, Architecture>> = {
  bert,
  "command-r": commandR,
  gemma,
  gemma2,
  gemma3,
  gpt2,
  gptneox,
  granite,
  llama,
  olmo2,
  phi3,
  qwen2,
  qwen3,
};
