import { describe, expect, test } from "vitest";
import { parseGgufHeader } from "../../../src/checkpoint/gguf/header.ts";
import { shortestDecimal } from "../../../src/checkpoint/gguf/metadata.ts";
import type { TextList } from "../../../src/checkpoint/gguf/text-list.ts";
import { readGguf } from "../../../src/checkpoint/gguf/tensors.ts";
import { Problem } from "../../../src/checkpoint/problem.ts";
import { expectValue, messageOf } from "../fixtures.ts";
import {
  Bytes,
  f32,
  f32s,
  flag,
  floats,
  ggufFile,
  text,
  texts,
  u32,
  u64,
  type WrittenFile,
} from "./writer.ts";

const two: WrittenFile = {
  metadata: [
    ["general.architecture", text("llama")],
    ["llama.block_count", u32(2)],
    ["llama.eps", f32(1e-6)],
    ["tokenizer.ggml.tokens", texts(["a", "▁é", ""])],
    ["tokenizer.ggml.scores", f32s([0.5, -1])],
    ["flag", flag(true)],
    ["big", u64(2n ** 63n)],
  ],
  tensors: [
    { name: "a.weight", sizes: [3, 2], type: 0, bytes: floats(1, 2, 3, 4, 5, 6) },
    { name: "b.weight", sizes: [2], type: 0, bytes: floats(7, 8) },
  ],
};

describe.each([2, 3])("version %d", (version) => {
  test("metadata of every kind, and tensors with their outermost axis first", () => {
    const { metadata, tensors } = expectValue(readGguf(ggufFile({ ...two, version }), "m.gguf"));
    const { "tokenizer.ggml.tokens": tokens, ...others } = Object.fromEntries(metadata);
    expect((tokens as TextList).all()).toEqual(["a", "▁é", ""]);
    expect(others).toEqual({
      "general.architecture": "llama",
      "llama.block_count": 2,
      "llama.eps": 1e-6,
      "tokenizer.ggml.scores": Float32Array.of(0.5, -1),
      flag: true,
      big: 2n ** 63n,
    });
    const stored = tensors.get("a.weight")!.read();
    expect([...tensors.keys()]).toEqual(["a.weight", "b.weight"]);
    expect(stored).toEqual({ dtype: "f32", shape: [2, 3], bytes: floats(1, 2, 3, 4, 5, 6) });
  });
});

test("a file says how much of its beginning must be at hand, and never more than it has", () => {
  const file = ggufFile(two);
  let [asked, at] = [0, 1];
  for (; asked < 200; asked++) {
    const header = expectValue(parseGgufHeader(file.subarray(0, at), file.length, "m.gguf"));
    if (!("needs" in header)) break;
    expect(header.needs).toBeGreaterThan(at);
    expect(header.needs).toBeLessThanOrEqual(file.length);
    at = header.needs;
  }
  expect(asked).toBeGreaterThan(10);
  expect(asked).toBeLessThan(200);
});

test("f32 values are the shortest decimal that rounds to them", () => {
  const values = [1e-6, 1e-5, 0.1, 10_000, 1e6, 0.22, 0.015625, 30, 0.33333334, 1e-45, 3.4028235e38, -0.1];
  for (const value of [...values, 0, -0, Infinity, -Infinity, NaN])
    expect(shortestDecimal(Math.fround(value))).toBe(value);
});

const tensor = { name: "w", sizes: [4], type: 0, bytes: floats(1, 2, 3, 4) };

/** What is wrong with a file, without its name. */
const refused = (file: Uint8Array): string => messageOf(readGguf(file, "m")).replace(" m: ", " ");

const nested = (depth: number): Uint8Array =>
  ggufFile({
    metadata: [
      [
        "k",
        (to) => {
          to.u32(9);
          for (let level = 1; level < depth; level++) to.u32(9).u64(1);
          return to.u32(4).u64(1).u32(7);
        },
      ],
    ],
  });

test("lists nest three deep", () => {
  expect(expectValue(readGguf(nested(3), "m")).metadata.get("k")).toEqual([[Uint32Array.of(7)]]);
  expect(refused(nested(4))).toMatchInlineSnapshot(`"E731 the lists of \`k\` nest more than 3 deep"`);
});

