import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { recognize, type Format } from "../../src/checkpoint/formats.ts";
import { misplaced, places, type Place } from "../../src/checkpoint/places.ts";
import { writeIdx } from "../../src/checkpoint/idx.ts";
import { writeNpy } from "../../src/checkpoint/npy.ts";
import { writeNpz } from "../../src/checkpoint/npz.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { messageOf } from "./fixtures.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** A local header of a zip archive, with the name of its member. */
const member = (name: string): Uint8Array =>
  bytes(`PK\x03\x04${"\0".repeat(22)}${String.fromCharCode(name.length)}\0\0\0${name}${"\0".repeat(20)}`);

const array = hostTensor("f32", [2], [1, 2]);

/** How files of each format begin, as the programs that are named write them. */
const samples: { readonly [K in Format]: readonly Uint8Array[] } = {
  npy: [writeNpy(array)],
  npz: [writeNpz(new Map([["a", array]]))],
  idx: [writeIdx([2, 2], new Uint8Array(4))],
  safetensors: [
    writeSafetensors(new Map()),
    bytes('\x40\x00\x00\x00\x00\x00\x00\x00{"a":{"dtype":"F32"'),
    // Lengths that begin as a pickle, a gzip file and a JPEG do.
    bytes('\x80\x04\x00\x00\x00\x00\x00\x00{"a":{"dtype":"F32"'),
    bytes('\x1f\x8b\x00\x00\x00\x00\x00\x00{"a":{"dtype":"F32"'),
    bytes('\xff\xd8\xff\x00\x00\x00\x00\x00{"a":{"dtype":"F32"'),
  ],
  gzip: [gzipSync("text")],
  // torch.save of 2.x, torch.jit.save, and torch.save before 1.6 (a pickle with the magic number)
  torch: [
    member("archive/data.pkl"),
    Buffer.concat([member("m/version"), member("m/data.pkl")]),
    member("m/data/0"),
  ],
  pickle: [bytes("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."), bytes("\x80\x04\x95\x0b\0\0\0\0\0\0\0}")],
  keras: [member("metadata.json"), Buffer.concat([member("config.json"), member("model.weights.h5")])],
  zip: [member("[Content_Types].xml"), bytes(`PK\x05\x06${"\0".repeat(18)}`)],
  hdf5: [bytes("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0")],
  gguf: [bytes("GGUF\x03\0\0\0"), bytes("GGUF\0\0\0\x03")],
  ggml: [bytes("tjgg\x03\0\0\0"), bytes("lmgg"), bytes("fmgg\x01\0\0\0")],
  // torch.onnx.export, skl2onnx, onnx.helper.make_model
  onnx: [
    bytes("\x08\x08\x12\x07pytorch\x1a\x052.1.0"),
    bytes("\x08\x09\x12\x08skl2onnx"),
    bytes("\x08\x0a\x3a\x50"),
  ],
  tflite: [bytes("\x1c\0\0\0TFL3\x14\0\x20\0")],
  sentencepiece: [
    bytes("\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\x02"),
    bytes("\x0a\x0e\x0a\x05<pad>\x15\0\0\0\0\x18\x03"),
  ],
  png: [bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")],
  jpeg: [bytes("\xff\xd8\xff\xe0\0\x10JFIF")],
  gif: [bytes("GIF89a")],
  webp: [bytes("RIFF\x24\0\0\0WEBPVP8 ")],
  wav: [bytes("RIFF\x24\0\0\0WAVEfmt ")],
  pdf: [bytes("%PDF-1.7")],
  parquet: [bytes("PAR1\x15\x04")],
  arrow: [bytes("ARROW1\0\0")],
  zstd: [bytes("\x28\xb5\x2f\xfd\x24")],
  xz: [bytes("\xfd7zXZ\0\0\x04")],
  bzip2: [bytes("BZh91AY&SY")],
  tar: [bytes(`model/${"\0".repeat(251)}ustar\x0000`)],
  lfs: [bytes("version https://git-lfs.github.com/spec/v1\noid sha256:")],
  html: [bytes("<!DOCTYPE html><html>"), bytes("<html lang=en>")],
  json: [bytes('{"vocab_size": 10}'), bytes("{\n}"), bytes(' {\n  "a": 1')],
};

test.each(Object.entries(samples))("a file of %s is recognized by its first bytes", (format, starts) => {
  expect(starts.length).toBeGreaterThan(0);
  for (const start of starts) expect(recognize(start)).toBe(format);
});

test("texts, models, what is empty and what is cut are not taken for anything", () => {
  const texts = [
    "",
    "model m(dim = 4) {\n  input x: f32[B, dim]\n  output y\n}\n",
    "// a comment",
    "graph g {\n",
    "To be, or not to be",
    "{ a set }",
    "\n\nchapter one",
    "PK",
    "BZ",
    "Größe",
    "\ufeffmodel",
    "日本語のテキスト",
  ];
  for (const text of texts) expect(recognize(new TextEncoder().encode(text))).toBeUndefined();
  for (const start of Object.values(samples).flat())
    for (let length = 0; length < Math.min(start.length, 40); length++)
      expect(() => recognize(start.subarray(0, length))).not.toThrow();
});

describe("in the place of another", () => {
  /** The formats that a place takes; all others are refused with what they are. */
  const allPlaces: readonly (readonly [string, Place])[] = Object.entries(places);

  test.each(allPlaces)(
    "each is refused by name where a %s is wanted, but for what may stand there",
    (_name, place) => {
      for (const [format, [start]] of Object.entries(samples)) {
        const problem = misplaced(start!, place, "FILE");
        if (place.takes.includes(format as Format)) expect(problem).toBeUndefined();
        else expect(messageOf(problem)).toMatch(/^E719 `FILE`: expected .+, but this is .+/);
      }
    },
  );

  test.each([
    [
      places.weights,
      "torch",
      'E719 `f`: expected a safetensors or GGUF file, but this is a checkpoint of PyTorch (a zip archive with a pickle) | `AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER, safe_serialization=True)` of transformers, with the class that its config names, writes model.safetensors; for weights alone `save_file({name: tensor.clone() for name, tensor in torch.load(FILE, weights_only=True).items()}, "model.safetensors")` of safetensors.torch does',
    ],
    [
      places.model,
      "gguf",
      "E719 `f`: expected a model, which is a text, but this is a model of llama.cpp (GGUF) | weights are given with --weights",
    ],
    [
      places.tokenizer,
      "sentencepiece",
      "E719 `f`: expected a tokenizer.json, but this is a model of SentencePiece | `AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)` of transformers writes tokenizer.json",
    ],
    [
      places.data,
      "jpeg",
      'E719 `f`: expected a text, or arrays in .npy, .npz, IDX or safetensors, but this is an image (JPEG) | `numpy.save("x.npy", numpy.asarray(PIL.Image.open(FILE)))` writes it as an array',
    ],
    [
      places.json,
      "safetensors",
      "E719 `f`: expected a JSON object, but this is a safetensors file | weights are given with --weights",
    ],
    [
      places.weights,
      "lfs",
      "E719 `f`: expected a safetensors or GGUF file, but this is a pointer of Git LFS | `git lfs pull` fetches the file itself",
    ],
  ] as const)("and the message says what to do", (place, format, message) => {
    expect(messageOf(misplaced(samples[format][0]!, place, "f"))).toBe(message);
  });
});
