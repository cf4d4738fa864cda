import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { inFolder, mistake, tinyModel, trainableModel } from "./harness.ts";

const hdf5 = Buffer.from("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0", "latin1");

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
