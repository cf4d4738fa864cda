import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { blockDecoders } from "../../../src/checkpoint/gguf/blocks.ts";
import { ggufTypes } from "../../../src/checkpoint/gguf/types.ts";
import { readSafetensors } from "../../../src/checkpoint/safetensors.ts";
import { expectValue } from "../fixtures.ts";

const golden = new Uint8Array(readFileSync(new URL("../../golden/gguf/blocks.safetensors", import.meta.url)));
const { tensors } = expectValue(readSafetensors(golden, "blocks.safetensors"));

const bitsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(Uint8Array.from(bytes).buffer);

test.each([...ggufTypes.values()].filter(({ decode }) => decode !== undefined))(
  "blocks of $name are what the package gguf makes of them, bit for bit",
  ({ name, elements, bytes, decode }) => {
    const [blocks, values] = [tensors.get(`${name}.blocks`)!, tensors.get(`${name}.values`)!];
    const into = new Float32Array((blocks.bytes.length / bytes) * elements);
    decode!(blocks.bytes, into);
    expect(into.length).toBeGreaterThanOrEqual(512);
    expect(new Uint32Array(into.buffer)).toEqual(bitsOf(values.bytes));
  },
);

test("every type with a decoder stands in the table, and every golden has one", () => {
  const names = [...tensors.keys()].filter((name) => name.endsWith(".blocks"));
  expect(names.map((name) => name.slice(0, -7)).sort()).toEqual(Object.keys(blockDecoders).sort());
});
