import { readFileSync, rmSync, truncateSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { writeNpy } from "../../src/checkpoint/npy.ts";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { writeNpz } from "../../src/checkpoint/npz.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored, type StoredTensor } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { inFolder, lmg, mistake, output, put, tinyModel } from "./harness.ts";

const stored = (shape: readonly number[], values: ArrayLike<number>): StoredTensor =>
  toStored(hostTensor("f32", shape, values));

/** y = [x0 + 2·x1, 3·x0 + 4·x1] + [0.5, -0.5] */
const affine = `model affine {
  input x: f32[B, 2]
  up: linear(2)
  output y: f32[B, 2]
}
`;
const affineWeights = new Map([
  ["up.weight", stored([2, 2], [1, 2, 3, 4])],
  ["up.bias", stored([2], [0.5, -0.5])],
]);

/** Five ids in a circle: the logit of the successor of the last id is the largest. */
const circle = `model circle(vocab = 5, dim = 5) {
  input tokens: i32[B, T <= 8]
  next: embedding(vocab, dim)
  output logits: f32[B, T, dim]
}
`;
const circleWeights = new Map([
  [
    "next.weight",
    stored(
      [5, 5],
      Array.from({ length: 25 }, (_, i) => (i % 5 === (Math.floor(i / 5) + 1) % 5 ? 4 : 0)),
    ),
  ],
]);
const letters = {
  version: "1.0",
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: "Fuse" },
  model: { type: "BPE", unk_token: null, vocab: { a: 0, b: 1, c: 2, d: 3, e: 4 }, merges: [] },
};

inFolder({
  "affine.lmg": affine,
  "two.lmg":
    "model two {\n  input x: f32[B]\n  input z: f32[B]\n  a = x * 2\n  b = z * 2\n  output a\n  output b\n}\n",
  "affine.safetensors": writeSafetensors(affineWeights),
  "circle.lmg": circle,
  "circle/model.safetensors": writeSafetensors(circleWeights),
  "circle/tokenizer.json": JSON.stringify(letters),
  "circle/config.json": `{"eos_token_id": 4}`,
  "bare/model.safetensors": writeSafetensors(circleWeights),
  "tiny.lmg": tinyModel,
  "x.npy": writeNpy(hostTensor("f32", [2, 2], [1, 1, 2, 0])),
  "x.npz": writeNpz(new Map([["x", hostTensor("f32", [2, 2], [1, 1, 2, 0])]])),
  "x.safetensors": writeSafetensors(
    new Map([
      ["a", stored([2, 2], [1, 1, 2, 0])],
      ["b", stored([1], [0])],
    ]),
  ),
  "ids.npy": writeNpy(hostTensor("f32", [1, 2], [0.5, 1])),
});

