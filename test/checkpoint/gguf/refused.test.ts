import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Metadata, MetadataValue } from "../../../src/checkpoint/gguf/metadata.ts";
import { publishedModel } from "../../../src/checkpoint/gguf/model.ts";
import { readGguf } from "../../../src/checkpoint/gguf/tensors.ts";
import type { CheckpointTensor } from "../../../src/checkpoint/match.ts";
import { Problem } from "../../../src/checkpoint/problem.ts";
import { expectValue, messageOf } from "../fixtures.ts";

const bytes = new Uint8Array(readFileSync(new URL("../../golden/gguf/llama.gguf", import.meta.url)));
const file = expectValue(readGguf(bytes, "m.gguf"));

/** The file with other metadata and tensors; undefined takes one away. */
function changed(
  metadata: Readonly<Record<string, MetadataValue | undefined>>,
  tensors: (name: string, tensor: CheckpointTensor) => readonly string[] = (name) => [name],
) {
  const words = Object.entries({ ...Object.fromEntries(file.metadata), ...metadata });
  const kept: Metadata = new Map(
    words.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
  const named = [...file.tensors].flatMap(([name, tensor]) =>
    tensors(name, tensor).map((each) => [each, tensor] as const),
  );
  return publishedModel({ ...file, metadata: kept, tensors: new Map(named) }, "m.gguf");
}

test("the file as it is is read", () => {
  expect(changed({})).not.toBeInstanceOf(Problem);
});

test.each([
  [{ "general.architecture": "brontosaurus" }, "E735 m.gguf: `general.architecture` is `brontosaurus`"],
  [{ "general.architecture": undefined }, "E735 m.gguf: `general.architecture` is missing"],
  [
    { "llama.rope.scaling.type": "longrope" },
    "E734 m.gguf: the scaling of positions is `longrope`; none, linear, yarn and `rope_freqs.weight` are read",
  ],
  [
    { "llama.something_new": 2 },
    "E734 m.gguf: `llama.something_new` is 2, which is not read for `llama` | take the safetensors of the model that the file was made of",
  ],
  [
    { "llama.embedding_length": "wide" },
    "E734 m.gguf: expected `llama.embedding_length` to be a number, found `wide`",
  ],
  [{ "llama.embedding_length": undefined }, "E734 m.gguf: expected `llama.embedding_length` to be a number"],
  [
    { "llama.block_count": 1e6 },
    "E734 m.gguf: expected `llama.block_count` to be a whole number up to 1000, found 1000000",
  ],
])("a file that says %j is refused", (metadata, message) => {
  expect(messageOf(changed(metadata))).toContain(message);
});

test("two tensors of one published name are refused", () => {
  const twice = changed({}, (name) => (name === "output_norm.weight" ? [name, "model.norm.weight"] : [name]));
  expect(messageOf(twice)).toBe("E734 m.gguf: two tensors are `model.norm.weight`");
});
