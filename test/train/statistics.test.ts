import { expect, test } from "vitest";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { emitWgsl } from "../../src/emit/wgsl/emit.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { interpreterEngine } from "../../src/train/interpreter-engine.ts";
import { beginningOf } from "../../src/train/trainer.ts";
import { typescriptEngine } from "../../src/train/typescript-engine.ts";
import { webassemblyEngine } from "../../src/train/webassembly-engine.ts";
import { classifier, trainingOf } from "./small.ts";

const rate = { "optimizer.learning_rate": hostTensor("f32", [], [0.1]) };
const corrections = {
  "optimizer.first_correction": hostTensor("f32", [], [0.1]),
  "optimizer.second_correction": hostTensor("f32", [], [0.1]),
  "optimizer.random": hostTensor("i32", [2], [1, 1]),
};

const wanted = /^batch_statistics bn \(model\.lmg:4:\d+\): expected more than one value a channel/;

test.each([
  ["typescript", typescriptEngine],
  ["webassembly", webassemblyEngine(1)],
  ["interpreter", interpreterEngine],
] as const)("the statistics of a batch of one row are refused with their line: %s", async (_, engine) => {
  const training = trainingOf(classifier);
  const open = await engine(training.program, beginningOf(training).state);
  const rows = (count: number) => ({
    x: randomTensor([count, 6], new RandomStream(1, "x")),
    y: hostTensor("i32", [count], new Array<number>(count).fill(1)),
    ...rate,
    ...corrections,
  });
  const before = await open.readState();
  const run = async (count: number) => open.run("update", rows(count));
  await expect(run(1)).rejects.toThrow(wanted);
  expect(await open.readState()).toEqual(before);
  // As it is used a batch norm takes one row.
  const { x, y } = rows(1);
  expect(Number.isFinite((await open.run("evaluate", { x, y }))["loss"])).toBe(true);
  expect(Number.isFinite((await run(2))["loss"])).toBe(true);
});

test("emitted modules of both targets check the sizes before anything runs", () => {
  const { plan } = trainingOf(classifier).program;
  for (const { files } of [emitTypeScript(plan), emitWgsl(plan)])
    expect(files[0]!.text).toMatch(
      /if \((d\.)?B < 2\) throw new InputError\("batch_statistics bn \(model\.lmg:4:/,
    );
});

test("a batch of one value by the model's own types is a mistake of the model", () => {
  const text = classifier.replaceAll("[B", "[1");
  const { diagnostics } = lower(parse({ name: "model.lmg", text }).file, { training: true });
  expect(diagnostics.map((each) => showDiagnostic(each)).join("\n")).toMatch(
    /model\.lmg:4:\d+: error\[E\d+\]: `batchnorm`.*more than one value a channel.* f32\[1, 8\] has one/,
  );
});