describe("`run` computes", () => {
  test.each([
    ["the emitted plan", []],
    ["the interpreter", ["--interpret"]],
  ])("the outputs of an array, by %s", async (_, more) => {
    const text = await output(
      "run",
      "affine.lmg",
      "--weights",
      "affine.safetensors",
      "--input",
      "x=x.npy",
      ...more,
    );
    expect(text).toContain("y: f32[2, 2] = 3.5, 6.5, 2.5, 5.5\n");
    expect(text).toMatch(/^affine\.safetensors; /);
  });

  test.each(["x=x.npz", "x=x.npz:x", "x=x.safetensors:a"])("the outputs of %s", async (input) => {
    expect(await output("run", "affine.lmg", "--weights", "affine.safetensors", "--input", input)).toContain(
      "y: f32[2, 2] = 3.5, 6.5, 2.5, 5.5\n",
    );
  });

  test("the likeliest next tokens, with their text where there is a tokenizer", async () => {
    // e⁴ / (e⁴ + 4) = 0.9317, 1 / (e⁴ + 4) = 0.0171
    expect(await output("run", "circle.lmg", "--weights", "circle", "--prompt", "ab", "--top", "2"))
      .toMatchInlineSnapshot(`
      "circle/model.safetensors; plan of 1 step
      logits: f32[1, 2, 5] = 0, 4, 0, 0, 0, 0, … from 0 to 4

      likeliest tokens at the last position of logits:
      token  probability  text
          2      93.17 %  "c"
          0       1.71 %  "a"
      "
    `);
    expect(await output("run", "circle.lmg", "--weights", "bare", "--tokens", "0,1", "--top", "1"))
      .toMatchInlineSnapshot(`
      "bare/model.safetensors; plan of 1 step
      logits: f32[1, 2, 5] = 0, 4, 0, 0, 0, 0, … from 0 to 4

      likeliest tokens at the last position of logits:
      token  probability
          2      93.17 %
      "
    `);
  });

  test("no likeliest tokens of an output that is not over the vocabulary, and those of one that is, wherever it stands", async () => {
    put(
      "hidden.lmg",
      `model hidden(vocab = 5, dim = 3) {
  input tokens: i32[B, T]
  next: embedding(vocab, dim)
  output hidden: f32[B, T, dim]
  head: linear(vocab, bias: false)
  output logits: f32[B, T, vocab]
}
`,
    );
    const run = [
      "run",
      "hidden.lmg",
      "--random",
      "1",
      "--tokenizer",
      "circle",
      "--prompt",
      "ab",
      "--top",
      "1",
    ];
    expect(await output(...run)).toContain("likeliest tokens at the last position of logits:");
    expect(await output(...run, "--output", "hidden")).not.toContain("likeliest");
    expect(JSON.parse(await output(...run, "--output", "hidden", "--json"))).toMatchObject({ next: [] });
  });

  test("what the tokenizer does to a prompt beside its ids", async () => {
    const padding = { strategy: { Fixed: 9 }, direction: "Right", pad_id: 0, pad_type_id: 0, pad_token: "a" };
    const truncation = { direction: "Right", max_length: 2, strategy: "LongestFirst", stride: 0 };
    put("cut/tokenizer.json", JSON.stringify({ ...letters, padding, truncation }));
    const { text, notes } = await lmg(
      "run",
      "circle.lmg",
      "--weights",
      "bare",
      "--tokenizer",
      "cut",
      "--prompt",
      "abcd",
    );
    expect(text).toContain("logits: f32[1, 2, 5]");
    expect(notes).toBe(
      "cut/tokenizer.json cuts a text to 2 tokens\n" +
        "cut/tokenizer.json asks for padding, which is left out: a single text needs none\n",
    );
  });

  test("logits for NumPy, written whole", async () => {
    const text = await output(
      "run",
      "circle.lmg",
      "--weights",
      "bare",
      "--tokens",
      "0,1;2,3",
      "--logits",
      "logits.npy",
    );
    expect(text).toContain("wrote logits.npy\n");
    const logits = expectValue(readNpy(readFileSync("logits.npy"), "logits.npy"));
    expect([...logits.shape]).toStrictEqual([2, 2, 5]);
    expect(Array.from(logits.data.subarray(15))).toStrictEqual([0, 0, 0, 0, 4]);
  });

  test("JSON for programs", async () => {
    const text = await output(
      "run",
      "circle.lmg",
      "--weights",
      "circle",
      "--tokens",
      "1",
      "--top",
      "1",
      "--json",
    );
    expect(JSON.parse(text)).toStrictEqual({
      weights: "circle/model.safetensors",
      engine: "plan of 1 step",
      tokens: [[1]],
      outputs: [{ name: "logits", dtype: "f32", shape: [1, 1, 5] }],
      next: [{ id: 2, probability: expect.closeTo(0.9317, 4) as number, text: "c" }],
    });
  });

  test("with a warning where the checkpoint's names are made up", async () => {
    put("plain.lmg", "model plain {\n  input x: f32[B, 2]\n  linear(2)\n}\n");
    put(
      "plain.safetensors",
      writeSafetensors(
        new Map([...affineWeights].map(([name, tensor]) => [name.replace("up", "linear"), tensor])),
      ),
    );
    const { code, text, notes } = await lmg(
      "run",
      "plain.lmg",
      "--weights",
      "plain.safetensors",
      "--input",
      "x=x.npy",
    );
    expect(code).toBe(0);
    expect(text).toContain(": f32[2, 2] = 3.5, 6.5, 2.5, 5.5\n");
    expect(notes).toMatchInlineSnapshot(`
      "plain.lmg:3:3: warning[W801]: 2 checkpoint names, \`linear.weight\` first: made up from the kind and order of a layer
        3 |   linear(2)
          |   ^^^^^^^^^
        help: write a label: \`name: layer\`
      "
    `);
  });

  test("random weights, the same for the same seed", async () => {
    const run = (seed: string) => output("run", "tiny.lmg", "--random", seed, "--tokens", "1,2", "--json");
    expect(await run("3")).toBe(await run("3"));
    expect(await run("4")).not.toBe(await run("3"));
  });
});

