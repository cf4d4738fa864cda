import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { writeNpy } from "../../src/checkpoint/npy.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { inFolder, lmg, mistake, put } from "./harness.ts";

const text = "the quick brown fox jumps over the lazy dog. ".repeat(40);

/** A language model that trains in a moment. */
const model = (train: readonly string[] = [], head = "vocab, dim = 8, ctx = 8") => `model tiny(${head}) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  residual pre ln: layernorm { mlp: linear(dim) -> gelu }
  ln_f: layernorm
  unembed(wte)
  output logits: f32[B, T, vocab]

  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    metric (logits, next) -> accuracy
${train.map((line) => `    ${line}\n`).join("")}  }
}
`;

const usual = ["optimizer adamw(lr: 1e-2)", "batch 2", "steps 6", "seed 1"];

inFolder({
  "tiny.lmg": model(usual),
  "wild.lmg": model(["optimizer sgd(lr: 1e30)", "batch 2", "steps 6"]),
  "text.txt": text,
  "other.txt": text.toUpperCase(),
  "bare.lmg": "model bare {\n  input x: f32[B, 4]\n  fc: linear(2)\n  output y: f32[B, 2]\n}\n",
});

const metrics = (run: string): readonly Record<string, number | object | null>[] =>
  readFileSync(`${run}/metrics.jsonl`, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number | object | null>);

async function train(...args: string[]): Promise<string> {
  const { code, text: said, notes } = await lmg("train", ...args);
  if (code !== 0) throw new Error(notes);
  return said;
}

test("a text trains a language model, whose folder is all that generation needs", async () => {
  const {
    code,
    text: said,
    notes,
  } = await lmg("train", "tiny.lmg", "--data", "text.txt", "--evaluate-every", "3");
  expect(code, notes).toBe(0);
  const place = "runs/tiny";
  expect(notes).toMatch(
    /^vocab = 28, as the data has 28 characters\nstep 3: validation loss [\d.]+, accuracy [\d.]+\n/,
  );
  expect(said).toMatch(
    /^tiny: 328 parameters in 7 tensors; text, 1,620 tokens of 28 characters for training, 180 for validation\nadamw, learning rate 0.01, constant; 6 steps of 2 rows, seed 1; plan of \d+ steps\n6 steps in [\d.]+ s\nvalidation at the end: loss [\d.]+, accuracy [\d.]+\nwrote runs\/tiny\n$/,
  );
  const lines = metrics(place);
  expect(lines.map(({ step, validation }) => [step, validation !== undefined])).toEqual([
    [1, false],
    [2, false],
    [3, false],
    [3, true],
    [4, false],
    [5, false],
    [6, false],
    [6, true],
  ]);
  expect(Object.keys(lines[0]!)).toEqual([
    "step",
    "loss",
    "accuracy",
    "gradient_norm",
    "lr",
    "seconds",
    "tokens_per_second",
  ]);
  expect(lines.at(-1)).toMatchObject({ batches: null });
  expect(readFileSync(`${place}/report.html`, "utf8")).toContain(
    "lmg train tiny.lmg --data text.txt --evaluate-every 3",
  );

  renameSync(place, "elsewhere");
  const generate = (...args: string[]) =>
    lmg("generate", "elsewhere", "--prompt", "the ", "--tokens", "30", ...args);
  const first = await generate();
  expect(first.notes).toBe("");
  expect(first.text).toMatch(/^the .{30}\n$/s);
  expect(await generate()).toEqual(first);
  expect(await generate("--seed", "1")).not.toEqual(first);
  expect((await generate("--top-k", "1")).text).toBe((await generate("--temperature", "0")).text);
  expect(await mistake("generate", "elsewhere", "--tokens", "1,2")).toContain(
    "error[E804]: --tokens expects a whole number",
  );
  expect(await mistake("generate", "runs")).toBe(
    "error[E700]: `runs` is a folder without run.json and config.json: it holds neither a run nor a checkpoint\n  help: name a .lmg file, a folder that `lmg train` wrote, or a published checkpoint",
  );
  put("odd/run.json", "{}");
  expect(await mistake("run", "odd")).toContain(
    "error[E853]: `odd/run.json` does not say which model was trained",
  );
  expect((await lmg("run", "elsewhere", "--prompt", "the ")).text).toContain("logits: f32[1, 4, 28]");
});

