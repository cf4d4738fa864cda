import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import type { CheckpointTensor } from "../../src/checkpoint/match.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { joinPublished } from "../../src/checkpoint/quantized/published.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32, toHostTensor, toStored, type StoredTensor } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
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

interface ClassesGolden {
  readonly texts: readonly string[];
  readonly query: string;
  readonly passages: readonly string[];
  readonly logits: readonly (readonly number[])[];
}

const classesGolden = (name: string): ClassesGolden =>
  JSON.parse(readFileSync(`${goldens}/${name}/golden.json`, "utf8")) as ClassesGolden;

/** Float32 beside float64, of logits up to 2. */
const OF_LOGITS = 2e-6;

describe("classes by an adapter that brings its head", () => {
  /** By text, in the order of the labels' ids. */
  async function logitsOf(folder: string, texts: readonly string[], ...more: readonly string[]) {
    const { code, text } = await lmg("classify", `test/golden/texts/${folder}`, ...texts, "--json", ...more);
    expect(code).toBe(0);
    const { texts: found } = JSON.parse(text) as {
      readonly texts: readonly { readonly labels: readonly { label: string; logit: number }[] }[];
    };
    return found.map(({ labels }) => new Map(labels.map(({ label, logit }) => [label, logit])));
  }

  test.each([
    ["classes", "bert_classes", ["good", "bad", "neither"]],
    ["new_classes", "sentences", ["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"]],
    ["new_scores", "last_token", ["LABEL_0", "LABEL_1", "LABEL_2"]],
  ] as const)("%s: %s becomes the merged classifier", async (name, folder, labels) => {
    const { texts, logits } = classesGolden(name);
    const found = await logitsOf(folder, texts, "--adapter", `${goldens}/${name}`);
    expect(found).toHaveLength(logits.length);
    for (const [at, row] of found.entries()) {
      expect([...row.keys()].toSorted()).toEqual(labels.toSorted());
      for (const [id, label] of labels.entries())
        expect(Math.abs(row.get(label)! - logits[at]![id]!)).toBeLessThan(OF_LOGITS);
    }
  });

  test("a classifier that had a head is another without the adapter", async () => {
    const { texts, logits } = classesGolden("classes");
    const [first] = await logitsOf("bert_classes", texts);
    expect(Math.abs(first!.get("good")! - logits[0]![0]!)).toBeGreaterThan(1e-2);
  });

  test("passages are ranked by it", async () => {
    const { query, passages, logits } = classesGolden("ranks");
    const more = ["--json", "--adapter", `${goldens}/ranks`];
    const { code, text } = await lmg("rerank", "test/golden/texts/bert_ranks", query, ...passages, ...more);
    expect(code).toBe(0);
    const { ranked } = JSON.parse(text) as { readonly ranked: readonly { passage: number; score: number }[] };
    const scores = logits.map(([logit]) => 1 / (1 + Math.exp(-logit!)));
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    expect(ranked.map(({ passage }) => passage)).toEqual(order);
    for (const { passage, score } of ranked)
      expect(Math.abs(score - scores[passage]!)).toBeLessThan(OF_LOGITS);
  });

  test("a head of other sizes than the checkpoint's, and one that no module was to be saved for, are refused", async () => {
    const folder = "test/golden/texts/bert_ranks";
    const said = await mistake("classify", folder, "a", "--adapter", `${goldens}/classes`);
    expect(said).toContain("error[E739]");
    expect(said).toContain("`classifier.bias` is [3], and the checkpoint's is [1]");
    const at = otherwise("unsaved", { modules_to_save: null }, "classes");
    expect(await mistake("classify", "test/golden/texts/bert_classes", "a", "--adapter", at)).toContain(
      "`base_model.model.classifier.bias` is no pair of lora_A and lora_B",
    );
  });
});