describe("`run --generate`", () => {
  test("goes on from a text, and stops at the end token of the config", async () => {
    expect(
      await output("run", "circle.lmg", "--weights", "circle", "--prompt", "ab", "--generate", "2"),
    ).toBe("abcd\n");
    expect(
      await output("run", "circle.lmg", "--weights", "circle", "--prompt", "ab", "--generate", "6"),
    ).toBe("abcd\n");
  });

  test("goes on from ids without a tokenizer, and stops where the context is full", async () => {
    const { code, text, notes } = await lmg(
      "run",
      "circle.lmg",
      "--weights",
      "bare",
      "--tokens",
      "3",
      "--generate",
      "99",
    );
    expect([code, text]).toStrictEqual([0, "3,4,0,1,2,3,4,0,1\n"]);
    expect(notes).toBe("stopped: the model reads at most 8 tokens\n");
  });

  test("draws by chance with a temperature: the same for the same seed", async () => {
    const draw = (seed: string) =>
      output(
        "run",
        "circle.lmg",
        "--weights",
        "bare",
        "--tokens",
        "3",
        "--generate",
        "7",
        "--temperature",
        "9",
        "--seed",
        seed,
      );
    expect(await draw("1")).toBe(await draw("1"));
    expect(await draw("2")).not.toBe(await draw("1"));
  });
});