test("the same command goes on where a shorter one ended, with the bits of one run", async () => {
  await train("tiny.lmg", "--data", "text.txt", "-o", "whole", "--steps", "9");
  await train("tiny.lmg", "--data", "text.txt", "-o", "parts", "--steps", "4");
  const said = await train("tiny.lmg", "--data", "text.txt", "-o", "parts", "--steps", "9");
  expect(said).toContain("goes on after step 4\n");
  for (const file of ["checkpoint.safetensors", "model.safetensors"])
    expect(readFileSync(`parts/${file}`).equals(readFileSync(`whole/${file}`)), file).toBe(true);
  const losses = (run: string) =>
    metrics(run).flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss]]));
  expect(losses("parts")).toEqual(losses("whole"));

  const again = await train("tiny.lmg", "--data", "text.txt", "-o", "parts", "--steps", "9");
  expect(again).toContain("the run ended after step 9; a larger --steps goes on from there\n9 steps in");
});

test("a folder with another run is left alone, and what differs is named", async () => {
  await train("tiny.lmg", "--data", "text.txt", "-o", "mine");
  const before = readFileSync("mine/checkpoint.safetensors");
  const refused = (...args: string[]) => mistake("train", ...args, "-o", "mine");
  const help = "\n  help: begin a new one in another folder with -o, or remove this one";
  const tiny = ["tiny.lmg", "--data", "text.txt"];
  const note = "vocab = 28, as the data has 28 characters\n";
  expect(await refused(...tiny, "--seed", "2")).toBe(
    `${note}error[E854]: mine holds another run: its seed is 1, here 2${help}`,
  );
  expect(await refused(...tiny, "--lr", "0.5", "--batch", "4")).toBe(
    `${note}error[E854]: mine holds another run: its batch is 2, here 4; its learning rate is 0.01, here 0.5${help}`,
  );
  expect(await refused("tiny.lmg", "--data", "other.txt")).toContain("its data is not the same");
  expect(await refused(...tiny, "--set", "dim=16")).toContain(
    "mine holds another run: its model is not the same\n",
  );
  expect(await refused(...tiny, "--weights", "mine")).toContain("its first weights are not the same");
  expect(readFileSync("mine/checkpoint.safetensors").equals(before)).toBe(true);
});

test("the weights of the best evaluation are kept beside the last", async () => {
  const wild = ["wild.lmg", "--data", "text.txt", "--lr", "3", "--evaluate-every", "1"];
  await train(...wild, "-o", "best");
  const evaluations = metrics("best").filter(({ validation }) => validation !== undefined);
  const losses = evaluations.map(({ validation }) => (validation as { readonly loss: number }).loss);
  const step = losses.indexOf(Math.min(...losses)) + 1;
  expect(step).toBeLessThan(losses.length);
  await train(...wild, "-o", "until_best", "--steps", String(step));
  const weights = (path: string) => readFileSync(path);
  expect(weights("best/best.safetensors").equals(weights("until_best/model.safetensors"))).toBe(true);
  expect(weights("best/best.safetensors").equals(weights("best/model.safetensors"))).toBe(false);
});

test("one process at a time trains into a folder; the lock of one that is gone does not count", async () => {
  const tiny = ["tiny.lmg", "--data", "text.txt", "-o", "locked"];
  await train(...tiny, "--steps", "1");
  expect(existsSync("locked/.lock")).toBe(false);
  const lockedBy = (owner: unknown) => writeFileSync("locked/.lock", JSON.stringify(owner));
  const help =
    "help: wait for its end, train into another folder with -o, or remove `locked/.lock` if it has ended";
  const note = "vocab = 28, as the data has 28 characters\n";

  lockedBy({ pid: process.ppid, host: hostname() });
  expect(await mistake("train", ...tiny)).toBe(
    `${note}error[E857]: process ${process.ppid} trains into \`locked\`\n  ${help}`,
  );
  lockedBy({ pid: 1, host: "elsewhere" });
  expect(await mistake("train", ...tiny)).toBe(
    `${note}error[E857]: process 1 on \`elsewhere\` trains into \`locked\`\n  ${help}`,
  );
  lockedBy("");
  expect(await mistake("train", ...tiny)).toContain("another process trains into `locked`");
  expect(metrics("locked").length).toBe(2);

  lockedBy({ pid: spawnSync(process.execPath, ["--version"]).pid, host: hostname() });
  expect(await train(...tiny)).toContain("goes on after step 1");
  expect(existsSync("locked/.lock")).toBe(false);
});

