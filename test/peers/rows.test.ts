import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { safetensorsCheckpoint } from "../../src/run/weights.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { enginesOf } from "../bench/cpu/engines.ts";
import { measureFirst } from "../bench/cpu/first.ts";
import type { Model, Row } from "../bench/cpu/job.ts";
import { measureRow, openRacers, readResult } from "../bench/cpu/measure.ts";
import { randomWeights } from "../bench/cpu/models.ts";
import { differenceOf } from "../bench/cpu/parity.ts";
import { writeModel, writeRun, type ModelFiles, type RunFiles } from "../bench/cpu/prepare.ts";
import { modelOf } from "../lower/support.ts";

/** The small language model of the examples, smaller still. */
const settings = { depth: 2, dim: 8, heads: 2, ctx: 8, vocab: 5 };
const { graph } = modelOf(readFileSync("examples/chars.lmg", "utf8"), { settings });
const model: Model = { graph, weights: () => randomWeights(graph) };
const sizes = { B: 2, T: 7 };
const row: Row = { name: "chars", from: "model", runs: [{ model: 0, sizes }], calls: 1 };

/** lmg in one thread and in two; peers are no part of a clone. */
const engines = enginesOf({ kernels: ["wasm"], threads: [1, 2] }).filter(({ name }) => name === "lmg wasm");

const folder = mkdtempSync(join(tmpdir(), "lmg-rows-"));
let files: ModelFiles;
let run: RunFiles;

const leftOut = (_: unknown, reason: string): never => {
  throw new Error(reason);
};

/** The logits in float64, of the inputs and weights that the processes are given. */
function expected(): Float32Array {
  const read = (path: string) =>
    Object.fromEntries(
      [...orThrow(safetensorsCheckpoint(readFileSync(path), path)).tensors].map(([name, tensor]) => [
        name,
        orThrow(toHostTensor(tensor.read(), name)),
      ]),
    );
  const { tokens } = read(run.file);
  const outputs = interpret(graph, {
    inputs: { tokens: hostTensor("i32", tokens!.shape, tokens!.data) },
    parameters: read(files.weights),
  });
  return Float32Array.from(outputs[run.output]!.data);
}

beforeAll(async () => {
  files = await writeModel(model, ["wasm"], join(folder, "model"));
  run = writeRun(model, { model: 0, sizes }, join(folder, "run.safetensors"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("a row is what the interpreter computes, in processes of one thread and of two", async () => {
  const racers = await openRacers(process.execPath, engines, [{ files, first: run }], leftOut);
  const measured = await measureRow(row, [run], racers, { rounds: 3, ms: 1 }, folder, leftOut);
  for (const { child } of racers) child.close();
  expect(measured.map(({ engine, difference }) => [engine.threads, difference])).toEqual([
    [1, 0],
    [2, 0],
  ]);
  expect(measured.map(({ times }) => times.filter(({ ms, cpu }) => ms > 0 && cpu! > 0).length)).toEqual([
    3, 3,
  ]);
  // Two layers of float32.
  expect(differenceOf(expected(), readResult(join(folder, "result.bin")))).toBeLessThan(1e-6);
});

test("so is the first output of a process, which tells what it took", async () => {
  const measured = await measureFirst(process.execPath, engines, files, run, { rounds: 1 }, folder, leftOut);
  expect(measured.map(({ times }) => times.map(({ ms, cpu }) => ms > 0 && cpu! > 0))).toEqual([
    [true],
    [true],
  ]);
  expect(differenceOf(expected(), readResult(join(folder, "first.bin")))).toBeLessThan(1e-6);
});
