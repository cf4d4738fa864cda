import { describe, expect, test } from "vitest";
import { interpreterEngine } from "../../src/train/interpreter-engine.ts";
import { Trainer, type StepReport } from "../../src/train/trainer.ts";
import { typescriptEngine } from "../../src/train/typescript-engine.ts";
import { webassemblyEngine } from "../../src/train/webassembly-engine.ts";
import { classifier, trainingOf } from "./small.ts";

async function advance(trainer: Trainer, count: number): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (let step = 0; step < count; step++) reports.push(await trainer.advance());
  return reports;
}

const emitted = { typescript: typescriptEngine, webassembly: webassemblyEngine(2) };
const engines = { ...emitted, interpreter: interpreterEngine };

describe.each(Object.entries(engines))("%s", (_, engine) => {
  test.each([1, 3])(
    "a training that was put down goes on with the same bits, %d micro-steps",
    async (accumulate) => {
      const training = trainingOf(classifier, { accumulate });
      const whole = await Trainer.open(training, engine);
      const expected = await advance(whole, 8);

      const first = await Trainer.open(training, engine);
      const before = await advance(first, 5);
      const snapshot = await first.snapshot();
      await advance(first, 2);
      const second = await Trainer.open(training, engine, snapshot);
      expect([...before, ...(await advance(second, 3))]).toEqual(expected);
      expect(await second.snapshot()).toEqual(await whole.snapshot());

      await first.restore(snapshot);
      expect(await advance(first, 3)).toEqual(expected.slice(5));
      for (const trainer of [whole, first, second]) trainer.close();
    },
  );
});

test.each(Object.entries(emitted))(
  "steps of %s follow the interpreter, evaluations too",
  async (_, engine) => {
    const training = trainingOf(classifier, { accumulate: 2 });
    const [emitted, interpreted] = [
      await Trainer.open(training, engine),
      await Trainer.open(training, interpreterEngine),
    ];
    const reports = await advance(emitted, 10);
    for (const [index, expected] of (await advance(interpreted, 10)).entries()) {
      // Float32 against float64: 1e-7 a step, and Adam follows the sign of gradients that are near zero.
      expect(Math.abs(reports[index]!.measures["loss"]! - expected.measures["loss"]!)).toBeLessThan(1e-5);
      expect(Math.abs(reports[index]!.gradientNorm - expected.gradientNorm)).toBeLessThan(1e-4);
      expect(reports[index]!.rate).toBe(expected.rate);
    }
    const [one, other] = [await emitted.evaluate(), await interpreted.evaluate()];
    expect(Object.keys(one!)).toEqual(["loss", "accuracy"]);
    expect(one!["loss"]).toBeCloseTo(other!["loss"]!, 4);
    expect(one!["accuracy"]).toBe(other!["accuracy"]);
    emitted.close();
  },
);