test("training begins with the weights that are given", async () => {
  await train("tiny.lmg", "--data", "text.txt", "-o", "first");
  await train(
    "tiny.lmg",
    "--data",
    "text.txt",
    "-o",
    "second",
    "--weights",
    "first",
    "--steps",
    "1",
    "--lr",
    "1e-12",
  );
  const last = (run: string) => (metrics(run).at(-1)!["validation"] as { readonly loss: number }).loss;
  // A step of 1e-12 moves no weight by more than rounding.
  expect(last("second")).toBeCloseTo(last("first"), 6);
  expect(
    await mistake(
      "train",
      "tiny.lmg",
      "--data",
      "text.txt",
      "--set",
      "dim=4",
      "-o",
      "third",
      "--weights",
      "first",
    ),
  ).toContain("error[E722]: first/model.safetensors: 7 tensors of another shape");

  // A checkpoint of another program, whose names have more in front, and a tensor that no layer has.
  const { tensors } = expectValue(readSafetensors(readFileSync("first/model.safetensors"), "model"));
  const renamed = [...tensors].map(([name, tensor]) => [`model.${name}`, tensor] as const);
  put("renamed.safetensors", writeSafetensors(new Map([...renamed, ["steps_seen", renamed[0]![1]]])));
  const line = ["tiny.lmg", "--data", "text.txt", "--steps", "1", "--lr", "1e-12", "-o", "fourth"];
  const named = ["--prefix", "model.", "--ignore", "steps_*"];
  expect(await mistake("train", ...line, ...named)).toContain(
    "error[E804]: --prefix is for the tensors of a checkpoint, and none is read\n  help: name one with --weights",
  );
  await train(...line, "--weights", "renamed.safetensors", ...named);
  const bytes = (run: string) => readFileSync(`${run}/model.safetensors`);
  expect(bytes("fourth").equals(bytes("second"))).toBe(true);
  expect(readFileSync("fourth/run.json", "utf8")).toContain("--prefix model. --ignore 'steps_*'");
});

test("the interpreter trains too, in float64, and goes on with its own bits", async () => {
  const args = [
    "tiny.lmg",
    "--data",
    "text.txt",
    "--target",
    "interpreter",
    "--batch",
    "1",
    "--context",
    "3",
  ];
  await train(...args, "--steps", "4", "-o", "oracle");
  await train(...args, "--steps", "2", "-o", "halves");
  await train(...args, "--steps", "4", "-o", "halves");
  const [whole, halves] = ["oracle", "halves"].map((run) => readFileSync(`${run}/checkpoint.safetensors`));
  expect(halves!.equals(whole!)).toBe(true);
  expect(whole!.toString("latin1")).toContain('"dtype":"F64"');
  await train(...args, "--steps", "4", "-o", "emitted", "--target", "ts");
  for (const [index, { loss }] of metrics("oracle").entries())
    // Float32 against float64, four steps.
    if (loss !== undefined) expect(metrics("emitted")[index]!["loss"]).toBeCloseTo(loss as number, 5);
});

test("arrays train a classifier, and the model's file may say where a text is", async () => {
  const random = new RandomStream(1, "rows");
  const x = randomTensor([40, 4], random);
  const y = Array.from({ length: 40 }, (_, row) => Number(x.data[4 * row]! > 0));
  put("x.npy", writeNpy(x));
  put("y.npy", writeNpy(hostTensor("i32", [40], y)));
  put(
    "rows.lmg",
    "model rows {\n  input x: f32[B, 4]\n  fc: linear(2)\n  output z: f32[B, 2]\n  train {\n    target y: i32[B]\n    loss (z, y) -> cross_entropy\n    metric (z, y) -> accuracy\n    optimizer adam(lr: 0.1)\n    batch 10\n    epochs 8\n  }\n}\n",
  );
  const said = await train(
    "rows.lmg",
    "--data",
    "x=x.npy",
    "--data",
    "y=y.npy",
    "--validation",
    "10",
    "-o",
    "runs/rows",
  );
  expect(said).toContain("adam, learning rate 0.1, constant; 24 steps of 10 rows, seed 0");
  const last = metrics("runs/rows").at(-1)!["validation"] as { readonly accuracy: number };
  expect(last.accuracy).toBeGreaterThan(0.85);
  expect(Object.keys(metrics("runs/rows")[0]!)).toContain("samples_per_second");

  // What is computed from the data is met in the training only.
  const shifted = readFileSync("rows.lmg", "utf8").replace("loss (z, y)", "up = y + 1; loss (z, up)");
  put("shifted.lmg", shifted);
  const data = ["--data", "x=x.npy", "--data", "y=y.npy"];
  const { code, notes } = await lmg("train", "shifted.lmg", ...data, "-o", "runs/shifted");
  expect([code, notes]).toEqual([1, "error[E816]: the target 2 is not among 2 classes (0 to 1)\n"]);

  put("deep/named.lmg", model([...usual, 'data "corpus.txt"']));
  put("deep/corpus.txt", text);
  expect(await train("deep/named.lmg", "-o", "runs/named")).toContain("1,620 tokens of 28 characters");
});

