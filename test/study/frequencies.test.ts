import { expect, test } from "vitest";
import { frequencyLoss } from "../../src/study/frequencies.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import type { Batches } from "../../src/train/data/batches.ts";

const batchesOf = (training: readonly number[], validation: readonly number[]): Batches => ({
  description: "ids",
  perEpoch: 1,
  unit: "samples",
  size: training.length,
  at: () => ({ y: hostTensor("i32", [training.length], training) }),
  validationBatches: 1,
  validation: () => [{ tensors: { y: hostTensor("i32", [validation.length], validation) }, weight: 1 }],
});

test("the loss of frequencies is the cross-entropy of counts, each class counted once more", () => {
  // 0 thrice, 1 once, 2 never: (4, 2, 1) of 7.
  const loss = frequencyLoss(batchesOf([0, 0, 0, 1], [0, 1, 2]), {
    target: "y",
    classes: 3,
    ignore: undefined,
  });
  expect(loss).toBeCloseTo(-(Math.log(4 / 7) + Math.log(2 / 7) + Math.log(1 / 7)) / 3, 12);
});

test("targets that the loss ignores count for nothing", () => {
  const loss = frequencyLoss(batchesOf([0, -100, 1], [-100, 0]), { target: "y", classes: 2, ignore: -100 });
  expect(loss).toBeCloseTo(-Math.log(2 / 4), 12);
  expect(frequencyLoss(batchesOf([0], []), { target: "y", classes: 2, ignore: undefined })).toBeUndefined();
});
