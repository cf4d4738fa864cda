import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { blockLayouts } from "../../../src/checkpoint/gguf/blocks.ts";
import { decodeBlocks, formOfLayout, packBlocks } from "../../../src/checkpoint/gguf/layout.ts";
import { ggufTypes } from "../../../src/checkpoint/gguf/types.ts";
import { readSafetensors } from "../../../src/checkpoint/safetensors.ts";
import { toFloat32 } from "../../../src/checkpoint/stored.ts";
import { dequantized } from "../../../src/tensor/quantized.ts";
import { formOf } from "../../../src/tensor/whole-codes.ts";
import { expectValue } from "../fixtures.ts";

const golden = new Uint8Array(readFileSync(new URL("../../golden/gguf/blocks.safetensors", import.meta.url)));
const { tensors } = expectValue(readSafetensors(golden, "blocks.safetensors"));

const bitsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(Uint8Array.from(bytes).buffer);

test.each([...ggufTypes.values()].filter(({ layout }) => layout !== undefined))(
  "blocks of $name are what the package gguf makes of them, bit for bit",
  ({ name, elements, bytes, layout }) => {
    const [blocks, values] = [tensors.get(`${name}.blocks`)!, tensors.get(`${name}.values`)!];
    const into = new Float32Array((blocks.bytes.length / bytes) * elements);
    decodeBlocks(layout!, blocks.bytes, into);
    expect(into.length).toBeGreaterThanOrEqual(512);
    expect(new Uint32Array(into.buffer)).toEqual(bitsOf(values.bytes));
  },
);

test.each([...ggufTypes.values()].filter(({ layout }) => layout !== undefined))(
  "blocks of $name as codes with scales are the same elements",
  ({ name, layout }) => {
    const [blocks, values] = [tensors.get(`${name}.blocks`)!, toFloat32(tensors.get(`${name}.values`)!)];
    const packed = packBlocks(layout!, [2, values.length / 2], blocks.bytes);
    expect(formOfLayout(layout!)).toMatchObject(formOf(packed));
    // 0 and -0 are one: codes without a sign are a zero by what is added to them.
    const elements = Array.from(dequantized(packed), (value) => value + 0);
    expect(elements).toEqual(Array.from(values, (value) => value + 0));
  },
);

test.each([...ggufTypes.values()].filter(({ layout }) => layout?.fillWords !== undefined))(
  "blocks of $name become the same codes wherever they begin, by words as one by one",
  ({ name, layout }) => {
    const { bytes } = tensors.get(`${name}.blocks`)!;
    const shape = [2, toFloat32(tensors.get(`${name}.values`)!).length / 2];
    const codesAt = (start: number): Uint8Array => {
      const moved = new Uint8Array(bytes.length + start).subarray(start);
      moved.set(bytes);
      return packBlocks(layout!, shape, moved).codes;
    };
    expect(codesAt(0)).toEqual(codesAt(1));
  },
);

test("every type with a layout stands in the table, and every golden has one", () => {
  const names = [...tensors.keys()].filter((name) => name.endsWith(".blocks"));
  expect(names.map((name) => name.slice(0, -7)).sort()).toEqual(Object.keys(blockLayouts).sort());
});
