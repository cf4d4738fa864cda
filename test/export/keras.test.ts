import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { importKeras } from "../../src/import/keras/import.ts";
import { readKeras } from "../../src/import/keras/read.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32 } from "../../src/checkpoint/stored.ts";
import { inFolder, lmg, mistake } from "../cli/harness.ts";

const goldens = new Map(
  ["seed", "images", "encoder", "two_ways"].map(
    (name) => [`${name}.keras`, readFileSync(`test/golden/keras/${name}.keras`)] as const,
  ),
);

inFolder({
  ...Object.fromEntries(goldens),
  "gelu.lmg": "model m {\n  input x: f32[B, 4]\n  a: linear(3) -> gelu(approx: tanh)\n  output y\n}\n",
});

const done = async (...args: string[]): Promise<string> => {
  const { code, text, notes } = await lmg(...args);
  expect(code, notes).toBe(0);
  return text;
};

test.each([...goldens.keys()])(
  "%s is imported, written again, and read again to the same weights and edges",
  async (file) => {
    const name = file.replace(".keras", "");
    const said = await done("import", file);
    expect(said).toContain(`wrote ${name}/${name}.lmg`);
    await done("compile", `${name}/${name}.lmg`, "--weights", name, "--target", "keras", "-o", "back");
    const again = orThrow(await readKeras(readFileSync(`back/${file}`), file));
    const made = orThrow(importKeras(again.model, again.weights, name, file));
    const before = orThrow(readSafetensors(readFileSync(`${name}/model.safetensors`), name)).tensors;
    const sorted = (tensors: Iterable<readonly [string, Parameters<typeof toFloat32>[0]]>) =>
      [...tensors].map(([, tensor]) => [...toFloat32(tensor)].join()).sort();
    expect(sorted(made.tensors)).toEqual(sorted(before));
    const first = orThrow(await readKeras(goldens.get(file)!, file));
    expect(made.edges).toBe(orThrow(importKeras(first.model, first.weights, name, file)).edges);
  },
);

test("an imported model is trained as Keras compiled it, and is written with what it learned", async () => {
  await done("import", "seed.keras", "-o", "trained");
  const { writeNpy } = await import("../../src/checkpoint/npy.ts");
  const { hostTensor } = await import("../../src/tensor/host.ts");
  const { put } = await import("../cli/harness.ts");
  const rows = 64;
  put(
    "image.npy",
    writeNpy(
      hostTensor(
        "f32",
        [rows, 64],
        Array.from({ length: rows * 64 }, (_, i) => Math.sin(i)),
      ),
    ),
  );
  put(
    "label.npy",
    writeNpy(
      hostTensor(
        "i32",
        [rows],
        Array.from({ length: rows }, (_, i) => i % 10),
      ),
    ),
  );
  const data = ["--data", "image=image.npy", "--data", "label=label.npy"];
  await done(
    "train",
    "trained/seed.lmg",
    ...data,
    "--weights",
    "trained",
    "--steps",
    "3",
    "--batch",
    "8",
    "-o",
    "run",
  );
  await done("compile", "run", "--target", "keras", "-o", "learned");
  const again = orThrow(await readKeras(readFileSync("learned/seed.keras"), "seed.keras"));
  const made = orThrow(importKeras(again.model, again.weights, "seed", "seed.keras"));
  const learned = orThrow(readSafetensors(readFileSync("run/model.safetensors"), "run")).tensors;
  expect(toFloat32(made.tensors.get("dense.weight")!)).toEqual(toFloat32(learned.get("dense.weight")!));
  const before = orThrow(readSafetensors(readFileSync("trained/model.safetensors"), "trained")).tensors;
  expect(toFloat32(made.tensors.get("dense.weight")!)).not.toEqual(toFloat32(before.get("dense.weight")!));
});

test("a model that Keras has no layers for is refused with its line", async () => {
  expect(await mistake("compile", "gelu.lmg", "--random", "1", "--target", "keras")).toMatch(
    /^gelu\.lmg:3:\d+: error\[E774\]: Keras cannot have this model: gelu_tanh: the engine has no form for it/,
  );
});
