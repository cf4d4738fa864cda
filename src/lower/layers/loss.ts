import { defineLayer, float, optionalInt } from "./define.ts";

/** Losses and metrics, for the `train` section. */
export const lossLayers = {
  cross_entropy: defineLayer({
    doc: "mean of -log softmax(logits)[target] over rows whose target is not `ignore`; smoothing mixes in s / V of each class",
    operands: ["logits", "targets"],
    parameters: { smoothing: float(0), ignore: optionalInt() },
    owns: [],
    build: (site, [logits, targets], { smoothing, ignore }) =>
      site.emit("cross_entropy", { logits: logits!, targets: targets! }, { smoothing, ignore }),
  }),
  mean_squared_error: defineLayer({
    doc: "mean of (x - y)² over all elements",
    operands: ["x", "y"],
    parameters: {},
    owns: [],
    build: (site, [x, y]) => site.emit("mean_squared_error", { x: x!, y: y! }, {}),
  }),
  accuracy: defineLayer({
    doc: "share of the rows whose target is not `ignore` with the largest logit at the target",
    operands: ["logits", "targets"],
    parameters: { ignore: optionalInt() },
    owns: [],
    build: (site, [logits, targets], { ignore }) =>
      site.emit("accuracy", { logits: logits!, targets: targets! }, { ignore }),
  }),
} as const;
