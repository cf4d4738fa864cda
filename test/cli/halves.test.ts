import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toHostTensor, toStored } from "../../src/checkpoint/stored.ts";
import { halves, type Dtype } from "../../src/tensor/dtype.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { importText, type Tensor } from "../emit/wasm/instantiate.ts";
import { inFolder, lmg, mistake, output, put } from "./harness.ts";

const repository = process.cwd();
const model = `${repository}/examples/llama.lmg`;
const whale = `${repository}/examples/weights/whale`;

inFolder({});

/** The whale with the elements of its matrices rounded to a type, in a folder of its own. */
function written(dtype: Dtype): void {
  const { tensors } = expectValue(readSafetensors(readFileSync(`${whale}/model.safetensors`), "whale"));
  const stored = [...tensors].map(([name, tensor]) => {
    const host = expectValue(toHostTensor(tensor, name));
    return [name, toStored(host, host.shape.length === 2 ? dtype : "f32")] as const;
  });
  mkdirSync(dtype, { recursive: true });
  put(`${dtype}/model.safetensors`, writeSafetensors(new Map(stored)));
  for (const file of ["config.json", "tokenizer.json"]) copyFileSync(`${whale}/${file}`, `${dtype}/${file}`);
}

beforeAll(() => {
  for (const dtype of ["f32", ...halves] as const) written(dtype);
});

async function logits(weights: string, ...options: string[]): Promise<ArrayLike<number>> {
  const given = ["--weights", weights, "--prompt", "The whale and the sea", ...options];
  const { code, notes } = await lmg("run", model, ...given, "--logits", "logits.npy");
  expect([code, notes]).toEqual([0, ""]);
  return expectValue(readNpy(readFileSync("logits.npy"), "logits.npy")).data;
}

describe.each(halves)("a checkpoint of %s", (half) => {
  test("has the same logits as halves and as floats, on one thread and on two, and those of the other targets", async () => {
    const kept = await logits(half, "--threads", "1");
    expect(await logits(half, "--threads", "2")).toEqual(kept);
    expect(await logits(half, "--quantize", "none")).toEqual(kept);
    expect(await logits("f32", "--quantize", half)).toEqual(kept);
    const others = [
      await logits(half, "--target", "ts"),
      await logits("f32", "--quantize", half, "--interpret"),
    ];
    // Float32 beside float64, of logits up to 20.
    for (const other of others)
      expect(Math.max(...Array.from(other, (value, i) => Math.abs(value - kept[i]!)))).toBeLessThan(1e-4);
  });

  test("goes on with a text as floats do", async () => {
    const generated = (...more: string[]): Promise<string> =>
      output("run", model, "--weights", half, "--prompt", "The whale", "--generate", "12", ...more);
    expect(await generated()).toBe(await generated("--quantize", "none"));
  });

  test("takes half the memory of floats, which `lmg fit` says", async () => {
    const resident = async (...more: string[]): Promise<number> => {
      const said = await output("fit", model, "--weights", half, "--target", "wasm", "--json", ...more);
      return (JSON.parse(said) as { memory: { residentBytes: number } }).memory.residentBytes;
    };
    // Norms and rotary tables are floats in both.
    const share = (await resident()) / (await resident("--quantize", "none"));
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.52);
  });

  test("is what a module takes that keeps halves, with the bits of one of floats; one of float32 is rounded", async () => {
    const module = async (...more: string[]): Promise<string> => {
      await output(...["compile", model, "--config", whale, "--target", "js", "-o", "out", ...more]);
      return readFileSync("out/llama.js", "utf8");
    };
    const run = async (text: string, file: string): Promise<Tensor["data"]> => {
      const { loadSafetensors } = await importText(text);
      const loaded = await loadSafetensors(readFileSync(`${file}/model.safetensors`), { threads: 2 });
      const { logits: found } = await loaded.run({ tokens: { data: [3, 5, 7, 11, 13], shape: [1, 5] } });
      loaded.close();
      return found!.data;
    };
    const [floats, kept] = [await module(), await module("--quantize", half)];
    const wanted = await run(floats, half);
    expect(await run(kept, half)).toEqual(wanted);
    expect(await run(kept, "f32")).toEqual(wanted);
  });
});

test("modules without halves refuse to keep some", async () => {
  for (const kernels of [
    ["--kernels", "ts"],
    ["--target", "wgsl"],
  ])
    expect(await mistake("compile", model, "--config", whale, "--quantize", "bf16", ...kernels)).toContain(
      "--quantize bf16 is for modules of the target wasm",
    );
});

test("what is kept of a weight, and that an adapter makes floats of halves, is what `lmg compare --against` says", async () => {
  const given = ["compare", model, "--weights", "f32", "--quantize", "bf16", "--against", "f32", "--json"];
  const { layers } = JSON.parse(await output(...given)) as { layers: { bits: number; error: number }[] };
  expect(new Set(layers.map(({ bits }) => bits))).toEqual(new Set([16, 32]));
  // Half of the last bit of 8, at most.
  for (const { bits, error } of layers) expect(error).toBeLessThan(bits === 16 ? 2 ** -9 : 1e-12);
});

test("a weight beyond the range of binary16 is refused by its name, and bfloat16 takes it", async () => {
  const { tensors } = expectValue(readSafetensors(readFileSync(`${whale}/model.safetensors`), "whale"));
  const far = [...tensors].map(([name, tensor]) => {
    const host = expectValue(toHostTensor(tensor, name));
    const data =
      name === "model.layers.0.mlp.up_proj.weight" ? host.data.map((v, i) => (i === 7 ? 1e6 : v)) : host.data;
    return [name, toStored({ ...host, data }, "f32")] as const;
  });
  put("far/model.safetensors", writeSafetensors(new Map(far)));
  for (const name of ["config.json", "tokenizer.json"]) copyFileSync(`${whale}/${name}`, `far/${name}`);
  const run = ["run", model, "--weights", "far", "--tokens", "1,2"];
  const said = await mistake(...run, "--quantize", "f16");
  expect(said).toContain("error[E718]");
  expect(said).toContain("model.layers.0.mlp.up_proj.weight");
  expect(said).toContain("an element is 1000000, and f16 ends at 65504");
  expect((await lmg(...run, "--quantize", "bf16")).code).toBe(0);
});
