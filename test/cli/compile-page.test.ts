import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors, type Safetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import type { Manifest } from "../../src/page/manifest.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { lmg, mistake, output } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "lmg-compile-page-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const whale = ["examples/llama.lmg", "--weights", "examples/weights/whale"];
const page = (name: string, ...args: string[]) => [
  "compile",
  ...args,
  "--generate",
  "-o",
  join(folder, name),
];
const bytesIn = (name: string, file: string): Uint8Array => readFileSync(join(folder, name, file));
const textIn = (name: string, file: string): string => readFileSync(join(folder, name, file), "utf8");
const manifestOf = (name: string): Manifest => JSON.parse(textIn(name, "model.json")) as Manifest;
const weightsIn = (name: string): Safetensors =>
  expectValue(readSafetensors(bytesIn(name, "model.safetensors"), name));

describe("the page of a checkpoint", () => {
  let said = "";
  beforeAll(async () => {
    said = await output(...page("whale", ...whale));
  });

  test("is a folder of a few files, whose sizes are told", () => {
    const files = readdirSync(join(folder, "whale"));
    expect(files.sort()).toEqual(
      [
        ...["generation_config.json", "index.d.ts", "index.html", "index.js", "model.json"],
        ...["model.safetensors", "model.wasm.js", "tokenizer.json", "tokenizer_config.json", "worker.js"],
      ].sort(),
    );
    const lines = said.trimEnd().split("\n");
    expect(lines).toHaveLength(files.length + 1);
    expect(lines[0]).toMatch(/^wrote .*index\.html \([\d.]+ kB\)$/);
    expect(lines.at(-1)).toMatch(
      /^1\.\d\d MB in all: serve the folder .*whale as it is, and open its index\.html$/,
    );
  });

  test("is as small as the README says", () => {
    const packed = (file: string): number => gzipSync(bytesIn("whale", file)).length;
    expect(packed("worker.js")).toBeLessThan(45_000);
    expect(packed("model.wasm.js")).toBeLessThan(75_000);
  });

  test("says in model.json what lies in it", () => {
    expect(manifestOf("whale")).toEqual({
      name: "llama",
      modules: [{ target: "wasm", path: "model.wasm.js" }],
      weights: { path: "model.safetensors", bytes: bytesIn("whale", "model.safetensors").length },
      texts: ["tokenizer.json", "tokenizer_config.json", "generation_config.json"],
      context: 256,
      canChat: false,
    });
  });

  test("has tensors and tokenizer bit for bit", () => {
    const own = expectValue(readSafetensors(readFileSync("examples/weights/whale/model.safetensors"), "own"));
    const { tensors } = weightsIn("whale");
    expect([...tensors.keys()]).toEqual([...own.tensors.keys()]);
    for (const [name, { dtype, shape, bytes }] of own.tensors) {
      expect(tensors.get(name)).toMatchObject({ dtype, shape });
      expect(Buffer.compare(tensors.get(name)!.bytes, bytes), name).toBe(0);
    }
    const tokenizer = readFileSync("examples/weights/whale/tokenizer.json", "utf8");
    expect(textIn("whale", "tokenizer.json")).toBe(tokenizer);
  });

  test("has no line of the module that runs whole texts, and no import but of its own files", () => {
    const module = textIn("whale", "model.wasm.js");
    // Not the text itself, which would fill a screen if it were not so.
    expect(module.includes("export async function* generate(")).toBe(true);
    expect(module.includes("run: (inputs")).toBe(false);
    for (const file of ["model.wasm.js", "worker.js", "index.js"])
      expect(textIn("whale", file)).not.toMatch(/(?:^|[;}\s])import\s*[{*"'A-Za-z]/);
    for (const file of ["index.html", "index.js", "worker.js"])
      expect(textIn("whale", file).replaceAll("http://www.w3.org", "")).not.toMatch(
        /https?:\/\/(?!\S*licen)/i,
      );
  });
});

test("for a GPU there is a module for it, and one for where there is none", async () => {
  await output(...page("gpu", ...whale, "--target", "wgsl"));
  expect(manifestOf("gpu").modules).toEqual([
    { target: "wgsl", path: "model.wgsl.js" },
    { target: "wasm", path: "model.wasm.js" },
  ]);
  expect(textIn("gpu", "model.wgsl.js")).toContain("requiredFeatures");
});

test("of a GGUF file, the tokenizer is made of its keys, and weights have their published names", async () => {
  const [model, tokenizer] = ["llama", "tokenizers/llama"].map((name) => `test/golden/gguf/${name}.gguf`);
  await output(...page("gguf", model!, "--tokenizer", tokenizer!));
  expect(manifestOf("gguf").texts).toEqual(["tokenizer.gguf.json", "generation_config.json"]);
  const keys = JSON.parse(textIn("gguf", "tokenizer.gguf.json")) as Readonly<Record<string, unknown>>;
  expect(keys["tokenizer.ggml.model"]).toBe("llama");
  expect(JSON.parse(textIn("gguf", "generation_config.json"))).toEqual({});
  expect([...weightsIn("gguf").tensors.keys()]).toContain("model.layers.0.self_attn.q_proj.weight");
});

test("weights are written as codes where that is asked for", async () => {
  await output(...page("codes", ...whale, "--quantize", "int8"));
  const { tensors } = weightsIn("codes");
  expect(tensors.get("model.embed_tokens.weight_packed")).toMatchObject({ dtype: "i32", shape: [75, 32] });
  expect(tensors.has("model.embed_tokens.weight")).toBe(false);
  // 2 bytes an element before; a byte and a scale of 4 for each 32 now. Matrices whose rows are no blocks stay.
  expect(bytesIn("codes", "model.safetensors").length).toBeLessThan(
    0.8 * bytesIn("whale", "model.safetensors").length,
  );
});

test("what generation_config.json says stays, and the config's end of texts is added where it says none", async () => {
  const own = join(folder, "own");
  cpSync("examples/weights/whale", own, { recursive: true });
  const config = JSON.parse(readFileSync(join(own, "config.json"), "utf8")) as object;
  writeFileSync(join(own, "config.json"), JSON.stringify({ ...config, eos_token_id: 3 }));
  await output(...page("added", "examples/llama.lmg", "--weights", own));
  expect(JSON.parse(textIn("added", "generation_config.json"))).toEqual({ eos_token_id: 3 });
  writeFileSync(join(own, "generation_config.json"), `{"eos_token_id": [4], "do_sample": true}`);
  writeFileSync(join(own, "tokenizer_config.json"), JSON.stringify({ chat_template: "{% if %}" }));
  const { code, notes } = await lmg(...page("kept", "examples/llama.lmg", "--weights", own));
  expect(code).toBe(0);
  expect(JSON.parse(textIn("kept", "generation_config.json"))).toEqual({
    eos_token_id: [4],
    do_sample: true,
  });
  expect(notes).toMatch(/^warning: the page will have no conversations: .* its chat template cannot be read/);
  expect(manifestOf("kept").canChat).toBe(false);
});

test("of a run, weights and tokenizer are those that were trained, in a context that the model has itself", async () => {
  const run = join(folder, "run");
  mkdirSync(run);
  const model = `model circle(vocab, dim = 3) {
    input tokens: i32[B, T <= 24]
    next: embedding(vocab, dim)
    output logits: f32[B, T, dim]
  }`;
  const next = toStored(hostTensor("f32", [3, 3], [0, 1, 0, 0, 0, 1, 1, 0, 0]));
  const letters = { model: { type: "BPE", vocab: { a: 0, b: 1, c: 2 }, merges: [] }, added_tokens: [] };
  writeFileSync(join(run, "circle.lmg"), model);
  writeFileSync(join(run, "run.json"), `{"path": "circle.lmg", "model": "circle", "set": {"vocab": "3"}}`);
  writeFileSync(join(run, "tokenizer.json"), JSON.stringify(letters));
  writeFileSync(join(run, "model.safetensors"), writeSafetensors(new Map([["next.weight", next]])));
  await output(...page("circle", run));
  expect(manifestOf("circle")).toMatchObject({
    name: "circle",
    texts: ["tokenizer.json", "generation_config.json"],
  });
  expect(manifestOf("circle")).not.toHaveProperty("context");
  expect([...weightsIn("circle").tensors.keys()]).toEqual(["next.weight"]);
});

test("--json lists what was written", async () => {
  const { files } = JSON.parse(await output(...page("json", ...whale, "--json"))) as {
    readonly files: readonly { readonly path: string; readonly bytes: number }[];
  };
  for (const { path, bytes } of files) expect(readFileSync(path).length).toBe(bytes);
});

describe("what makes no page", () => {
  test("a checkpoint without a tokenizer, or none at all", async () => {
    expect(await mistake(...page("none", "test/golden/gguf/llama.gguf"))).toMatchInlineSnapshot(`
      "error[E818]: \`test/golden/gguf/llama.gguf\` has no tokenizer, so a page could write no texts by it
        help: name a tokenizer.json, a folder that has one, or a .gguf file, with --tokenizer"
    `);
    expect(
      await mistake(
        ...page("none", "examples/llama.lmg", "--config", "examples/weights/whale", "--random", "0"),
      ),
    ).toMatchInlineSnapshot(`
      "error[E818]: there is no tokenizer to write texts with
        help: name a tokenizer.json, a folder that has one, or a .gguf file, with --tokenizer"
    `);
  });

  test("no weights", async () => {
    expect(await mistake(...page("none", "examples/llama.lmg"))).toContain(
      "error[E817]: there are no weights",
    );
  });

  test("a model that cannot be read token by token, for its own reason", async () => {
    const bert = ["examples/bert.lmg", "--random", "0", "--tokenizer", "examples/weights/whale"];
    expect(await mistake(...page("none", ...bert, "--set", "depth=1"))).toMatchInlineSnapshot(`
      "error[E839]: a page writes a text token by token, which this model does not: attend bert.encoder.layer.0.attention (examples/bert.lmg:38:35): attention sees later positions: neither \`causal\` nor its mask or bias hides them
        help: \`lmg compile\` without --generate writes a module that runs it whole"
    `);
  });

  test("two things at once, and options of a page without it", async () => {
    expect(await mistake(...page("none", ...whale, "--train"))).toContain(
      "error[E804]: --train and --generate write different things",
    );
    expect(await mistake("compile", ...whale)).toContain(
      "error[E804]: --weights is for the page that --generate writes, and for --target onnx",
    );
    expect(await mistake(...page("none", ...whale, "--f16"))).toContain("E822");
  });
});
