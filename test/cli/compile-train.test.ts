import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { parse } from "../../src/language/parse.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import type { TrainingState } from "../../src/train/engine.ts";
import { interpreterEngine } from "../../src/train/interpreter-engine.ts";
import { lowerForTraining, trainingProgram, type PartName } from "../../src/train/program.ts";
import { settingsOf, stepOptionsOf } from "../../src/train/settings.ts";
import { inFolder, lmg, mistake, output } from "./harness.ts";

const model = `model rows(dim = 6) {
  input x: f32[B, dim]
  repeat 2 checkpoint as h { residual pre ln: layernorm { fc: linear(dim) -> gelu -> dropout(0.2) } }
  bn: batchnorm
  output y: f32[B, dim]
  train {
    target t: f32[B, dim]
    loss (y, t) -> mean_squared_error
    optimizer adamw(lr: 1e-2, betas: [0.9, 0.98])
    accumulate 2
    clip 1.0
  }
}
`;

inFolder({ "rows.lmg": model });

interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

type Run = (inputs: Readonly<Record<string, Tensor>>) => Later<Readonly<Record<string, Tensor>>>;

/** Kernels in WebAssembly answer later, those in TypeScript at once. */
type Later<T> = T | Promise<T>;

/** What the emitted module has, as its comments say it. */
interface Emitted {
  readonly loadSafetensors: (bytes: Uint8Array) => Later<
    Readonly<Record<PartName, Run>> & {
      readonly readState: () => Later<Readonly<Record<string, Tensor>>>;
      readonly writeState: (state: Readonly<Record<string, Tensor>>) => Later<void>;
    }
  >;
}

/** The interpreter on the state that was written. */
async function oracle() {
  const { file } = parse({ name: "rows.lmg", text: model });
  const { train, training, evaluation } = lowerForTraining(file, {}).model!;
  const settings = settingsOf(train, { perEpoch: 1 }, { steps: 1 });
  if (settings instanceof Problem) throw new Error(settings.message);
  const { program } = trainingProgram({ train, training, evaluation }, stepOptionsOf(settings));
  const stored = readSafetensors(readFileSync("out/rows_state.safetensors"), "state");
  if (stored instanceof Problem) throw new Error(stored.message);
  const state = [...stored.tensors].map(([name, tensor]) => {
    const read = toHostTensor(tensor, name);
    if (read instanceof Problem) throw new Error(read.message);
    return [name, { shape: read.shape, data: Float32Array.from(read.data) }];
  });
  return interpreterEngine(program!, Object.fromEntries(state) as TrainingState);
}

const SEED = 5;

/** What the comment of the module says that `update` takes. */
const scalarsAt = (t: number, run: number): Record<string, HostTensor> => ({
  "optimizer.learning_rate": hostTensor("f32", [], [1e-2]),
  "optimizer.first_correction": hostTensor("f32", [], [1 - 0.9 ** (t + 1)]),
  "optimizer.second_correction": hostTensor("f32", [], [Math.sqrt(1 - 0.98 ** (t + 1))]),
  "optimizer.random": hostTensor("i32", [2], [SEED, run]),
});

const random = new RandomStream(3, "rows");
const batch = (): Record<string, HostTensor> => ({
  x: randomTensor([4, 6], random),
  t: randomTensor([4, 6], random),
});

