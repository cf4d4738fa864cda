import { bool, float, int } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { evaluateBatchStatistics, evaluateDropout } from "./evaluate/training.ts";
import { perElement } from "./flops.ts";
import { inferBatchStatistics, inferDropout } from "./infer/training.ts";

/** Adds, rotations and xors of Threefry-2x32 with 20 rounds, and the comparison. */
const dropoutFlops = 100;

/** Ops that only a training graph has. */
export const trainingOps = {
  dropout: defineOp({
    stage: "core",
    kernel: "training",
    doc:
      "zeros a share of the elements and divides the rest by 1 - rate (Srivastava et al. 2014): element i of the layer " +
      "`stream` stays where threefry2x32(key: seed, stream; counter: i, step) is at least rate · 2^32, key = (seed, " +
      "step). Without a key x as it is",
    operands: { x: "one", key: "optional" },
    attrs: { rate: float(), stream: int(0) },
    results: ["out"],
    infer: ({ x, key }, { rate }) => inferDropout(x, key, rate),
    evaluate: ({ x, key }, attrs) => [evaluateDropout(x, key, attrs)],
    flops: ({ x }) => perElement(x, dropoutFlops),
  }),
  batch_statistics: defineOp({
    stage: "core",
    kernel: "training",
    doc:
      "mean and biased variance of each channel of one axis over all other axes, and the running statistics moved " +
      "toward them: (1 - momentum) · running + momentum · batch; unbiased moves the variance toward n / (n - 1) times " +
      "the batch's, as torch.nn.BatchNorm does and Keras does not",
    operands: { x: "one", running_mean: "one", running_variance: "one" },
    attrs: { axis: int(1), momentum: float(0.1), unbiased: bool(true) },
    results: ["mean", "variance", "next_mean", "next_variance"],
    infer: ({ x, ...running }, attrs) => inferBatchStatistics(x, running, attrs),
    evaluate: (operands, attrs) => evaluateBatchStatistics(operands, attrs),
    flops: ({ x }) => perElement(x, 4),
  }),
} as const;
