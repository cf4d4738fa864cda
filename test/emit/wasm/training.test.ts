import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import type { Batches } from "../../../src/train/data/batches.ts";
import { Trainer } from "../../../src/train/trainer.ts";
import { webassemblyEngine } from "../../../src/train/webassembly-engine.ts";
import { trainingOf } from "../../train/small.ts";

const random = (name: string, shape: readonly number[], draw: (stream: RandomStream) => number) => {
  const stream = new RandomStream(3, name);
  const length = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length }, () => draw(stream));
};

const wholes = (name: string, shape: readonly number[], below: number): HostTensor =>
  hostTensor(
    "i32",
    shape,
    random(name, shape, (stream) => stream.below(below)),
  );

const floats = (name: string, shape: readonly number[]): HostTensor =>
  hostTensor(
    "f32",
    shape,
    random(name, shape, (stream) => Math.fround(stream.uniform())),
  );

const batches = (unit: Batches["unit"], at: (index: number) => Record<string, HostTensor>): Batches => ({
  description: "random",
  perEpoch: 100,
  validationBatches: 1,
  unit,
  size: 8,
  at,
  *validation() {
    yield { tensors: at(-1), weight: 1 };
  },
});

const example = (name: string): string => readFileSync(`examples/${name}.lmg`, "utf8");

/** The trainings of the examples as they are, on batches of some rows: parts of sums and shares of threads are many and odd. */
const trainings = {
  digits: trainingOf(
    example("digits"),
    {},
    batches("samples", (index) => ({
      image: floats(`image ${index}`, [13, 784]),
      label: wholes(`label ${index}`, [13], 10),
    })),
  ),
  chars: trainingOf(
    example("chars"),
    {},
    batches("tokens", (index) => ({
      tokens: wholes(`tokens ${index}`, [3, 37], 65),
      next: wholes(`next ${index}`, [3, 37], 65),
    })),
  ),
};

test.each(Object.entries(trainings))(
  "training %s has the same bits in any number of threads, evaluations too",
  async (_, training) => {
    const train = async (threads: number) => {
      const trainer = await Trainer.open(training, webassemblyEngine(threads));
      try {
        const reports = [await trainer.advance(), await trainer.advance()];
        return { reports, evaluated: await trainer.evaluate(), snapshot: await trainer.snapshot() };
      } finally {
        trainer.close();
      }
    };
    const alone = await train(1);
    expect(Object.values(alone.evaluated!).every(Number.isFinite)).toBe(true);
    for (const threads of [2, 3]) expect(await train(threads)).toEqual(alone);
  },
);