test.each(["wasm", "ts"])(
  "`compile --train` writes a module with kernels in %s that trains as the interpreter does, driven as its comments say",
  async (kernels) => {
    const args = ["compile", "rows.lmg", "--train", "--target", "js", "--seed", "1", "-o", "out"];
    args.push("--kernels", kernels);
    const said = await output(...args);
    expect(said.replaceAll(/\([\d.]+ kB/g, "(N kB").replaceAll(/\d+ steps/g, "N steps")).toBe(
      ["wrote out/rows_training.js (N kB, N steps)", "wrote out/rows_state.safetensors (N kB)\n"].join("\n"),
    );
    const module = (await import(`${pathToFileURL("out/rows_training.js").href}?${kernels}`)) as Emitted;
    const model = await module.loadSafetensors(readFileSync("out/rows_state.safetensors"));
    const expected = await oracle();
    const both = async (part: PartName, inputs: Record<string, HostTensor>): Promise<number> => {
      const { loss } = await expected.run(part, inputs);
      const found = (await model[part](inputs))["loss"]!.data[0]!;
      // Rows of six in float32: a few roundings of 6e-8 each, which three steps of Adam at 1e-2 do not make much larger.
      expect(Math.abs(found - loss!), part).toBeLessThan(1e-5);
      return found;
    };
    const validation = batch();
    const before = await both("evaluate", validation);
    for (let t = 0; t < 3; t++) {
      const { "optimizer.random": key } = scalarsAt(t, 2 * t);
      await both("accumulate", { ...batch(), "optimizer.random": key! });
      await both("update", { ...batch(), ...scalarsAt(t, 2 * t + 1) });
    }
    const after = await both("evaluate", validation);
    expect(after).not.toBe(before);
    const reached = await expected.readState();
    const found = await model.readState();
    expect(Object.keys(found).sort()).toEqual(Object.keys(reached).sort());
    const differences = Object.entries(found).map(([name, { data }]) =>
      Math.max(...Array.from(data, (x, i) => Math.abs(x - reached[name]!.data[i]!))),
    );
    expect(differences.length).toBeGreaterThan(20);
    expect(Math.max(...differences)).toBeLessThan(1e-5);
    // What was read is a copy, and goes back: the same step once more gives the same bits.
    const step = { ...batch(), ...scalarsAt(3, 6) };
    const first = (await model.update(step))["loss"]!.data[0]!;
    expect(await model.readState()).not.toEqual(found);
    await model.writeState(found);
    expect(await model.readState()).toEqual(found);
    expect((await model.update(step))["loss"]!.data[0]!).toBe(first);
  },
);

test("the typed module says how it is driven", async () => {
  await output("compile", "rows.lmg", "--train", "-o", "typed");
  const [head] = readFileSync("typed/rows_training.ts", "utf8").split("\n\n");
  const shown = head!.replaceAll(/[\d,]+ (?=parameters|tensors|steps|kernels)/g, "N ");
  expect(`\n${shown}\n`).toMatchInlineSnapshot(`
    "
    // rows_training, from rows.lmg, as WebAssembly: written by lmg. Change the model, not this file.
    //
    // 493 numbers of state in N tensors, update: N steps, accumulate: N steps, evaluate: N steps, N kernels.
    // Sizes that the inputs bring: B.
    //
    // \`update\` is the last of up to 2 micro-steps, and moves the parameters as one batch of all their rows would: it
    // follows up to 1 run of \`accumulate\` on other batches, which may be of other sizes.
    // Beside the data it takes, for update t = 0, 1, 2, …
    //   optimizer.random             [seed, number of the run, counted over all functions]: what dropout draws from
    //   optimizer.learning_rate      the learning rate
    //   optimizer.first_correction   1 - 0.9 ** (t + 1)
    //   optimizer.second_correction  Math.sqrt(1 - 0.98 ** (t + 1))
    //
    // \`accumulate\` is a micro-step, up to 1 before each update: it adds the gradients of a batch to their sums, each
    // weighed by what the loss is a mean of.
    // Beside the data it takes
    //   optimizer.random  [seed, number of the run, counted over all functions]: what dropout draws from
    //
    // \`evaluate\` gives loss and metrics of the model as it is used: nothing is dropped, batch norms take their running
    // statistics.
    //
    // The tensors of \`parameters\` are the whole state: the model's own, and those beside them that begin as zeros (their
    // names begin with \`optimizer.\` and \`accumulated.\`). \`lmg compile FILE --train --seed N\` writes a state to begin with;
    // readState and writeState save it and go back to it.
    "
  `);
});

test("`compile --train` for WebGPU writes one module too, whose functions share what is on the device", async () => {
  const said = await output("compile", "rows.lmg", "--train", "--target", "wgsl", "-o", "device");
  expect(said).toMatch(/^wrote device\/rows_training\.wgsl\.ts \([\d.]+ kB, \d+ steps\)\n$/);
  const text = readFileSync("device/rows_training.wgsl.ts", "utf8");
  for (const part of ["Update", "Accumulate", "Evaluate"])
    expect(text).toContain(
      `readonly ${part.toLowerCase()}: (inputs: ${part}Inputs) => Promise<${part}Outputs>;`,
    );
  expect(text).toContain("// `update` is the last of up to 2 micro-steps");
});

test("`compile --seed` is for a training", async () => {
  expect(await mistake("compile", "rows.lmg", "--seed", "1")).toMatchInlineSnapshot(`
    "error[E821]: --seed draws a state to train from
      help: give --train too"
  `);
  expect(await mistake("compile", "rows.lmg", "--train", "--seed", "-1")).toContain("--seed expects");
});

test("`ir --train` and `plan --train` list the training step, fused or not, and check the passes on it", async () => {
  const lowered = await output("ir", "rows.lmg", "--train", "--after", "lower");
  expect(lowered).toContain("graph rows_train_update {");
  expect(lowered).toMatch(/= recompute\(.* phase recompute/);
  const count = async (...more: string[]): Promise<number> =>
    Number(/: (\d+) steps/.exec(await output("plan", "rows.lmg", "--train", ...more))![1]);
  expect(await count()).toBeLessThan(await count("--no-fuse"));
  expect(await output("plan", "rows.lmg", "--train", "--target", "wgsl")).toContain("fused");
  const { notes } = await lmg("plan", "rows.lmg", "--train", "--check-passes");
  expect(notes).toBe(
    "every pass keeps what the model computes, on random and on hard inputs; no step of the plan writes what is still to be read\n",
  );
});
