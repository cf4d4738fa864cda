import { describe, expect, test } from "vitest";
import type { EngineFactory } from "../../src/train/engine.ts";
import { interpreterEngine } from "../../src/train/interpreter-engine.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { typescriptEngine } from "../../src/train/typescript-engine.ts";
import { webassemblyEngine } from "../../src/train/webassembly-engine.ts";
import { accumulateCases, largeBatch, smallBatches, trainingOn } from "./accumulated.ts";

/**
 * The interpreter is float64, as PyTorch was; final parameters are stored as float32. Float32 rounds to 6e-8, which three
 * updates at rates up to 0.5 and gradients up to 2 make some times larger; Lion steps by signs of sums that are not near 0.
 */
const engines: readonly (readonly [string, EngineFactory, number])[] = [
  ["interpreter", interpreterEngine, 2e-7],
  ["typescript", typescriptEngine, 2e-6],
  ["webassembly", webassemblyEngine(1), 2e-6],
];

describe.each(engines)("%s", (_, engine, tolerance) => {
  test.each(accumulateCases)(
    "small batches of unequal rows and targets make PyTorch's update on the large one: %s",
    async (_, found) => {
      for (const batches of [smallBatches, largeBatch]) {
        const trainer = await Trainer.open(...trainingOn(found, batches, engine));
        for (const [update, loss] of found.losses.entries()) {
          const report = await trainer.advance();
          expect(Math.abs(report.measures["loss"]! - loss), "loss").toBeLessThan(10 * tolerance);
          expect(Math.abs(report.measures["accuracy"]! - found.accuracies[update]!)).toBeLessThan(1e-6);
          expect(Math.abs(report.gradientNorm - found.gradientNorms[update]!)).toBeLessThan(10 * tolerance);
          expect(report.units).toBe(6);
        }
        const { state } = await trainer.snapshot();
        for (const [name, expected] of Object.entries(found.final))
          expected.forEach((value, i) => {
            expect(Math.abs(state[name]!.data[i]! - value), `${name}[${i}]`).toBeLessThan(tolerance);
          });
        trainer.close();
      }
    },
  );
});

test("an evaluation in unequal batches has the measures of one batch of all rows", async () => {
  for (const [name, found] of accumulateCases) {
    const evaluate = async (batches: typeof smallBatches) => {
      const trainer = await Trainer.open(...trainingOn(found, batches, interpreterEngine));
      return await trainer.evaluate();
    };
    const [small, large] = [await evaluate(smallBatches), await evaluate(largeBatch)];
    expect(Object.keys(small!)).toEqual(["loss", "accuracy"]);
    for (const [measure, value] of Object.entries(large!))
      expect(small![measure], `${name}: ${measure}`).toBeCloseTo(value, 12);
  }
});
