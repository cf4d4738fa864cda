import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { relativeDifference } from "../families/difference.ts";
import { lmg, mistake, put } from "./harness.ts";

/* LoRA adapters as PEFT writes them, and the logits of the merged models in float64 (`test/golden/adapters.py`). */

const goldens = "test/golden/adapters";
const folder = mkdtempSync(join(tmpdir(), "lmg-adapters-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const names = ["llama", "gpt2"] as const;

/** PyTorch's own float32 differs from float64 by up to 3e-6 on these models. */
const TOLERANCE = 1e-5;

test.each(names)("a checkpoint of %s with an adapter gives the merged model's logits", async (name) => {
  const file = join(folder, `${name}.npy`);
  const golden = expectValue(
    readSafetensors(readFileSync(`${goldens}/${name}/golden.safetensors`), "golden"),
  );
  const tokens = `tokens=${goldens}/${name}/golden.safetensors:tokens`;
  const base = ["run", `test/golden/hf/${name}`, "--input", tokens, "--logits", file];
  const { code, notes, text } = await lmg(...base, "--adapter", `${goldens}/${name}`);
  expect([code, notes]).toEqual([0, ""]);
  expect(text).toContain(`and ${goldens}/${name}/adapter_model.safetensors`);
  const wanted = expectValue(toHostTensor(golden.tensors.get("logits")!, "logits"));
  expect(relativeDifference(expectValue(readNpy(readFileSync(file), file)), wanted)).toBeLessThan(TOLERANCE);
  await lmg(...base);
  expect(relativeDifference(expectValue(readNpy(readFileSync(file), file)), wanted)).toBeGreaterThan(1e-3);
});

test("an encoder with an adapter gives the vectors of the merged model", async () => {
  const golden = JSON.parse(readFileSync(`${goldens}/sentences/golden.json`, "utf8")) as {
    readonly texts: readonly string[];
    readonly vectors: readonly (readonly number[])[];
  };
  const base = ["embed", "test/golden/texts/sentences", ...golden.texts, "--json"];
  const vectors = async (...more: readonly string[]) => {
    const { code, text } = await lmg(...base, ...more);
    expect(code).toBe(0);
    return (JSON.parse(text) as { readonly vectors: readonly (readonly number[])[] }).vectors.flat();
  };
  const wanted = golden.vectors.flat();
  const farthest = (found: readonly number[]) =>
    Math.max(...found.map((value, at) => Math.abs(value - wanted[at]!)));
  const found = await vectors("--adapter", `${goldens}/sentences`);
  expect(found.length).toBe(wanted.length);
  // Vectors have length 1; sentence-transformers' own float32 is as near.
  expect(farthest(found)).toBeLessThan(1e-6);
  expect(farthest(await vectors())).toBeGreaterThan(1e-3);
});

test("an adapter of another model is refused for an encoder too", async () => {
  const said = await mistake("embed", "test/golden/texts/sentences", "a", "--adapter", `${goldens}/llama`);
  expect(said).toContain("error[E739]");
});

/** The adapter of Llama with something else in its config. */
function otherwise(name: string, change: object): string {
  const at = join(folder, name);
  mkdirSync(at);
  copyFileSync(`${goldens}/llama/adapter_model.safetensors`, join(at, "adapter_model.safetensors"));
  const config = JSON.parse(readFileSync(`${goldens}/llama/adapter_config.json`, "utf8")) as object;
  put(join(at, "adapter_config.json"), JSON.stringify({ ...config, ...change }));
  return at;
}

test.each([
  [{ peft_type: "IA3" }, '`peft_type` is "IA3"'],
  [{ use_dora: true }, "`use_dora` is true"],
  [{ bias: "all" }, '`bias` is "all"'],
  [{ modules_to_save: ["lm_head"] }, '`modules_to_save` is ["lm_head"]'],
  [{ something_new: 1 }, "`something_new` is 1"],
  [{ r: 0 }, "`r` is 0"],
  [{ lora_alpha: null }, "`lora_alpha` is null"],
  [{ rank_pattern: { q_proj: "x" } }, "`rank_pattern` is"],
])("an adapter with %j is refused by the key", async (change, words) => {
  const at = otherwise(`other-${JSON.stringify(change).replace(/\W/g, "")}`, change);
  const said = await mistake("run", "test/golden/hf/llama", "--adapter", at, "--tokens", "1");
  expect(said).toContain("error[E738]");
  expect(said).toContain(words);
});

test("an adapter of another model, one by itself, and one without weights are refused with what to do", async () => {
  const run = (model: string, ...args: readonly string[]) => mistake("run", model, ...args, "--tokens", "1");
  expect(await run("test/golden/hf/gpt2", "--adapter", `${goldens}/llama`)).toMatchInlineSnapshot(`
    "error[E739]: test/golden/adapters/llama/adapter_model.safetensors adapts \`model.layers.0.mlp.down_proj\`, and the checkpoint has no such weight
      help: is the adapter one of this model? its adapter_config.json names the model in \`base_model_name_or_path\`"
  `);
  expect(await run("test/golden/hf/llama3", "--adapter", `${goldens}/gpt2`)).toMatchInlineSnapshot(`
    "error[E739]: test/golden/adapters/gpt2/adapter_model.safetensors adapts \`transformer.h.0.attn.c_attn\`, and the checkpoint has no such weight
      help: is the adapter one of this model? its adapter_config.json names the model in \`base_model_name_or_path\`"
  `);
  expect(await run(`${goldens}/llama`)).toMatchInlineSnapshot(`
    "error[E737]: \`test/golden/adapters/llama\` is an adapter, no model: it changes the weights of another
      help: name that one, and this with --adapter: lmg run MODEL --adapter test/golden/adapters/llama"
  `);
  expect(await run("examples/llama.lmg", "--random", "0", "--adapter", `${goldens}/llama`))
    .toMatchInlineSnapshot(`
    "error[E817]: --adapter is merged into weights, and there are none
      help: name them with --weights"
  `);
});
