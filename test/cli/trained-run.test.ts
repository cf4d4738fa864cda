import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { writeIdx } from "../../src/checkpoint/idx.ts";
import { readNpy, writeNpy } from "../../src/checkpoint/npy.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { inFolder, lmg, mistake, output, put, trainableModel } from "./harness.ts";

const bytes = Uint8Array.from({ length: 8 * 6 }, (_, index) => (index * 37) % 256);
const levels = hostTensor(
  "f32",
  [8, 6],
  Float64Array.from(bytes, (byte) => byte / 255),
);

inFolder({
  "pixels.lmg": `model pixels {
  input image: f32[B, 6]
  fc: linear(3)
  output logits: f32[B, 3]
  train {
    target label: i32[B]
    loss (logits, label) -> cross_entropy
    optimizer adam(lr: 1e-2)
    batch 4
    steps 2
  }
}
`,
  "chars.lmg": trainableModel("chars", "batch 2", "steps 2"),
  "text.txt": "the quick brown fox jumps over the lazy dog. ".repeat(40),
  "bytes.idx": writeIdx([8, 2, 3], bytes),
  "bytes.npy": writeNpy(hostTensor("u8", [8, 6], bytes)),
  "levels.npy": writeNpy(levels),
  "label.npy": writeNpy(hostTensor("i32", [8], [0, 1, 2, 0, 1, 2, 0, 1])),
});

beforeAll(async () => {
  for (const args of [
    ["pixels.lmg", "--data", "image=bytes.idx", "--data", "label=label.npy", "--validation", "0"],
    ["chars.lmg", "--data", "text.txt"],
  ]) {
    const { code, notes } = await lmg("train", ...args);
    if (code !== 0) throw new Error(notes);
  }
});

test("arrays mean to `lmg run` what they meant in training: bytes are levels, rows get the model's shape", async () => {
  const run = async (file: string) => {
    const { code, notes } = await lmg(
      "run",
      "runs/pixels",
      "--input",
      `image=${file}`,
      "--logits",
      "logits.npy",
    );
    expect(code, notes).toBe(0);
    return { notes, logits: expectValue(readNpy(readFileSync("logits.npy"), "logits.npy")) };
  };
  const { logits } = await run("levels.npy");
  for (const file of ["bytes.idx", "bytes.npy"])
    expect(await run(file)).toEqual({ notes: `image from ${file}: bytes / 255, as in training\n`, logits });
  expect(await mistake("run", "runs/pixels", "--input", "image=text.txt")).toBe(
    "error[E811]: text.txt: arrays are read from .npy, .npz, .safetensors and IDX files",
  );
});

test("what a run was trained with holds as far as nothing else is said", async () => {
  const short = ["generate", "runs/chars", "--tokens", "4"];
  const plain = await output(...short);
  expect(await output(...short, "--set", "vocab=28", "--model", "chars")).toBe(plain);
  expect(await mistake(...short, "--model", "other")).toContain("the file has no model called `other`");
  expect(await mistake(...short, "--set", "dim=4")).toContain("of another shape: `wte.weight` is [28, 8]");
  // Other weights, and still its tokenizer: letters, no ids.
  expect(await output(...short, "--random", "3", "--prompt", "the")).toMatch(/^the[a-z. ]{4}\n$/);
  expect(await output("compare", "runs/chars", "--targets", "ts")).toContain("none above 0.0001");
  const timed = await output("bench", "runs/chars", "--rounds", "1", "--json");
  expect(JSON.parse(timed)).toMatchObject({ weights: "runs/chars/model.safetensors" });
});

test("what cannot be continued is said with a way forward", async () => {
  expect(await mistake("generate", "runs/pixels")).toBe(
    "error[E813]: the model has no input for token ids\n" +
      "  help: it continues no text; `lmg run` runs it on arrays, as --input name=file",
  );
  expect(await mistake("generate", "runs/chars", "--prompt", "")).toBe(
    "error[E818]: the prompt has no tokens\n  help: without --prompt, the text begins with a new line",
  );
  expect(await mistake("generate", "runs/chars", "--tokenizer", "runs/pixels")).toBe(
    "error[E741]: `runs/pixels` has no tokenizer.json",
  );
  const tokens = ["run", "runs/chars", "--tokens", "1,2"];
  put("ids.npy", writeNpy(hostTensor("i32", [1, 2], [1, 2])));
  expect(await mistake(...tokens, "--input", "tokens=ids.npy")).toBe(
    "error[E803]: the input `tokens` is given by --input, and by --tokens or --prompt too",
  );
  expect(await mistake("run", "runs/chars", "--prompt", "the quick")).toContain(
    "9 tokens are too many: the model reads at most 8\n  help: give fewer; `lmg generate` reads the last of a long text",
  );
});

test("no token is drawn from logits that are no numbers", async () => {
  const { tensors } = expectValue(readSafetensors(readFileSync("runs/chars/model.safetensors"), "model"));
  const wte = tensors.get("wte.weight")!;
  const broken = new Map(tensors).set("wte.weight", {
    ...wte,
    bytes: new Uint8Array(wte.bytes.length).fill(0xff),
  });
  put("broken.safetensors", writeSafetensors(broken));
  const { code, notes } = await lmg("generate", "runs/chars", "--weights", "broken.safetensors");
  expect(code).toBe(1);
  expect(notes).toContain("error[E821]: `logits` has NaN after 1 token: no token can be drawn from it");
});

test("a folder of `lmg train` stands for its model, with its parameters, in every command that reads one", async () => {
  const written = "runs/chars/model/chars.lmg";
  const set = ["--set", "vocab=28"];
  for (const args of [
    ["check"],
    ["stats"],
    ["stats", "--train"],
    ["plan"],
    ["plan", "--target", "wgsl"],
    ["edges"],
    ["ir"],
    ["ir", "--train"],
    ["fit"],
  ]) {
    const [command, ...rest] = args as [string, ...string[]];
    const of = (...model: string[]) => output(command, ...model, ...rest);
    expect(await of("runs/chars"), command).toBe(await of(written, ...set));
  }
  await output("compile", "runs/chars", "-o", "from-run");
  await output("compile", written, ...set, "-o", "from-file");
  expect(readFileSync("from-run/chars.ts", "utf8")).toBe(readFileSync("from-file/chars.ts", "utf8"));
  // What the command line says wins.
  expect(await output("check", "runs/chars", "--set", "dim=16")).toContain("\n  448 parameters in");
  expect((await output("check", "runs")).match(/\w+ is well-formed/g)).toEqual([
    "chars is well-formed",
    "pixels is well-formed",
  ]);
  expect(await mistake("compile", "runs")).toContain(
    "`runs` is a folder without run.json and config.json: it holds neither a run nor a checkpoint",
  );
});