test.each<readonly [string, Uint8Array]>([
  ["nothing", new Uint8Array()],
  ["another magic", ggufFile({ magic: "GGUX" })],
  ["version 1", ggufFile({ version: 1 })],
  ["version 4", ggufFile({ version: 4 })],
  ["big-endian", ggufFile({ version: 0x03000000 })],
  ["more tensors than bytes", ggufFile({ counts: { tensors: 2n ** 63n } })],
  ["more keys than bytes", ggufFile({ counts: { keys: 1e15 } })],
  ["a key without a value", ggufFile({ metadata: [["k", (to) => to]], tensors: [] })],
  ["a type of values that is none", ggufFile({ metadata: [["k", (to) => to.u32(13).u64(0)]] })],
  ["a text longer than the file", ggufFile({ metadata: [["k", (to) => to.u32(8).u64(2n ** 62n)]] })],
  [
    "a list longer than the file",
    ggufFile({
      metadata: [
        [
          "k",
          (to) =>
            to
              .u32(9)
              .u32(0)
              .u64(2n ** 40n),
        ],
      ],
    }),
  ],
  ["a key that is no UTF-8", ggufFile({ counts: { keys: 1 } }).subarray(0, 24)],
  [
    "a key twice",
    ggufFile({
      metadata: [
        ["k", u32(1)],
        ["k", u32(2)],
      ],
    }),
  ],
  ["an alignment of 24", ggufFile({ metadata: [["general.alignment", u32(24)]] })],
  ["an alignment of 0", ggufFile({ metadata: [["general.alignment", u32(0)]] })],
  ["five axes", ggufFile({ tensors: [{ ...tensor, sizes: [4, 1, 1, 1, 1] }] })],
  ["a type that is none", ggufFile({ tensors: [{ ...tensor, type: 77 }] })],
  ["a type that is not read", ggufFile({ tensors: [{ ...tensor, sizes: [256], type: 19 }] })],
  ["a row of no whole blocks", ggufFile({ tensors: [{ ...tensor, sizes: [48, 2], type: 8 }] })],
  ["a shape beyond all numbers", ggufFile({ tensors: [{ ...tensor, sizes: [2n ** 62n, 2n ** 62n] }] })],
  ["no elements of endless size", ggufFile({ tensors: [{ ...tensor, sizes: [0, 2n ** 62n] }] })],
  ["an offset off alignment", ggufFile({ tensors: [{ ...tensor, offset: 8 }] })],
  ["an offset beyond the end", ggufFile({ tensors: [{ ...tensor, offset: 2n ** 63n }] })],
  ["a tensor that is cut", ggufFile({ tensors: [tensor] }).subarray(0, -1)],
  ["a name twice", ggufFile({ tensors: [tensor, tensor] })],
  [
    "tensors that overlap",
    ggufFile({
      tensors: [
        { ...tensor, sizes: [12], bytes: new Uint8Array(48) },
        { ...tensor, name: "v", offset: 32 },
      ],
    }),
  ],
])("refused: %s", (_, file) => {
  expect(refused(file)).toMatchSnapshot();
});

test("a key that is no UTF-8 is refused", () => {
  const file = new Bytes()
    .add(new TextEncoder().encode("GGUF"))
    .u32(3)
    .u64(0)
    .u64(1)
    .u64(2)
    .add([0xff, 0xfe])
    .u32(4)
    .u32(1);
  expect(refused(file.done())).toMatchInlineSnapshot(`"E731 the name of key 0 is not valid UTF-8"`);
});

test("a list of texts that are no UTF-8 is read: some vocabularies have such", () => {
  const file = ggufFile({ metadata: [["k", (to) => to.u32(9).u32(8).u64(1).u64(2).add([0x61, 0xff])]] });
  expect((expectValue(readGguf(file, "m")).metadata.get("k") as TextList).all()).toEqual(["a\ufffd"]);
});

test("every beginning of a file is refused, or asks for more", () => {
  const file = ggufFile(two);
  for (let length = 0; length < file.length - 16; length++) {
    expect(readGguf(file.subarray(0, length), "m")).toBeInstanceOf(Problem);
    const header = parseGgufHeader(file.subarray(0, length), file.length, "m");
    expect(header).not.toBeInstanceOf(Problem);
  }
});
