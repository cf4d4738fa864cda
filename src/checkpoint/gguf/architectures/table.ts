import type { Architecture } from "./architecture.ts";
import { deepseek2 } from "./deepseek.ts";
import { gptOss, granitemoe, olmoe, qwen2moe, qwen3moe } from "./experts.ts";
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
  deepseek2,
  gemma,
  gemma2,
  gemma3,
  "gpt-oss": gptOss,
  gpt2,
  gptneox,
  granite,
  granitemoe,
  llama,
  olmo2,
  olmoe,
  phi3,
  qwen2,
  qwen2moe,
  qwen3,
  qwen3moe,
};
