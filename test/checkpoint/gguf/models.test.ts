import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { architectures } from "../../../src/checkpoint/gguf/architectures/table.ts";
import { publishedModel } from "../../../src/checkpoint/gguf/model.ts";
import { readGguf } from "../../../src/checkpoint/gguf/tensors.ts";
import type { JsonObject } from "../../../src/checkpoint/json.ts";
import { toFloat32 } from "../../../src/checkpoint/stored.ts";
import { partName } from "../../../src/tensor/stack-names.ts";
import { expectValue } from "../fixtures.ts";

/** Tiny models as llama.cpp's converter writes them, and what they were (`test/golden/gguf_files.py`). */
interface Golden {
  readonly config: JsonObject;
  readonly tensors: Readonly<Record<string, string>>;
}

const folder = new URL("../../golden/gguf/", import.meta.url);
const read = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(file, folder)));
const names = readdirSync(folder).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -5)] : []));

/** What a file of the model says in other words, or llama.cpp's not at all. */
const said: Readonly<Record<string, JsonObject>> = {
  mistral: { model_type: "llama" },
  gpt2: { n_inner: 64 },
};

const fileOf = (name: string) => expectValue(readGguf(read(`${name}.gguf`), `${name}.gguf`));
const goldenOf = (name: string): Golden =>
  JSON.parse(new TextDecoder().decode(read(`${name}.json`))) as Golden;

const digestOf = (values: Float32Array, shape: readonly number[]): string => {
  const digest = createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex");
  return `[${shape.join(", ")}] ${digest.slice(0, 16)}`;
};

describe.each(names)("%s.gguf", (name) => {
  const model = expectValue(publishedModel(fileOf(name), name));
  const golden = goldenOf(name);

  test("has every tensor of the model that was converted, by its name, bit for bit", () => {
    const found = [...model.tensors].flatMap(([tensor, { shape, read: readTensor }]) => {
      const values = toFloat32(readTensor());
      if (!tensor.includes("*")) return [[tensor, digestOf(values, shape)] as const];
      // A stack of what was published one by one.
      const size = values.length / shape[0]!;
      return Array.from({ length: shape[0]! }, (_, part) => {
        const own = values.slice(part * size, (part + 1) * size);
        return [partName(tensor, part), digestOf(own, shape.slice(1))] as const;
      });
    });
    const lost = name === "bert" ? /^pooler\./ : /^$/;
    const wanted = Object.entries(golden.tensors).filter(([tensor]) => !lost.test(tensor));
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
  });

  test("says of the config what the file of the model said, and nothing else", () => {
    const config = { ...golden.config, ...said[name] };
    const found = Object.entries(model.config).filter(([key]) => Object.hasOwn(config, key));
    expect(found.length).toBeGreaterThan(6);
    for (const [key, value] of found) expect([key, value]).toEqual([key, config[key]]);
  });
});

test("every architecture of the table is proved by a file", () => {
  const proved = names.map((name) => fileOf(name).metadata.get("general.architecture"));
  expect([...new Set(proved)].sort()).toEqual(Object.keys(architectures).sort());
});