describe("a mistake of the user ends with 1 and a message", () => {
  const on = ["run", "circle.lmg", "--weights"];
  test.each<[string[], string]>([
    [
      ["run", "circle.lmg", "--tokens", "1"],
      "error[E817]: there are no weights to run on\n  help: name a checkpoint with --weights, or draw some with --random 0",
    ],
    [[...on, "none"], "error[E700]: cannot read `none`: there is no such file or folder"],
    [
      [...on, "."],
      "error[E700]: `.` has neither model.safetensors nor model.safetensors.index.json\n  help: name the file: --weights FOLDER/FILE.safetensors",
    ],
    [
      [...on, "x.npy"],
      'error[E719]: `x.npy`: expected a safetensors or GGUF file, but this is an array of NumPy (.npy)\n  help: save each array by its name: `save_file({"layer.weight": numpy.load(FILE)}, "model.safetensors")` of safetensors.numpy',
    ],
    [
      [...on, "affine.safetensors"],
      "error[E721]: affine.safetensors: 1 tensor of the model is missing: `next.weight`\nerror[E723]: affine.safetensors: 2 tensors that the model does not have: `up.bias` and `up.weight`",
    ],
    [
      [...on, "circle", "--set", "vocab=6"],
      "error[E722]: circle/model.safetensors: 1 tensor of another shape: `next.weight` is [5, 5], the model has [6, 5]\n  help: do the sizes of the model fit this checkpoint? `--config` reads them from its config.json",
    ],
    [[...on, "circle", "--tokens", "1,two"], "error[E803]: --tokens expects ids such as 1,2,3, found `two`"],
    [
      [...on, "circle", "--tokens", "1,5"],
      "error[E814]: token 5 at position 1 is not in the vocabulary: the model has ids 0 to 4",
    ],
    [
      [...on, "circle", "--tokens", "0,0,0,0,0,0,0,0,0"],
      "error[E815]: 9 tokens are too many: the model reads at most 8\n  help: give fewer; `lmg generate` reads the last of a long text",
    ],
    [
      [...on, "circle", "--tokens", "1", "--prompt", "a"],
      "error[E803]: --tokens and --prompt exclude each other",
    ],
    [
      [...on, "bare", "--prompt", "a"],
      "error[E818]: there is no tokenizer for --prompt\n  help: give ids with --tokens, or a tokenizer.json with --tokenizer",
    ],
    [
      [...on, "circle", "--prompt", "aZ"],
      "error[E742]: circle/tokenizer.json has no token for `Z`, and none for what is unknown",
    ],
    [[...on, "circle", "--prompt", ""], "error[E818]: the prompt has no tokens"],
    [
      [...on, "circle", "--prompt", "a", "--tokenizer", "none"],
      "error[E741]: there is no tokenizer at `none`",
    ],
    [
      [...on, "circle"],
      "error[E816]: the input `tokens` i32[B, T] is not given\n  help: give an array with --input tokens=FILE, or ids with --tokens or --prompt",
    ],
    [
      ["run", "affine.lmg", "--random", "0"],
      "error[E816]: the input `x` f32[B, 2] is not given\n  help: give an array with --input x=FILE",
    ],
    [
      [...on, "circle", "--tokens", "1", "--top", "some"],
      "error[E804]: --top expects a whole number from 0 to 1000, found `some`",
    ],
    [
      [...on, "circle", "--tokens", "1", "--output", "logit"],
      "circle.lmg:1:7: error[E236]: the model has no output called `logit`\n  1 | model circle(vocab = 5, dim = 5) {\n    |       ^^^^^^\n  help: did you mean `logits`?",
    ],
    [
      [...on, "circle", "--generate", "3"],
      "error[E820]: --generate needs one prompt: --prompt TEXT or --tokens 1,2,3",
    ],
    [
      [...on, "circle", "--tokens", "1", "--generate", "3", "--temperature", "-1"],
      "error[E804]: --temperature expects a number from 0 to 100, found `-1`",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--tokens", "1"],
      "error[E813]: the model has no input for token ids\n  help: give arrays with --input name=file",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--input", "x"],
      "error[E811]: --input expects name=file, found `x`\n  help: for example --input image=digit.npy",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--input", "y=x.npy"],
      "error[E811]: the model has no input `y`; it has x\n  help: did you mean x?",
    ],
    [
      ["run", "two.lmg", "--random", "0", "--output", "a", "--input", "z=x.npy"],
      "error[E811]: the model has no input `z`; it has x\n  help: leave it off: with --output, the model has the inputs that the kept outputs need, and no others",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--input", "x=x.txt"],
      "error[E700]: cannot read `x.txt`: there is no such file or folder",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--input", "x=affine.lmg"],
      "error[E811]: affine.lmg: arrays are read from .npy, .npz, .safetensors and IDX files",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--input", "x=x.safetensors"],
      "error[E811]: x.safetensors holds several arrays\n  help: name one: x.safetensors:a",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--input", "x=x.npz:y"],
      "error[E811]: x.npz has no array `y`\n  help: did you mean `x`?",
    ],
    [
      [...on, "circle", "--input", "tokens=ids.npy"],
      "error[E812]: ids.npy: the input `tokens` is i32[B, T], found f32[1, 2]",
    ],
    [
      [...on, "circle", "--input", "tokens=x.npz"],
      "error[E812]: x.npz: the input `tokens` is i32[B, T], found f32[2, 2]",
    ],
    [
      ["run", "affine.lmg", "--random", "0", "--input", "x=x.safetensors:b"],
      "error[E812]: x.safetensors:b: the input `x` is f32[B, 2], found f32[1]",
    ],
    [
      ["run", "affine.lmg", "--random", "-1", "--input", "x=x.npy"],
      "error[E804]: --random expects a whole number from 0 to 4294967295, found `-1`",
    ],
  ])("lmg %j", async (args, message) => {
    expect(await mistake(...args)).toBe(message);
  });

  // More bytes than an array can have, none of which is on the disk: who read them would say that there are too many.
  test.each([
    ["x", "(1000000000, 5)", "f32[B, 2], found f32[1000000000, 5]"],
    ["x", "(5000000000,)", "f32[B, 2], found f32[5000000000]"],
    ["x", "(1000000000, 5, 1)", "f32[B, 2], found f32[1000000000, 5, 1]"],
    ["tokens", "(1000000000, 5)", "i32[B, T], found f32[1000000000, 5]"],
  ])("a .npy file by its header, before its elements are read: %s %s", async (name, shape, message) => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n";
    put("huge.npy", Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}`, "latin1"));
    truncateSync("huge.npy", 128 + 4 * 5_000_000_000);
    const model = name === "x" ? ["run", "affine.lmg", "--random", "0"] : [...on, "circle"];
    expect(await mistake(...model, "--input", `${name}=huge.npy`)).toBe(
      `error[E812]: huge.npy: the input \`${name}\` is ${message}`,
    );
    rmSync("huge.npy");
  });

  test("and a surplus tensor can be passed over, and a prefix taken off", async () => {
    const prefixed = new Map([...circleWeights].map(([name, tensor]) => [`model.${name}`, tensor]));
    put("prefixed.safetensors", writeSafetensors(new Map([...prefixed, ["extra.table", stored([1], [0])]])));
    const args = ["run", "circle.lmg", "--weights", "prefixed.safetensors", "--tokens", "1", "--top", "1"];
    const surplus = [
      "error[E723]: prefixed.safetensors, `model.` taken off its names: 1 tensor that the model does not have: `extra.table`",
      "  help: `--ignore PATTERN` passes over tensors that are not needed",
    ].join("\n");
    expect(await mistake(...args)).toBe(surplus);
    expect(await mistake(...args, "--prefix", "model.")).toBe(surplus);
    const text = await output(...args, "--ignore", "extra.*");
    expect(text).toMatch(/^prefixed\.safetensors, `model\.` taken off its names; plan of/);
    expect(await output(...args, "--ignore", "extra.*", "--prefix", "model.")).toBe(text);
    expect(await mistake(...args, "--prefix", "transformer.")).toContain(
      "error[E724]: prefixed.safetensors: neither a tensor nor a parameter of the model begins with `transformer.`",
    );
  });
});