test("files that a model uses are kept with the run", async () => {
  put("package.json", "{}");
  put("parts/norm.lmg", "block normed {\n  input x: [.., D]\n  ln: layernorm\n}\n");
  put(
    "models/used.lmg",
    `use "../parts/norm.lmg"\n\n${model(usual).replace("ln_f: layernorm", "ln_f: normed")}`,
  );
  await train("models/used.lmg", "--data", "text.txt", "-o", "runs/used");
  expect(existsSync("runs/used/model/models/used.lmg")).toBe(true);
  writeFileSync("parts/norm.lmg", "nothing");
  expect((await lmg("generate", "runs/used", "--tokens", "3")).code).toBe(0);
});

test("what a run keeps of its model is checked, and never mended", async () => {
  await train("tiny.lmg", "--data", "text.txt", "-o", "runs/kept");
  const kept = "runs/kept/model/tiny.lmg";
  const misspelt = readFileSync(kept, "utf8").replace("layernorm", "layernrom");
  writeFileSync(kept, misspelt);
  const { code, notes } = await lmg("check", "runs/kept", "--fix");
  expect(code).toBe(1);
  expect(notes).toContain("there is no layer called `layernrom`");
  expect(readFileSync(kept, "utf8")).toBe(misspelt);
});

test("a NaN ends the run, keeps the last good checkpoint and names where it began", async () => {
  const said = await mistake(
    "train",
    "wild.lmg",
    "--data",
    "text.txt",
    "-o",
    "wild",
    "--evaluate-every",
    "9",
  ).catch((error: unknown) => (error as Error).message);
  expect(said).toMatch(/step 2 is not finite; running from step 0 to it again, to see where it begins\n/);
  expect(said).toMatch(
    /wild\.lmg:\d+:\d+: error\[E856\]: the loss is NaN at step 2: (NaN|infinity) came first from [a-z_ +]+ of \w+ \(wild\.lmg:\d+:\d+\)/,
  );
  expect(said).toContain(
    "help: wild keeps the beginning of the run; try a learning rate below 1e+30, `clip 1.0` or a schedule with a warmup",
  );
  expect(metrics("wild").map(({ step }) => step)).toEqual([1]);
  expect(readFileSync("wild/report.html", "utf8")).toContain("the loss is NaN at step 2");
});

test("an update that leaves infinity in a parameter is blamed for the step after it", async () => {
  // 1e39 is infinity in float32.
  const args = ["wild.lmg", "--data", "text.txt", "-o", "huge", "--lr", "1e39", "--clip", "1"];
  const { code, notes } = await lmg("train", ...args);
  expect(code).toBe(1);
  expect(notes).toMatch(
    /error\[E856\]: the loss is NaN at step 2: step 1 had left (NaN|infinity) in `[a-z_.]+`\n/,
  );
  expect(notes).toContain("try a learning rate below 1e+39 or a schedule with a warmup");
});

