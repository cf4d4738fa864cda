import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { familyModel } from "../../src/families/models.ts";
import { inFolder, lmg } from "./harness.ts";

const llama = familyModel("llama")!.text;

inFolder({
  "text.txt": "the quick brown fox jumps over the lazy dog. ".repeat(20),
  "llama.lmg": llama,
  "moved.lmg": llama.replace("residual pre input_layernorm", "residual out input_layernorm"),
});

const small = ["dim=16", "hidden=24", "depth=1", "heads=2", "kv_heads=1"].flatMap((each) => ["--set", each]);

const train = (model: string, out: string) =>
  lmg(
    "train",
    model,
    "--data",
    "text.txt",
    ...small,
    "--context",
    "8",
    "--batch",
    "2",
    "--steps",
    "1",
    "-o",
    out,
  );

const json = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

const next = async (folder: string): Promise<string> => {
  const { code, text, notes } = await lmg("run", folder, "--prompt", "the quick");
  expect(code, notes).toBe(0);
  // Its first line names the file.
  return text.slice(text.indexOf("\n"));
};

test("the folder of a run is a checkpoint that is loaded by its config.json alone", async () => {
  const { code, notes } = await train("llama.lmg", "run");
  expect(code, notes).toBe(0);
  expect(json("run/config.json")).toMatchObject({
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    dtype: "float32",
    vocab_size: 28,
    hidden_size: 16,
    num_key_value_heads: 1,
    max_position_embeddings: 8,
    eos_token_id: null,
  });
  expect(json("run/tokenizer_config.json")).toEqual({
    tokenizer_class: "PreTrainedTokenizerFast",
    model_max_length: 8,
  });
  expect(json("run/run.json")["published"]).toEqual({
    architecture: "LlamaForCausalLM",
    model_type: "llama",
  });
  const before = await next("run");
  cpSync("run", "published", { recursive: true });
  for (const name of ["run.json", "model", "best.safetensors", "checkpoint.safetensors"])
    rmSync(`published/${name}`, { recursive: true, force: true });
  expect(await next("published")).toBe(before);
});

test("a model that was changed says what its architecture would compute otherwise, and where", async () => {
  const { code, notes } = await train("moved.lmg", "other");
  expect(code, notes).toBe(0);
  expect(notes).toMatch(
    /no config\.json: it is no LlamaForCausalLM, as examples\/llama\.lmg has them: `linear` of `model\.layers\.0\.self_attn\.q_proj` \(moved\.lmg:\d+:\d+\) stands where `rms_norm` does/,
  );
  expect(existsSync("other/config.json")).toBe(false);
  expect(json("other/run.json")["published"]).toHaveProperty("because");
});
