import { describe, expect, test } from "vitest";
import type { CheckpointTensor } from "../../src/checkpoint/match.ts";
import { blockLayouts } from "../../src/checkpoint/gguf/blocks.ts";
import { ggufTensors } from "../../src/checkpoint/gguf/tensors.ts";
import { ggufTypes } from "../../src/checkpoint/gguf/types.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { noPacking, packedNames } from "../../src/passes/packing.ts";
import { quantizeMatrix } from "../../src/quantize/blocks.ts";
import { packedWeights } from "../../src/run/packed-weights.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import type { QuantizedForm, QuantizedTensor } from "../../src/tensor/quantized.ts";
import { formOf } from "../../src/tensor/whole-codes.ts";

const random = new RandomStream(4, "parts");
const [rows, columns] = [12, 256];
const data = Float32Array.from({ length: rows * columns }, () => random.normal());
const names = packedNames("w");

/** The parts of one packed tensor. */
function partsOf(tensor: CheckpointTensor, form: QuantizedForm, isTransposed = false) {
  const weights = { from: "", close: () => undefined, tensors: new Map([["w", tensor]]) };
  const parameters = new Map([["w", { form, isTransposed }]]);
  return packedWeights(weights, { ...noPacking, parameters }).tensors;
}

/** All bytes of a tensor, some elements at a time. */
function inParts({ shape, readPart }: CheckpointTensor, step: number): number[] {
  const size = shape.reduce((product, each) => product * each, 1);
  const all: number[] = [];
  for (let at = 0; at < size; at += step) all.push(...readPart!(at, Math.min(size, at + step)).bytes);
  return all;
}

function expectParts(parts: ReadonlyMap<string, CheckpointTensor>, whole: QuantizedTensor): void {
  const bytesOf = (array: Float32Array | Uint8Array) => [
    ...new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  ];
  const wanted = [
    [names.codes, whole.codes],
    [names.scales, whole.scales],
    ...(whole.minimums === undefined ? [] : ([[names.minimums, whole.minimums]] as const)),
  ] as const;
  // In the order in which models read them, then again, from the middle, and whole.
  for (const step of [1000, 37, 5])
    for (const [name, array] of wanted) expect(inParts(parts.get(name)!, step)).toEqual(bytesOf(array));
  for (const [name, array] of wanted) {
    const found = parts.get(name)!.readPart!(7, 19).bytes;
    expect([...found]).toEqual(bytesOf(array).slice(4 * 7, 4 * 19));
    expect([...parts.get(name)!.read().bytes]).toEqual(bytesOf(array));
  }
}

describe("codes, scales and minimums that are read a part at a time are those of the whole matrix", () => {
  test.each([
    [8, false],
    [4, false],
    [8, true],
    [4, true],
  ] as const)("made of floats, in %d bits, transposed: %s", (bits, isTransposed) => {
    const shape = isTransposed ? [columns, rows] : [rows, columns];
    const stored = toStored(hostTensor("f32", shape, data));
    const tensor: CheckpointTensor = { dtype: "f32", shape, read: () => stored };
    const whole = quantizeMatrix({ shape: shape as [number, number], data, isTransposed }, bits);
    expectParts(partsOf(tensor, formOf(whole), isTransposed), whole);
  });

  const types = [...ggufTypes.values()].filter(({ name }) => Object.hasOwn(blockLayouts, name));
  test.each(types.map((type) => [type.name, type] as const))(
    "of blocks of %s, and their elements too",
    (_, type) => {
      const bytes = Uint8Array.from({ length: ((rows * columns) / type.elements) * type.bytes }, () =>
        Math.floor(256 * random.uniform()),
      );
      // Halves that are no numbers are no scales.
      for (let at = 1; at < bytes.length; at += 2) bytes[at]! &= 0x3b;
      const entry = { name: "w", type, shape: [rows, columns], start: 0, end: bytes.length };
      // A range gives the same memory each time.
      const room = new Uint8Array(bytes.length);
      const tensors = ggufTensors(
        [entry],
        (start, end) => bytes.slice(start, end),
        (start, end) => {
          room.fill(0);
          room.set(bytes.subarray(start, end));
          return room.subarray(0, end - start);
        },
      );
      const tensor = tensors.get("w")!;
      const { form, read } = tensor.quantized!;
      expectParts(partsOf(tensor, form), read());
      const whole = tensor.read().bytes;
      expect(inParts(tensor, 333)).toEqual([...whole]);
    },
  );
});