test.each([
  ["", "y"],
  // Targets that are a view, not an input.
  ["flat = y -> reshape([2])", "flat"],
])(
  "a batch whose targets are all ignored is said to be one, not a rate that is too large",
  async (bound, y) => {
    put("none-x.npy", writeNpy(hostTensor("f32", [8, 2], new Array<number>(16).fill(0.5))));
    // Half of the targets count: sooner or later a batch of two has none of them.
    put("none-y.npy", writeNpy(hostTensor("i32", [8], [1, 0, 1, 1, -1, -1, -1, -1])));
    put(
      "none.lmg",
      `model sparse {
  input x: f32[2, 2]
  fc: linear(2)
  output z: f32[2, 2]
  train {
    target y: i32[2]
    ${bound}
    loss (z, ${y}) -> cross_entropy(ignore: -1)
    optimizer sgd(lr: 0.1)
    epochs 40
  }
}
`,
    );
    const data = ["--data", "x=none-x.npy", "--data", "y=none-y.npy", "--validation", "0"];
    const { code, notes } = await lmg("train", "none.lmg", ...data, "-o", `runs/none-${y}`);
    expect(code).toBe(1);
    expect(notes).toMatch(
      /: the loss is NaN at step \d+: all targets of a batch are -1, which cross_entropy \(none\.lmg:8:\d+\) ignores: there is nothing to take the mean of\n/,
    );
    expect(notes).toMatch(
      /help: runs\/none-\w+ keeps .*; leave out the rows without any target that counts, or make the batches larger with --batch$/m,
    );
  },
);

test("what is missing or does not fit is said, with a way forward", async () => {
  const tiny = ["tiny.lmg", "--data", "text.txt", "-o", "never"];
  const mistakes: readonly (readonly [readonly string[], string])[] = [
    [["bare.lmg", "--data", "text.txt"], "error[E850]: bare.lmg: the model has no `train` section"],
    [["tiny.lmg"], "error[E751]: there is no data to train on\n  help: name a text with --data FILE"],
    [
      ["tiny.lmg", "--data", "none.txt"],
      "error[E700]: cannot read `none.txt`: there is no such file or folder",
    ],
    [
      [...tiny, "--dawn", "backend=vulkan"],
      "error[E822]: --dawn is for shaders, and there are none here\n  help: give --target wgsl too",
    ],
    [[...tiny, "--steps", "0"], "error[E804]: --steps expects a whole number from 1 to"],
    [[...tiny, "--steps", "3", "--epochs", "1"], "error[E804]: --steps and --epochs exclude each other"],
    [[...tiny, "--lr", "0"], "error[E804]: --lr expects a number above 0, found `0`"],
    [
      [...tiny, "--checkpoint-every", "soon"],
      "error[E804]: --checkpoint-every expects steps as 500 or seconds as 60s",
    ],
    [[...tiny, "--context", "9"], "error[E755]: a context of 9 tokens was asked for"],
    [
      [...tiny, "--tokenizer", "words"],
      "error[E741]: --tokenizer expects characters, bpe:SIZE or a tokenizer.json",
    ],
    [[...tiny, "--set", "vocab=5"], "error[E753]: text.txt:"],
    [
      [...tiny, "--validation", "0.5", "--validation", "text.txt"],
      "error[E804]: --validation takes one share or number",
    ],
    [
      ["tiny.lmg", "--data", "text.txt", "-o", "text.txt"],
      "error[E700]: cannot write `text.txt`: it is a file, and a run needs a folder",
    ],
  ];
  for (const [args, expected] of mistakes) {
    const { code, notes } = await lmg("train", ...args);
    expect(code, args.join(" ")).toBe(1);
    expect(notes).toContain(expected);
  }
  put("plain.lmg", model(["steps 3"]));
  expect((await lmg("train", "plain.lmg", "--data", "text.txt")).notes).toContain(
    "error[E851]: the `train` section has no optimizer\n  help: for example `optimizer adamw(lr: 1e-3)`",
  );
  put("endless.lmg", model(["optimizer sgd(lr: 1)"]));
  expect((await lmg("train", "endless.lmg", "--data", "text.txt")).notes).toContain(
    "error[E852]: nothing says how long to train",
  );
  expect(existsSync("never")).toBe(false);
});

test("a damaged checkpoint is said to be one, and is not written over", async () => {
  await train("tiny.lmg", "--data", "text.txt", "-o", "damaged");
  writeFileSync("damaged/checkpoint.safetensors", readFileSync("damaged/model.safetensors"));
  expect((await lmg("train", "tiny.lmg", "--data", "text.txt", "-o", "damaged")).notes).toContain(
    "error[E853]: damaged/checkpoint.safetensors is no checkpoint of a training",
  );
  writeFileSync("damaged/checkpoint.safetensors", "short");
  expect((await lmg("train", "tiny.lmg", "--data", "text.txt", "-o", "damaged")).notes).toContain(
    "error[E701]",
  );
  expect(readFileSync("damaged/checkpoint.safetensors", "utf8")).toBe("short");
});
