import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mistake, output } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "lmg-compile-transformers-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const whale = ["examples/llama.lmg", "--weights", "examples/weights/whale"];
const compile = (name: string, ...args: string[]) => [
  ...["compile", ...args, "--target", "transformers", "-o", join(folder, name)],
];

test("a folder has the model's code and config, its tokenizer, and a second name for its weights", async () => {
  expect(await output(...compile("whale", ...whale))).toContain("model.safetensors: no byte is copied");
  expect(readdirSync(join(folder, "whale")).sort()).toEqual([
    ...[
      "config.json",
      "model.safetensors",
      "modeling_lmg_llama.py",
      "tokenizer.json",
      "tokenizer_config.json",
    ],
  ]);
  const config = JSON.parse(readFileSync(join(folder, "whale/config.json"), "utf8")) as object;
  expect(config).toMatchObject({
    auto_map: { AutoModelForCausalLM: "modeling_lmg_llama.LlamaForCausalLM" },
    hidden_size: 128,
    num_hidden_layers: 4,
  });
  const weights = statSync("examples/weights/whale/model.safetensors");
  expect(statSync(join(folder, "whale/model.safetensors")).ino).toBe(weights.ino);
});

test("the config of another model is not written over, and a misfit is told at its line", async () => {
  writeFileSync(join(folder, "config.json"), '{ "model_type": "llama" }');
  expect(await mistake(...compile("", ...whale))).toContain("the config of another model is there");
  writeFileSync(
    join(folder, "alibi.lmg"),
    "model alibi {\n  input tokens: i32[B, T]\n  wte: embedding(23, 8)\n  residual { attn: attention(2, alibi: true) }\n  unembed(wte)\n  output y\n}\n",
  );
  expect(await mistake(...compile("alibi", join(folder, "alibi.lmg")))).toMatch(
    /alibi\.lmg:4:14: error\[E845\]: transformers cannot be given attention with a bias of its scores: /,
  );
});
