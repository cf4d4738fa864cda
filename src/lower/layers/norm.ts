import type { Value } from "../../ir/graph.ts";
import { constantInit, defineLayer, flag, float, initOf, shape, word, type Site } from "./define.ts";
import { knownSize, needDropoutRate, needRank } from "./shapes-of.ts";

/** 1 + weight, which is made once as the weights are loaded. */
const plusOne = (site: Site, weight: Value): Value =>
  site.emit(
    "add",
    { x: weight, y: site.emit("full", {}, { dtype: weight.type.dtype, shape: [], value: 1 }) },
    {},
  );

/** Norms, and the learned gains and offsets that stand beside them. */
export const normLayers = {
  layernorm: defineLayer({
    doc:
      "(x - mean) / √(var + eps) · weight + bias over the last axis (Ba et al. 2016); affine: false leaves both off; " +
      "unit_offset multiplies by 1 + weight (Nemotron)",
    operands: ["x"],
    parameters: { eps: float(1e-5), affine: flag(true), bias: flag(true), unit_offset: flag(false) },
    owns: ["weight", "bias"],
    build: (site, [x], { eps, affine, bias, unit_offset }) => {
      const width = knownSize(site, x!, -1);
      const init = constantInit(unit_offset ? 0 : 1);
      const owned = affine ? site.own("weight", [width], { init }) : undefined;
      const offset = affine && bias ? site.own("bias", [width], { init: constantInit(0) }) : undefined;
      const weight = owned !== undefined && unit_offset ? plusOne(site, owned) : owned;
      return site.emit("layer_norm", { x: x!, weight, bias: offset }, { eps });
    },
  }),
  rmsnorm: defineLayer({
    doc:
      "x / √(mean(x²) + eps) · weight over the last axis (Zhang and Sennrich 2019); unit_offset multiplies by 1 + weight " +
      "(Gemma); cast: whether a half-precision result is rounded before or after the weight",
    operands: ["x"],
    parameters: {
      eps: float(1e-6),
      affine: flag(true),
      bias: flag(false),
      unit_offset: flag(false),
      cast: word(["before", "after"], "before"),
    },
    owns: ["weight", "bias"],
    build: (site, [x], { eps, affine, bias, unit_offset, cast }) => {
      const width = knownSize(site, x!, -1);
      const init = constantInit(unit_offset ? 0 : 1);
      const weight = affine ? site.own("weight", [width], { init }) : undefined;
      const offset = affine && bias ? site.own("bias", [width], { init: constantInit(0) }) : undefined;
      return site.emit(
        "rms_norm",
        { x: x!, weight, bias: offset },
        { eps, unit_offset: unit_offset && affine, cast },
      );
    },
  }),
  l2norm: defineLayer({
    doc: "x / max(√Σx², eps) over the last axis",
    operands: ["x"],
    parameters: { eps: float(1e-12) },
    owns: [],
    build: (site, [x], { eps }) => site.emit("l2_norm", { x: x! }, { eps }),
  }),
  batchnorm: defineLayer({
    doc:
      "(x - mean) / √(var + eps) · weight + bias for each channel of axis 1 (Ioffe and Szegedy 2015), with the running " +
      "statistics, or with those of the batch in the training graph, which also moves the running ones by the share " +
      "momentum toward them, the variance toward the unbiased one, as PyTorch does; Keras: momentum 0.01, eps 1e-3, " +
      "unbiased: false",
    operands: ["x"],
    parameters: { eps: float(1e-5), momentum: float(0.1), unbiased: flag(true), affine: flag(true) },
    owns: ["weight", "bias", "running_mean", "running_var"],
    build: (site, [x], { eps, momentum, unbiased, affine }) => {
      needRank(site, x!, 2, "[B, C, ..]");
      const width = knownSize(site, x!, 1);
      const weight = affine ? site.own("weight", [width], { init: constantInit(1) }) : undefined;
      const bias = affine ? site.own("bias", [width], { init: constantInit(0) }) : undefined;
      const runningMean = site.own("running_mean", [width], { init: constantInit(0), trainable: false });
      const runningVariance = site.own("running_var", [width], { init: constantInit(1), trainable: false });
      const [mean, variance] = site.training
        ? site.emitAll(
            "batch_statistics",
            { x: x!, running_mean: runningMean, running_variance: runningVariance },
            { momentum, unbiased },
          )
        : [runningMean, runningVariance];
      return site.emit(
        "batch_norm",
        { x: x!, mean: mean!, variance: variance!, weight, bias },
        { eps, axis: 1 },
      );
    },
  }),
  bias: defineLayer({
    doc: "x + b with b as wide as the last axis",
    operands: ["x"],
    parameters: { init: initOf() },
    owns: ["bias"],
    build: (site, [x], { init }) => {
      const bias = site.own("bias", [knownSize(site, x!, -1)], { init: init ?? constantInit(0) });
      return site.emit("add", { x: x!, y: bias }, {});
    },
  }),
  scale: defineLayer({
    doc: "x · w with w of the given shape, beginning at 1 (ReZero begins at 0, LayerScale at 1e-5)",
    operands: ["x"],
    parameters: { shape: shape(), init: initOf() },
    owns: [""],
    build: (site, [x], { shape: sizes, init }) =>
      site.emit("mul", { x: x!, y: site.own("", sizes, { init: init ?? constantInit(1) }) }, {}),
  }),
  affine: defineLayer({
    doc: "x · weight + bias, both of the given shape",
    operands: ["x"],
    parameters: { shape: shape(), init: initOf() },
    owns: ["weight", "bias"],
    build: (site, [x], { shape: sizes, init }) => {
      const weight = site.own("weight", sizes, { init: init ?? constantInit(1) });
      const scaled = site.emit("mul", { x: x!, y: weight }, {});
      return site.emit("add", { x: scaled, y: site.own("bias", sizes, { init: constantInit(0) }) }, {});
    },
  }),
  parameter: defineLayer({
    doc: "a learned tensor of the given shape; a list as init gives its elements",
    operands: [],
    parameters: { shape: shape(), init: initOf() },
    owns: [""],
    // GPT-2's standard deviation, the usual one of tables without a fan.
    build: (site, _, { shape: sizes, init }) =>
      site.own("", sizes, { init: init ?? { kind: "normal", mean: 0, std: 0.02 } }),
  }),
  dropout: defineLayer({
    doc: "zeros a share of the elements while training, the rest scaled up (Srivastava et al. 2014); else the identity",
    operands: ["x"],
    parameters: { rate: float() },
    owns: [],
    build: (site, [x], { rate }) => {
      needDropoutRate(site, rate);
      if (!site.training || rate === 0) return x!;
      return site.emit("dropout", { x: x!, key: undefined }, { rate });
    },
  }),
} as const;
