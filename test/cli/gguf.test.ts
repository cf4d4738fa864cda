import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { familyFile } from "../../src/families/families.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { floats, ggufFile, text, u32 } from "../checkpoint/gguf/writer.ts";
import { lmg, mistake, output, put } from "./harness.ts";

/** Tiny models as llama.cpp's converter writes them, and what transformers computes with them in float64. */
interface Golden {
  readonly config: { readonly model_type: string };
  readonly tokens: readonly number[];
  readonly values: readonly number[];
}

const goldens = "test/golden/gguf";
const folder = mkdtempSync(join(tmpdir(), "lmg-gguf-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const goldenOf = (name: string): Golden =>
  JSON.parse(readFileSync(`${goldens}/${name}.json`, "utf8")) as Golden;

put(`${folder}/llama3.json`, JSON.stringify(goldenOf("llama3").config));

const names = readdirSync(goldens).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -5)] : []));
// BERT's outputs are compared from safetensors, whose tensors are these bit for bit.
const runnable = names.filter(
  (name) => name !== "bert" && familyFile(goldenOf(name).config.model_type) !== undefined,
);

/** Relative to the largest logit; float32 as PyTorch's, which itself differs from float64 by up to 3e-6 on such models. */
const TOLERANCE = 1e-5;

async function expectLogits(name: string, ...args: readonly string[]): Promise<void> {
  const { tokens, values } = goldenOf(name);
  const file = join(folder, "logits.npy");
  // Of some the experts are codes, which are read with activations as they are.
  const options = ["--tokens", tokens.join(), "--logits", file, "--activations", "f32"];
  const { code, notes } = await lmg("run", ...args, ...options);
  expect([code, notes]).toEqual([0, ""]);
  const { data } = expectValue(readNpy(readFileSync(file), file));
  expect(data.length).toBe(values.length);
  const largest = Math.max(...values.map(Math.abs));
  const difference = Math.max(...values.map((value, at) => Math.abs(value - data[at]!)));
  expect(difference / largest).toBeLessThan(TOLERANCE);
}

test("all families are run", () => {
  expect(names.filter((name) => !runnable.includes(name))).toEqual(["bert"]);
});

test.each(runnable)("%s.gguf alone gives transformers' logits", async (name) => {
  await expectLogits(name, `${goldens}/${name}.gguf`);
});

test("a GGUF file is weights of a model that is named, and so is the only one of a folder", async () => {
  await expectLogits("llama", "examples/llama.lmg", "--weights", `${goldens}/llama.gguf`);
  mkdirSync(join(folder, "one"));
  copyFileSync(`${goldens}/llama.gguf`, join(folder, "one", "model.gguf"));
  await expectLogits("llama", "examples/llama.lmg", "--weights", join(folder, "one"));
});

test("a config is read of a GGUF file where a model is only looked at", async () => {
  const text = await output("stats", "examples/llama.lmg", "--config", `${goldens}/llama3.gguf`, "--json");
  expect(JSON.parse(text)).toEqual(
    JSON.parse(await output("stats", "examples/llama.lmg", "--config", `${folder}/llama3.json`, "--json")),
  );
});

test("a tokenizer is read of a GGUF file", async () => {
  const tokenizer = `${goldens}/tokenizers/llama.gguf`;
  const args = [
    "--weights",
    `${goldens}/llama.gguf`,
    "--tokenizer",
    tokenizer,
    "--tokens",
    "1,2,3",
    "--top",
    "1",
  ];
  expect(await output("run", "examples/llama.lmg", ...args)).toContain("likeliest tokens");
});

describe("a split file", () => {
  const tensor = (name: string) => ({ name, sizes: [2], type: 0, bytes: floats(1, 2) });
  const part = (number: number, count: number, tensors: readonly string[]) =>
    ggufFile({
      metadata: [
        ["general.architecture", text("rwkv7")],
        ["split.no", u32(number)],
        ["split.count", u32(count)],
        ["split.tensors.count", u32(2)],
      ],
      tensors: tensors.map(tensor),
    });
  const put2 = (first: Uint8Array, second: Uint8Array | undefined): string => {
    const at = mkdtempSync(join(folder, "split-"));
    put(join(at, "m-00001-of-00002.gguf"), first);
    if (second !== undefined) put(join(at, "m-00002-of-00002.gguf"), second);
    return at;
  };
  const said = async (at: string): Promise<string> => {
    const notes = await mistake("run", "examples/llama.lmg", "--weights", at, "--tokens", "1");
    return notes.replaceAll(at, "AT").split("\n")[0]!;
  };

  test("is one checkpoint, whichever part is named", async () => {
    const at = put2(part(0, 2, ["a"]), part(1, 2, ["b"]));
    // All parts are opened before the architecture is looked at.
    const unknown = "`general.architecture` is `rwkv7`";
    expect(await said(at)).toContain(unknown);
    expect(await said(join(at, "m-00002-of-00002.gguf"))).toContain(unknown);
  });

  test.each([
    ["a part is missing", put2(part(0, 2, ["a"]), undefined)],
    ["parts are swapped", put2(part(1, 2, ["a"]), part(0, 2, ["b"]))],
    ["a part is of another model", put2(part(0, 2, ["a"]), part(1, 3, ["b"]))],
    ["a tensor stands in two", put2(part(0, 2, ["a"]), part(1, 2, ["a"]))],
    ["a tensor is missing", put2(part(0, 2, ["a"]), part(1, 2, []))],
  ])("is refused where %s", async (_, at) => {
    expect(await said(at)).toMatchSnapshot();
  });
});
