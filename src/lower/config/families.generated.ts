// Written by scripts/embed.ts from examples/*.lmg.
/** The examples that read published configs, and the `model_type`s that each speaks for. */
export const familyExamples: readonly { file: string; families: readonly string[] }[] = [
  { file: "bert.lmg", families: ["bert"] },
  { file: "cohere.lmg", families: ["cohere"] },
  { file: "gemma2.lmg", families: ["gemma2"] },
  { file: "gpt2.lmg", families: ["gpt2"] },
  { file: "gptj.lmg", families: ["gptj"] },
  { file: "granite.lmg", families: ["granite"] },
  { file: "llama.lmg", families: ["llama", "mistral"] },
  { file: "neox.lmg", families: ["gpt_neox"] },
  { file: "olmo2.lmg", families: ["olmo2"] },
  { file: "qwen3.lmg", families: ["qwen3"] },
];
