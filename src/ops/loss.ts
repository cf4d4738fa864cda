import { float, optionalInt } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { inferClassLoss, inferMeanSquaredError } from "./infer/linear.ts";
import { evaluateAccuracy, evaluateCrossEntropy, evaluateMeanSquaredError } from "./evaluate/loss.ts";
import { perElement, softmaxFlops } from "./flops.ts";

/** Losses and metrics: scalars, means over the rows that count. */
export const lossOps = {
  cross_entropy: defineOp({
    stage: "core",
    kernel: "any",
    doc:
      "mean of -log softmax(logits)[target] over rows whose target is not `ignore`; smoothing s mixes in s / V of every " +
      "class (Szegedy et al. 2016), as torch.nn.functional.cross_entropy",
    operands: { logits: "one", targets: "one" },
    attrs: { smoothing: float(0), ignore: optionalInt() },
    results: ["out"],
    infer: ({ logits, targets }) => inferClassLoss(logits, targets),
    evaluate: ({ logits, targets }, attrs) => [evaluateCrossEntropy(logits, targets, attrs)],
    flops: ({ logits }) => perElement(logits, softmaxFlops),
  }),
  mean_squared_error: defineOp({
    stage: "core",
    kernel: "any",
    doc: "mean of (x - y)² over all elements",
    operands: { x: "one", y: "one" },
    attrs: {},
    results: ["out"],
    infer: ({ x, y }) => inferMeanSquaredError(x, y),
    evaluate: ({ x, y }) => [evaluateMeanSquaredError(x, y)],
    flops: ({ x }) => perElement(x, 3),
  }),
  accuracy: defineOp({
    stage: "core",
    kernel: "any",
    doc: "share of the rows whose target is not `ignore` with the largest logit (of equal ones the first) at the target",
    operands: { logits: "one", targets: "one" },
    attrs: { ignore: optionalInt() },
    results: ["out"],
    infer: ({ logits, targets }) => inferClassLoss(logits, targets),
    evaluate: ({ logits, targets }, { ignore }) => [evaluateAccuracy(logits, targets, ignore)],
  }),
} as const;
