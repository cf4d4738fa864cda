import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, expect, describe, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32, toStored, type StoredTensor } from "../../src/checkpoint/stored.ts";
import type { Agreement } from "../../src/run/compare/agreement.ts";
import type { WeightError } from "../../src/run/compare/weights.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { inFolder, lmg, mistake, output, put } from "./harness.ts";

const repository = process.cwd();
const model = `${repository}/examples/llama.lmg`;
const whale = `${repository}/examples/weights/whale`;
const text = "The whale was a great fish, and the men of the ship were afraid of it.\n".repeat(8);

inFolder({ "text.txt": text });

interface Answer {
  readonly layers: readonly WeightError[];
  readonly agreement?: Agreement;
}

/** What a command answers as JSON; what it notes beside is not looked at. */
async function answer(...args: string[]): Promise<Answer> {
  const { code, text: said, notes } = await lmg(...args, "--json");
  if (code !== 0) throw new Error(notes);
  return JSON.parse(said) as Answer;
}

const compared = (...args: string[]): Promise<Answer> => answer("compare", model, ...args);

const tensorsOf = (folder: string): ReadonlyMap<string, StoredTensor> => {
  const path = `${folder}/model.safetensors`;
  return expectValue(readSafetensors(readFileSync(path), path)).tensors;
};

/** The whale with some tensors changed, or without them. */
function changed(
  path: string,
  change: (name: string, tensor: StoredTensor) => StoredTensor | undefined,
): void {
  const tensors = [...tensorsOf(whale)].flatMap(([name, tensor]) => {
    const made = change(name, tensor);
    return made === undefined ? [] : [[name, made] as const];
  });
  writeFileSync(path, writeSafetensors(new Map(tensors)));
}

const NORM = "model.norm.weight";

describe("lmg compare --against", () => {
  const made = new Map<string, Answer>();
  beforeAll(async () => {
    for (const form of ["int8", "int4"]) {
      const given = ["--weights", whale, "--to", form, "-o", form, "--data", "text.txt"];
      made.set(form, await answer("quantize", model, ...given));
    }
  });

  test("finds nothing between a checkpoint and itself", async () => {
    const given = ["--weights", whale, "--against", whale, "--data", "text.txt"];
    const { code, text: said } = await lmg("compare", model, ...given);
    expect(code).toBe(0);
    expect(said).toContain("38 tensors, and no element differs: the error ‖Δw‖ / ‖w‖ is 0\n");
    expect(said).toMatch(/the same next token at 100\.0 % of \d+ positions; KL divergence 0\.00; /);
    expect(said).toMatch(/perplexity (\S+) → \1 \(\+0\.00 %\)/);
    const { layers } = await compared(...given);
    expect(layers.map(({ error, bits }) => [error, bits])).toEqual(layers.map(() => [0, 16]));
  });

  test.each(["int8", "int4"])("says of %s what `lmg quantize` said when it wrote it", async (form) => {
    const { layers, agreement } = await compared(
      ...["--weights", form, "--against", whale, "--data", "text.txt"],
    );
    const quantized = made.get(form)!;
    expect(agreement).toEqual(quantized.agreement);
    const differing = layers.filter(({ error }) => error !== 0);
    expect(differing).toEqual(quantized.layers.map(({ name, bits, error }) => ({ name, bits, error })));
  });

  test("quantizes as it loads: linears as in the file, and the table too", async () => {
    const { layers } = await compared("--weights", whale, "--quantize", "int4", "--against", whale);
    const errors = new Map(layers.map((layer) => [layer.name, layer]));
    for (const layer of made.get("int4")!.layers) expect(errors.get(layer.name)).toEqual(layer);
    const table = errors.get("model.embed_tokens.weight")!;
    expect(table.bits).toBe(8);
    // A block of 32 in 8 bits: half a step of 1/127 of its largest, spread evenly, beside elements of a third of that.
    expect(table.error).toBeGreaterThan(0.003);
    expect(table.error).toBeLessThan(0.01);
  });

  test("names the tensors that are furthest from the original", async () => {
    changed("scaled.safetensors", (name, tensor) => (name === NORM ? scaled(tensor, 1.5) : tensor));
    const given = ["--weights", "scaled.safetensors", "--config", whale, "--against", whale];
    const { layers } = await compared(...given);
    // ‖1.5 w - w‖ / ‖w‖; a half times 1.5 is exact in float32.
    expect(layers.filter(({ error }) => error !== 0)).toEqual([{ name: NORM, bits: 32, error: 0.5 }]);
    expect(await output("compare", model, "--weights", "int8", "--against", whale)).toMatch(
      /24 of 38 tensors differ, the error ‖Δw‖ \/ ‖w‖ is 0\.0054 in the mean; the largest:\nlayer +bits +error\n(model\.layers\.\S+ +8 +0\.00\d\d\n){5}$/,
    );
  });

  test("refuses, by name, tensors that one of them lacks or has in another shape", async () => {
    changed("without.safetensors", (name, tensor) => (name === NORM ? undefined : tensor));
    changed("short.safetensors", (name, tensor) =>
      name === NORM ? { ...tensor, shape: [64], bytes: tensor.bytes.slice(0, 128) } : tensor,
    );
    const against = (path: string) => mistake("compare", model, "--weights", whale, "--against", path);
    expect(await against("without.safetensors")).toMatch(
      /E721.*without\.safetensors: 1 tensor of the model is missing: .*model\.norm\.weight/,
    );
    expect(await against("short.safetensors")).toMatch(
      /E722.*short\.safetensors: 1 tensor of another shape: .*model\.norm\.weight.* is \[64\], the model has \[128\]/,
    );
  });

  test("refuses options of the other form, and a text without a tokenizer", async () => {
    const weights = ["compare", model, "--weights", whale];
    expect(await mistake(...weights, "--data", "text.txt")).toContain(
      "error[E804]: --data is for weights beside their original\n  help: name that with --against",
    );
    expect(await mistake(...weights, "--against", whale, "--f16-arithmetic")).toContain(
      "error[E804]: --f16-arithmetic is for targets, and --against compares weights",
    );
    put("bare/model.safetensors", readFileSync(`${whale}/model.safetensors`));
    put("bare/config.json", readFileSync(`${whale}/config.json`));
    const bare = ["compare", model, "--weights", "bare", "--data", "text.txt", "--against"];
    expect(await mistake(...bare, "bare")).toContain("error[E818]: there is no tokenizer for --data");
    expect((await lmg(...bare, whale)).code).toBe(0);
    expect((await lmg(...bare, "bare", "--tokenizer", whale)).code).toBe(0);
  });
});

/** Its elements times a number, as float32. */
function scaled(tensor: StoredTensor, by: number): StoredTensor {
  return toStored({
    dtype: "f32",
    shape: tensor.shape,
    data: Float64Array.from(toFloat32(tensor), (x) => x * by),
  });
}
