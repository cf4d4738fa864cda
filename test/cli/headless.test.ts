import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/checkpoint/npy.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { lmg, mistake, put } from "./harness.ts";

const weights = "test/golden/hf/bert_headless";
const folder = mkdtempSync(join(tmpdir(), "lmg-headless-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const golden = expectValue(readSafetensors(readFileSync(`${weights}/golden.safetensors`), "golden"));
const tensor = (name: string): HostTensor => expectValue(toHostTensor(golden.tensors.get(name)!, name));
const inputs = Object.entries({
  input_ids: "tokens",
  token_type_ids: "token_types",
  attention_mask: "attention_mask",
}).flatMap(([input, name]) => {
  put(join(folder, `${name}.npy`), writeNpy(tensor(name)));
  return ["--input", `${input}=${join(folder, `${name}.npy`)}`];
});

const args = ["run", "examples/bert.lmg", "--weights", weights, ...inputs];

// BERT's own goldens hold to the same; `f32_maxdiff` of PyTorch itself is 7.5e-7.
const TOLERANCE = 1e-5;

test.each([
  ["hidden_states", []],
  ["pooled", []],
  ["hidden_states", ["--interpret"]],
] as const)("a BERT without heads and without `bert.` gives transformers' %s %j", async (output, more) => {
  const file = join(folder, "out.npy");
  const { code, text, notes } = await lmg(...args, "--output", output, "--logits", file, ...more);
  expect([code, notes]).toEqual([0, ""]);
  expect(text).toContain("`bert.` put in front of its names");
  const actual = expectValue(readNpy(readFileSync(file), file));
  const wanted = tensor(output);
  expect(actual.shape).toEqual(wanted.shape);
  const mask = tensor("attention_mask").data;
  const width = wanted.data.length / (output === "pooled" ? wanted.shape[0]! : mask.length);
  const counts = (at: number): boolean => output === "pooled" || mask[Math.floor(at / width)] === 1;
  const differences = Array.from(wanted.data, (value, at) =>
    counts(at) ? Math.abs(actual.data[at]! - value) : 0,
  );
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
});

test("without --output it is said which outputs can be had", async () => {
  expect(await mistake(...args)).toBe(
    [
      `error[E721]: ${weights}/model.safetensors, \`bert.\` put in front of its names: 7 tensors of the model are missing: ` +
        "`cls.seq_relationship.weight`, `cls.seq_relationship.bias`, `cls.predictions.transform.dense.weight`, " +
        "`cls.predictions.transform.dense.bias`, `cls.predictions.transform.LayerNorm.weight` and 2 more",
      "  help: `hidden_states` and `pooled` can be had without: --output hidden_states --output pooled",
    ].join("\n"),
  );
});

test("a training has no outputs to choose", async () => {
  put(join(folder, "m.lmg"), readFileSync("examples/chars.lmg"));
  expect(await mistake("stats", join(folder, "m.lmg"), "--train", "--output", "logits")).toContain(
    "error[E804]: --output chooses outputs of the model, but a training reads what its losses read",
  );
});
