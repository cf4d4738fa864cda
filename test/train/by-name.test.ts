import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32 } from "../../src/checkpoint/stored.ts";
import { writeInitialState } from "../../src/train/modules.ts";
import { interpreterEngine } from "../../src/train/interpreter-engine.ts";
import { typescriptEngine } from "../../src/train/typescript-engine.ts";
import { webassemblyEngine } from "../../src/train/webassembly-engine.ts";
import { beginningOf, Trainer } from "../../src/train/trainer.ts";
import type { EngineFactory, TrainingState } from "../../src/train/engine.ts";
import { classifier, trainingOf } from "./small.ts";

/** The classifier with more lines in its section, and without the clipping and the schedule that let parameters meet. */
const withLines = (...lines: string[]): string =>
  classifier.replace("clip 1.0", lines.join("\n    ")).replace(/schedule.*\n/, "");

async function stateAfter(text: string, steps: number, engine: EngineFactory = interpreterEngine) {
  const trainer = await Trainer.open(trainingOf(text), engine);
  try {
    while (trainer.step < steps) await trainer.advance();
    return (await trainer.snapshot()).state;
  } finally {
    trainer.close();
  }
}

/** How far a tensor moved in the first step. */
async function movedBy(text: string): Promise<Readonly<Record<string, number>>> {
  const before = beginningOf(trainingOf(text)).state;
  const after = await stateAfter(text, 1);
  return Object.fromEntries(
    Object.entries(before).map(([name, { data }]) => [
      name,
      Math.hypot(...after[name]!.data.map((element, index) => element - data[index]!)),
    ]),
  );
}

const norms = ({ shape, data }: TrainingState[string]): readonly number[] => {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, row) =>
    Math.hypot(...data.slice(row * width, (row + 1) * width)),
  );
};

describe("lines of parameters by name", () => {
  test("a rate is a share of the schedule's, for what matches alone", async () => {
    const [plain, scaled] = await Promise.all([
      movedBy(withLines('decay "*" 0.0')),
      movedBy(withLines('decay "*" 0.0', 'rate "fc1.*" 1 / 4')),
    ]);
    for (const name of ["fc1.weight", "fc1.bias"]) expect(scaled[name]! / plain[name]!).toBeCloseTo(0.25, 12);
    for (const name of ["fc0.weight", "ln.weight", "fc2.bias"]) expect(scaled[name]).toBe(plain[name]);
  });

  test("a decay stands in the place of the optimizer's, on gains and biases too", async () => {
    const text = withLines('decay "fc1.*" 3.0', 'decay "fc2.weight" 0.0').replace("lr: 1e-2", "lr: 1e-4");
    const [free, after] = await Promise.all([
      stateAfter(text.replace(/decay "fc1.*\n/, 'decay "*" 0.0\n').replace(/decay "fc2.*\n/, "\n"), 1),
      stateAfter(text, 1),
    ]);
    const before = beginningOf(trainingOf(text)).state;
    // Loshchilov and Hutter 2019: what decay takes is rate · decay · w, whatever the gradient is.
    const taken = (name: string): number[] =>
      [...after[name]!.data].map((element, index) => free[name]!.data[index]! - element);
    for (const [name, decay] of [
      ["fc1.weight", 3],
      ["fc1.bias", 3],
      ["fc0.weight", 0.1],
      ["fc2.weight", 0],
    ] as const)
      taken(name).forEach((part, index) =>
        expect(Math.abs(part - 1e-4 * decay * before[name]!.data[index]!)).toBeLessThan(1e-12),
      );
  });

  test("eps is added for what matches alone", async () => {
    const [plain, large] = await Promise.all([
      movedBy(withLines()),
      movedBy(withLines('eps "fc2.weight" 1e3')),
    ]);
    expect(large["fc2.weight"]! / plain["fc2.weight"]!).toBeLessThan(0.2);
    expect(large["fc1.weight"]).toBe(plain["fc1.weight"]);
  });

  test("the last line that speaks of a parameter counts", async () => {
    const one = await movedBy(withLines('rate "*" 2', 'rate "fc1.*" 0.5'));
    expect(one).toEqual(
      await movedBy(withLines('rate "fc1.*" 0.5', 'rate "fc2.*", "*bn*" 2', 'rate "fc0*" 2', 'rate "ln*" 2')),
    );
  });

  const engines: Readonly<Record<string, EngineFactory>> = {
    ts: typescriptEngine,
    wasm: webassemblyEngine(1),
  };
  const all = ['rate "fc1.*" 0.25', 'eps "fc2.*" 1e-3', 'decay "fc0*" 0.5', 'after step l2norm "fc*.weight"'];

  test.each(Object.keys(engines))("are computed alike by %s", async (name) => {
    const [exact, found] = await Promise.all([
      stateAfter(withLines(...all), 4),
      stateAfter(withLines(...all), 4, engines[name]),
    ]);
    for (const [tensor, { data }] of Object.entries(exact))
      // Four steps in float32; Adam divides by the root of its second moment, which magnifies what rounding leaves.
      data.forEach((element, index) =>
        expect(Math.abs(element - found[tensor]!.data[index]!), tensor).toBeLessThan(2e-4),
      );
  });
});

describe("after step", () => {
  const text = withLines('after step l2norm "fc1.weight", "fc2.weight"');

  test("rows are of unit length before the first step and after each", async () => {
    for (const steps of [0, 1, 3]) {
      const state = await stateAfter(text, steps);
      for (const name of ["fc1.weight", "fc2.weight"])
        // The state of the interpreter begins in float32.
        for (const norm of norms(state[name]!)) expect(Math.abs(norm - 1)).toBeLessThan(1e-7);
      expect(Math.max(...norms(state["fc0.weight"]!))).toBeGreaterThan(0);
      expect(Math.abs(norms(state["fc0.weight"]!)[0]! - 1)).toBeGreaterThan(1e-3);
    }
  });

  test("a state that is written for a compiled training is the one that a training begins with", () => {
    const { program, settings } = trainingOf(text);
    const bytes = writeInitialState(program, settings.seed, settings.after);
    const { tensors } = orThrow(readSafetensors(bytes, "state"));
    const { state } = beginningOf({ program, settings });
    for (const [name, { data }] of Object.entries(state)) expect(toFloat32(tensors.get(name)!)).toEqual(data);
  });

  test("what it makes of a weight is that of the weight as it has moved", async () => {
    const line = 'rate "fc0.weight" 0.5';
    const normed = await stateAfter(withLines(line, 'after step unit_columns "fc0.weight"') + unitColumns, 1);
    // The model normalizes nothing at first: the same weights, moved by one step, then normalized here.
    const { shape, data } = normed["fc0.weight"]!;
    const [rows, columns] = shape as [number, number];
    for (let column = 0; column < columns; column++) {
      const of = Array.from({ length: rows }, (_, row) => data[row * columns + column]!);
      expect(Math.abs(Math.hypot(...of) - 1)).toBeLessThan(1e-12);
    }
  });
});

const unitColumns = `
block unit_columns { input w: [N, K]; permute([1, 0]) -> l2norm -> permute([1, 0]) }
`;