test("a LoRA is added to what the codes of a checkpoint stand for", async () => {
  const [model, base] = ["examples/llama.lmg", "examples/weights/whale"];
  const [codes, floats, adapter] = ["codes", "floats", "lora"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  expect((await lmg("quantize", model, "--weights", base, "-o", codes)).code).toBe(0);
  const opened = orThrow(openCheckpoint(codes));
  const stood = orThrow(joinPublished(opened.tensors, codes));
  const float = ({ shape, read }: CheckpointTensor): StoredTensor =>
    toStored(hostTensor("f32", shape, toFloat32(read())));
  put(
    join(floats, "model.safetensors"),
    writeSafetensors(new Map([...stood].map(([name, tensor]) => [name, float(tensor)]))),
  );
  const module = "model.layers.1.self_attn.q_proj";
  const [rows, columns] = stood.get(`${module}.weight`)!.shape as [number, number];
  opened.close();
  copyFileSync(`${base}/config.json`, join(floats, "config.json"));
  const said = { peft_type: "LORA", r: 1, lora_alpha: 1, target_modules: ["q_proj"] };
  put(join(adapter, "adapter_config.json"), JSON.stringify(said));
  const half = (shape: readonly number[]): StoredTensor =>
    toStored(
      hostTensor(
        "f32",
        shape,
        Array.from({ length: Math.max(...shape) }, (_, at) => Math.sin(at) / 8),
      ),
    );
  put(
    join(adapter, "adapter_model.safetensors"),
    writeSafetensors(
      new Map([
        [`base_model.model.${module}.lora_A.weight`, half([1, columns])],
        [`base_model.model.${module}.lora_B.weight`, half([rows, 1])],
      ]),
    ),
  );
  const logits = async (weights: string, ...more: readonly string[]) => {
    const file = join(folder, "whale.npy");
    const given = ["--weights", weights, "--tokens", "1,2,3", "--quantize", "none", "--logits", file];
    expect((await lmg("run", model, ...given, ...more)).code).toBe(0);
    return expectValue(readNpy(readFileSync(file), file));
  };
  const wanted = await logits(floats, "--adapter", adapter);
  expect(relativeDifference(await logits(codes, "--adapter", adapter), wanted)).toBeLessThan(1e-6);
  expect(relativeDifference(await logits(codes), wanted)).toBeGreaterThan(1e-3);
});

/** An adapter with something else in its config. */
function otherwise(name: string, change: object, of = "llama"): string {
  const at = join(folder, name);
  mkdirSync(at);
  copyFileSync(`${goldens}/${of}/adapter_model.safetensors`, join(at, "adapter_model.safetensors"));
  const config = JSON.parse(readFileSync(`${goldens}/${of}/adapter_config.json`, "utf8")) as object;
  put(join(at, "adapter_config.json"), JSON.stringify({ ...config, ...change }));
  return at;
}

test.each([
  [{ peft_type: "IA3" }, '`peft_type` is "IA3"'],
  [{ use_dora: true }, "`use_dora` is true"],
  [{ bias: "all" }, '`bias` is "all"'],
  [{ modules_to_save: "lm_head" }, '`modules_to_save` is "lm_head"'],
  [{ something_new: 1 }, "`something_new` is 1"],
  [{ r: 0 }, "`r` is 0"],
  [{ lora_alpha: null }, "`lora_alpha` is null"],
  [{ rank_pattern: { q_proj: "x" } }, "`rank_pattern` is"],
  [{ alpha_pattern: { q_proj: 0 } }, "`alpha_pattern` is"],
  [
    { target_parameters: ["mlp.experts.gate_up_proj"] },
    '`target_parameters` is ["mlp.experts.gate_up_proj"]: a LoRA of parameters that are no module\'s weight, as of experts in one stack, is not merged',
  ],
])("an adapter with %j is refused by the key", async (change, words) => {
  const at = otherwise(`other-${JSON.stringify(change).replace(/\W/g, "")}`, change);
  const said = await mistake("run", "test/golden/hf/llama", "--adapter", at, "--tokens", "1");
  expect(said).toContain("error[E738]");
  expect(said).toContain(words);
  expect(said).toContain("merge it with PEFT (`merge_and_unload`), and save what that gives");
});

/** The same adapter with other tensors. */
function tensorsOtherwise(
  name: string,
  change: (tensor: string, stored: StoredTensor) => readonly (readonly [string, StoredTensor])[],
): string {
  const at = otherwise(name, {});
  const { tensors } = expectValue(readSafetensors(readFileSync(join(at, "adapter_model.safetensors")), name));
  const changed = [...tensors].flatMap(([tensor, stored]) => change(tensor, stored));
  put(join(at, "adapter_model.safetensors"), writeSafetensors(new Map(changed)));
  return at;
}

const floats = (...shape: readonly [number, number]): StoredTensor =>
  toStored(hostTensor("f32", shape, new Float32Array(shape[0] * shape[1])));

test.each([
  [
    "half of a pair",
    (name: string, stored: StoredTensor) =>
      name.includes("layers.0.mlp.down_proj.lora_B") ? [] : [[name, stored] as const],
    "`model.layers.0.mlp.down_proj` is no pair of lora_A and lora_B",
  ],
  [
    "a pair of another shape",
    (name: string, stored: StoredTensor) => [
      [name, name.includes("layers.0.mlp.down_proj.lora_A") ? floats(stored.shape[0]!, 5) : stored] as const,
    ],
    "`model.layers.0.mlp.down_proj` has A [",
  ],
  [
    "a LoRA of a table",
    (name: string, stored: StoredTensor) => [
      [name.replace(".lora_A.weight", ".lora_embedding_A"), stored] as const,
    ],
    "is no pair of lora_A and lora_B, as",
  ],
  ["nothing", () => [], "has no tensors of an adapter"],
])("an adapter that has %s is refused by name", async (what, change, words) => {
  const at = tensorsOtherwise(`tensors-${what.replaceAll(" ", "-")}`, change);
  const said = await mistake("run", "test/golden/hf/llama", "--adapter", at, "--tokens", "1");
  expect(said).toContain("error[E739]");
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
