import { expect, test } from "vitest";
import { Problem } from "../../src/checkpoint/problem.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import {
  identityDifferences,
  readTrainingCheckpoint,
  writeModelWeights,
  writeTrainingCheckpoint,
} from "../../src/train/checkpoint.ts";
import { interpreterEngine } from "../../src/train/interpreter-engine.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { typescriptEngine } from "../../src/train/typescript-engine.ts";
import { webassemblyEngine } from "../../src/train/webassembly-engine.ts";
import { classifier, trainingOf } from "./small.ts";

const identity = { seed: "7", batch: "4" };

/** The checkpoint's content; a problem fails the test. */
function opened(bytes: Uint8Array) {
  const checkpoint = readTrainingCheckpoint(bytes, "run.safetensors");
  if (checkpoint instanceof Problem) throw new Error(checkpoint.message);
  return checkpoint;
}

test.each([
  ["float32", typescriptEngine],
  ["WebAssembly's", webassemblyEngine(1)],
  ["float64", interpreterEngine],
] as const)(
  "a checkpoint gives back every bit of a %s state but the sums of gradients",
  async (_, engine) => {
    const training = trainingOf(classifier, { accumulate: 2 });
    const trainer = await Trainer.open(training, engine);
    await trainer.advance();
    const snapshot = await trainer.snapshot();
    const bytes = writeTrainingCheckpoint(snapshot, training.program, identity);
    const { step, identity: found, restore } = opened(bytes);
    expect([step, found]).toEqual([1, identity]);
    const kept = Object.entries(snapshot.state).filter(([name]) => !name.startsWith("accumulated."));
    expect(kept.length).toBeLessThan(Object.keys(snapshot.state).length);
    expect(restore(training.program)).toEqual({ step: 1, state: Object.fromEntries(kept) });
    // The bytes follow from the snapshot.
    expect(writeTrainingCheckpoint(snapshot, training.program, identity)).toEqual(bytes);
  },
);

test("the weights alone are parameters and running statistics in float32", async () => {
  const training = trainingOf(classifier);
  const trainer = await Trainer.open(training, interpreterEngine);
  const weights = readSafetensors(writeModelWeights(await trainer.snapshot(), training.program), "model");
  if (weights instanceof Problem) throw new Error(weights.message);
  expect([...weights.tensors.keys()].sort()).toEqual([
    ...["bn.bias", "bn.running_mean", "bn.running_var", "bn.weight", "fc0.weight", "fc1.bias", "fc1.weight"],
    ...["fc2.bias", "fc2.weight", "ln.bias", "ln.weight"],
  ]);
  expect(new Set([...weights.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["f32"]));
});

test("a checkpoint of another model is refused by name", async () => {
  const training = trainingOf(classifier);
  const trainer = await Trainer.open(training, typescriptEngine);
  const { restore } = opened(writeTrainingCheckpoint(await trainer.snapshot(), training.program, identity));
  const other = (from: string, to: string) => restore(trainingOf(classifier.replace(from, to)).program);
  expect(other("hidden = 8", "hidden = 4")).toMatchObject({
    message: "run.safetensors: `optimizer.first_moment.fc0.weight` has another shape",
  });
  expect(other("fc2: linear(3)", "head: linear(3)")).toMatchObject({
    message: "run.safetensors: `optimizer.first_moment.head.weight` is missing",
  });
});

test("what differs between runs is named, missing fields too", () => {
  const now = { seed: "8", batch: "4", clip: "1" };
  expect(identityDifferences(identity, now)).toEqual([
    { name: "seed", before: "7", now: "8" },
    { name: "clip", before: "none", now: "1" },
  ]);
  expect(identityDifferences(identity, now, ["seed", "clip"])).toEqual([]);
});
