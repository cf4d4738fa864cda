import { execFileSync } from "node:child_process";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { inFolder, mistake, tinyModel, trainableModel } from "./harness.ts";

const hdf5 = Buffer.from("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0", "latin1");

/** As torch.save writes it: the pickle first. */
const saved = zipSync(
  {
    "pytorch_model/data.pkl": Buffer.from("\x80\x02}q\0.", "latin1"),
    "pytorch_model/byteorder": Buffer.from("little"),
    "pytorch_model/data/0": new Uint8Array(8),
    "pytorch_model/version": Buffer.from("3\n"),
  },
  { level: 0 },
);

/** As torch.jit.save does: numbers first, here more than are looked at. */
const scripted = zipSync(
  { "model/data/0": new Uint8Array(2 ** 17), "model/data.pkl": Buffer.from("\x80\x02}q\0.", "latin1") },
  { level: 0 },
);

inFolder({
  "tiny.lmg": tinyModel,
  "text.lmg": trainableModel("text"),
  "text.txt": "a text",
  // The names are those of what is wanted: only the bytes tell.
  "model.lmg": hdf5,
  "weights/weights.safetensors": hdf5,
  "config.json": hdf5,
  "tokenizer.json": hdf5,
  "ids.npy": hdf5,
  "book.txt": hdf5,
  "weights/model.safetensors.index.json": hdf5,
  "folder/pytorch_model.bin": hdf5,
  "saved/pytorch_model.bin": saved,
  "saved/training_args.bin": saved,
  "saved_in_parts/pytorch_model-00001-of-00001.bin": saved,
  "scripted/model.pt": scripted,
  "of_before_1.6/pytorch_model.bin": Buffer.from("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "latin1"),
  "limits.json": hdf5,
});

/** Wherever a path is read; `FILE` stands for it. */
const places: readonly (readonly [string, file: string, ...args: string[]])[] = [
  ["a model", "model.lmg", "check", "FILE"],
  ["a model to format", "model.lmg", "fmt", "FILE"],
  ["a model to train", "model.lmg", "train", "FILE", "--data", "text.txt"],
  ["weights", "weights/weights.safetensors", "run", "tiny.lmg", "--weights", "FILE", "--tokens", "1"],
  [
    "an index of shards",
    "weights/model.safetensors.index.json",
    "run",
    "tiny.lmg",
    "--weights",
    "FILE",
    "--tokens",
    "1",
  ],
  ["a config", "config.json", "check", "tiny.lmg", "--config", "FILE"],
  [
    "a tokenizer",
    "tokenizer.json",
    "run",
    "tiny.lmg",
    "--random",
    "0",
    "--prompt",
    "a",
    "--tokenizer",
    "FILE",
  ],
  ["an input", "ids.npy", "run", "tiny.lmg", "--random", "0", "--input", "tokens=FILE"],
  ["data", "book.txt", "train", "text.lmg", "--data", "FILE"],
  ["validation", "book.txt", "train", "text.lmg", "--data", "text.txt", "--validation", "FILE"],
  [
    "a tokenizer to train with",
    "tokenizer.json",
    "train",
    "text.lmg",
    "--data",
    "text.txt",
    "--tokenizer",
    "FILE",
  ],
  ["limits", "limits.json", "fit", "tiny.lmg", "--limits", "FILE"],
];

describe("a file of another format says what it is, whatever its name", () => {
  test.each(places)("in the place of %s", async (_place, file, ...args) => {
    const said = await mistake(...args.map((arg) => arg.replace("FILE", file)));
    expect(said).toMatch(/error\[E719\]: `[a-z./]+`: expected .+, but this is an HDF5 file/);
    expect(said).toContain(`\`${file}\``);
  });
});

describe("a pipe is refused at once", () => {
  test.each(places)("in the place of %s", async (_place, file, ...args) => {
    const pipe = file.replace(/[^/]+$/, "pipe-$&");
    execFileSync("mkfifo", ["-m", "600", pipe], { stdio: "pipe" });
    const said = await mistake(...args.map((arg) => arg.replace("FILE", pipe)));
    execFileSync("rm", [pipe]);
    expect(said).toContain(`cannot read \`${pipe}\`: it is a pipe (FIFO)`);
  });
});

test("a folder with weights of another format says which", async () => {
  expect(await mistake("run", "tiny.lmg", "--weights", "folder", "--tokens", "1")).toBe(
    "error[E719]: `folder/pytorch_model.bin`: expected a safetensors or GGUF file, but this is an HDF5 file, as Keras and h5py write them\n" +
      "  help: read its arrays with h5py, and write them by the model's names with `save_file` of safetensors.numpy",
  );
});

test.each([
  ["saved", "pytorch_model.bin"],
  ["saved_in_parts", "pytorch_model-00001-of-00001.bin"],
  ["scripted", "model.pt"],
  ["of_before_1.6", "pytorch_model.bin"],
])(
  "a folder with a pickle of PyTorch says so, and what makes safetensors of it (%s)",
  async (folder, file) => {
    const said = await mistake("run", "tiny.lmg", "--weights", folder, "--tokens", "1");
    expect(said).toContain(
      `error[E719]: \`${folder}/${file}\`: expected a safetensors or GGUF file, but this is a`,
    );
    expect(said).toMatch(/but this is a (checkpoint of PyTorch|pickle of Python, as PyTorch)/);
    expect(said).toContain(".save_pretrained(FOLDER, safe_serialization=True)");
    expect(said).toContain("torch.load(FILE, weights_only=True)");
    expect(said).not.toContain("unpack");
  },
);
