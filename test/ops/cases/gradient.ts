import type { gradientOps } from "../../../src/ops/gradient.ts";
import type { trainingOps } from "../../../src/ops/training.ts";
import { dim } from "../../../src/tensor/dim.ts";
import { evaluateSoftmax } from "../../../src/ops/evaluate/reduce.ts";
import { f32, i32 } from "../tensors.ts";
import { scaled } from "../recurrent.ts";
import { goldenCases, STORED_ROUNDING, type GoldenCase } from "../golden.ts";
import type { CasesOf, OpCase } from "./case.ts";

const modules = goldenCases("modules");
const tolerance = STORED_ROUNDING;
const golden = (name: string): GoldenCase => modules.get(name)!;
const named = (prefix: string): GoldenCase[] =>
  [...modules.values()].filter(
    ({ name, kind }) => name.startsWith(prefix) && kind !== "CohereLayerNorm" && name !== "l2_normalize_2",
  );
const given = (found: GoldenCase, names: readonly string[]) =>
  names.flatMap((name) => found.optional(`grad.${name}`) ?? []);

const normGrad = (found: GoldenCase, norm: "layer" | "rms" | "l2"): OpCase<"norm_grad"> => ({
  about: `${found.kind}: ${found.name}`,
  operands: {
    grad: found.tensor("gy"),
    x: found.tensor("x"),
    weight: found.optional("param.weight"),
    carried: undefined,
  },
  attrs: {
    norm,
    eps: found.attrs["eps"] as number,
    unit_offset: found.kind.includes("Gemma"),
    bias: found.optional("grad.bias") !== undefined,
  },
  expected: given(found, ["x", "weight", "bias"]),
  tolerance,
});

/** Evaluation: the statistics are given, and nothing flows back through them. */
const batchNormGrad = (name: string): OpCase<"batch_norm_grad"> => {
  const found = golden(name);
  const [mean, variance] = [found.tensor("param.running_mean"), found.tensor("param.running_var")];
  // On paper: ∂/∂mean = -Σ grad_x, ∂/∂variance = -½ Σ grad_x (x - mean) / (variance + eps), for each channel.
  const [x, gradX] = [found.tensor("x"), found.tensor("grad.x")];
  const channels = mean.shape[0]!;
  const inner = x.data.length / x.shape[0]! / channels;
  const ofMean = new Float64Array(channels);
  const ofVariance = new Float64Array(channels);
  gradX.data.forEach((gradient, i) => {
    const channel = Math.floor(i / inner) % channels;
    ofMean[channel]! -= gradient;
    ofVariance[channel]! -=
      (0.5 * gradient * (x.data[i]! - mean.data[channel]!)) / (variance.data[channel]! + 1e-5);
  });
  return {
    about: `${found.kind}: ${name}`,
    operands: { grad: found.tensor("gy"), x, mean, variance, weight: found.tensor("param.weight") },
    attrs: { eps: found.attrs["eps"] as number, axis: 1 },
    expected: [
      gradX,
      f32([channels], ofMean),
      f32([channels], ofVariance),
      ...given(found, ["weight", "bias"]),
    ],
    // The two on paper are sums of up to 40 stored gradients of up to 2, each rounded to 2⁻²⁴ of itself.
    tolerance: 40 * STORED_ROUNDING,
  };
};

const attendGrad = (name: string, attrs: OpCase<"attend_grad">["attrs"] = {}): OpCase<"attend_grad"> => {
  const found = golden(`sdpa_${name}`);
  const q = found.tensor("q");
  const mask = found.optional("mask");
  return {
    about: `PyTorch: ${found.name}`,
    operands: {
      grad: found.tensor("gy"),
      q,
      k: found.tensor("k"),
      v: found.tensor("v"),
      bias: found.optional("bias"),
      mask,
    },
    attrs: {
      causal: found.attrs["is_causal"] === true,
      scale: (found.attrs["scale"] as number | undefined) ?? 1 / Math.sqrt(q.shape[3]!),
      ...attrs,
    },
    expected: given(found, ["q", "k", "v", "bias"]),
    tolerance,
  };
};

const window = ({ attrs }: GoldenCase) => ({
  stride: [attrs["stride"] as number, attrs["stride"] as number],
  padding: [attrs["padding"] as number, attrs["padding"] as number],
});

const trained = ["batchnorm_0_train", "batchnorm_2_train", "batchnorm_4_train"].map(golden);

/** Mean and biased variance of channel c over all other axes, as the definition says. */
const momentsOf = ({ tensor }: GoldenCase) => {
  const x = tensor("x");
  const channels = x.shape[1]!;
  const inner = x.data.length / x.shape[0]! / channels;
  const rows = Array.from({ length: channels }, (_, c) =>
    [...x.data].filter((_element, i) => Math.floor(i / inner) % channels === c),
  );
  const mean = rows.map((row) => row.reduce((a, b) => a + b) / row.length);
  const variance = rows.map((row, c) => row.reduce((a, b) => a + (b - mean[c]!) ** 2, 0) / row.length);
  return [f32([channels], mean), f32([channels], variance)];
};

export const trainingCases: CasesOf<keyof typeof trainingOps> = {
  dropout: [
    {
      about: "without a key it is the identity",
      operands: { x: f32([2], [1, 2]), key: undefined },
      attrs: { rate: 0.5 },
      expected: [f32([2], [1, 2])],
    },
    {
      // Random123's kat_vectors: threefry2x32 with 20 rounds of key (0, 0) and counter (0, 0) begins 6b200159.
      about: "the first word of Threefry against rate · 2³²",
      operands: { x: f32([1], [3]), key: i32([2], [0, 0]) },
      // 0x6b200159 / 2³² = 0.41846: it stays at a rate of 0.25, divided by 1 - 0.25.
      attrs: { rate: 0.25 },
      expected: [f32([1], [4])],
    },
    {
      about: "the same word is below a larger rate",
      operands: { x: f32([1], [3]), key: i32([2], [0, 0]) },
      attrs: { rate: 0.42 },
      expected: [f32([1], [0])],
    },
  ],
  batch_statistics: trained.map((found) => ({
    about: `${found.kind}: ${found.name}`,
    operands: {
      x: found.tensor("x"),
      running_mean: found.tensor("param.running_mean"),
      running_variance: found.tensor("param.running_var"),
    },
    attrs: { axis: 1, momentum: 0.1 },
    expected: [...momentsOf(found), found.tensor("after.running_mean"), found.tensor("after.running_var")],
    tolerance,
  })),
};

/** PyTorch's gradients through the chunks, in which q is scaled. */
function linearAttendGrad({ name, kind, tensor }: GoldenCase): OpCase<"linear_attend_grad"> {
  const scale = tensor("q").shape[3]! ** -0.5;
  return {
    about: `${kind}: ${name}`,
    operands: {
      grad: tensor("gy"),
      grad_state: undefined,
      q: scaled(tensor("q"), scale),
      k: tensor("k"),
      v: tensor("v"),
      decay: tensor("decay"),
      beta: tensor("beta"),
      state: tensor("state"),
    },
    expected: [
      scaled(tensor("grad.q"), 1 / scale),
      ...["k", "v", "decay", "beta", "state"].map((each) => tensor(`grad.${each}`)),
    ],
    // Those of q are stored rounded, and then scaled.
    tolerance: 4 * tolerance,
  };
}

/** softmax - onehot, over the two rows. */
const logits = f32([2, 3], [0, 1, 2, 3, 0, 1]);
const probabilities = evaluateSoftmax(logits, -1).data;

export const gradientCases: CasesOf<keyof typeof gradientOps> = {
  norm_grad: [
    ...named("layernorm").map((found) => normGrad(found, "layer")),
    ...named("rmsnorm").map((found) => normGrad(found, "rms")),
    ...named("l2_normalize").map((found) => normGrad(found, "l2")),
    {
      // The row (3, 4) has length 5: s = 1/5, x̂ = (0.6, 0.8), h·x̂ = 0.6: 0.2 · (1 - 0.36, -0.48), plus (10, 20).
      about: "with what x carries on other ways",
      operands: {
        grad: f32([1, 2], [1, 0]),
        x: f32([1, 2], [3, 4]),
        weight: undefined,
        carried: f32([1, 2], [10, 20]),
      },
      attrs: { norm: "l2", eps: 1e-12 },
      expected: [f32([1, 2], [10.128, 19.904])],
      tolerance: 1e-15,
    },
  ],
  linear_attend_grad: [linearAttendGrad(goldenCases("recurrent").get("delta_state")!)],
  batch_norm_grad: ["batchnorm_1_eval", "batchnorm_5_eval"].map(batchNormGrad),
  batch_statistics_grad: [
    {
      // n = 2, mean 2: (4 + 2 · 3 · (∓1)) / 2.
      about: "on paper",
      operands: {
        x: f32([2, 1], [1, 3]),
        mean: f32([1], [2]),
        grad_mean: f32([1], [4]),
        grad_variance: f32([1], [3]),
      },
      expected: [f32([2, 1], [-1, 5])],
    },
  ],
  attend_grad: [
    ...["full", "causal", "one_query", "grouped", "one_kv_head", "scale", "mask", "bias", "window"].map(
      (name) => attendGrad(name),
    ),
    attendGrad("causal_late_queries"),
    {
      // Scores log 3 and 0, so weights ¾ and ¼, of which the entropy is log 4 - ¾ log 3; the second query sees no key.
      about: "what is observed of two queries, on paper",
      operands: {
        grad: f32([1, 1, 2, 1], [0, 0]),
        q: f32([1, 1, 2, 1], [1, 1]),
        k: f32([1, 1, 2, 1], [Math.log(3), 0]),
        v: f32([1, 1, 2, 1], [5, 7]),
        bias: undefined,
        mask: { dtype: "bool", shape: [2, 2], data: Float64Array.of(1, 1, 0, 0) },
      },
      attrs: { scale: 1, observe: true },
      expected: [
        ...[0, 0, 0].map(() => f32([1, 1, 2, 1], [0, 0])),
        f32([1, 1, 2], [Math.log(3), -(2 - 2 ** -23) * 2 ** 127]),
        f32([1, 1, 2], [Math.log(4) - 0.75 * Math.log(3), 0]),
      ],
      tolerance,
    },
  ],
  embedding_grad: [
    {
      about: "PyTorch: embedding",
      operands: { grad: golden("embedding").tensor("gy"), ids: golden("embedding").tensor("ids") },
      attrs: { rows: dim(10) },
      expected: [golden("embedding").tensor("grad.weight")],
      tolerance,
    },
  ],
  routed_weight_grad: [...goldenCases("routed").values()].map((found) => ({
    about: `${found.kind}: ${found.name}`,
    operands: { grad: found.tensor("gy"), x: found.tensor("x"), chosen: found.tensor("chosen") },
    attrs: {
      layout: found.attrs["layout"] as "out_in" | "in_out",
      experts: dim(found.tensor("weight").shape[0]!),
    },
    expected: [found.tensor("grad.weight")],
    tolerance,
  })),
  linear_weight_grad: named("linear_").map((found) => ({
    about: `PyTorch: ${found.name}`,
    operands: { grad: found.tensor("gy"), x: found.tensor("x") },
    expected: [found.tensor("grad.weight")],
    tolerance,
  })),
  cross_entropy_grad: [
    ...[0, 1, 2, 3, 4, 6].map((number): OpCase<"cross_entropy_grad"> => {
      const found = golden(`cross_entropy_${number}`);
      return {
        about: `PyTorch: ${found.name}`,
        operands: { grad: f32([], [1]), logits: found.tensor("x"), targets: found.tensor("target") },
        attrs: {
          smoothing: (found.attrs["label_smoothing"] as number | undefined) ?? 0,
          ignore: found.attrs["ignore_index"] as number | undefined,
        },
        expected: [found.tensor("grad.x")],
        tolerance,
      };
    }),
    {
      about: "times the gradient of the loss",
      operands: { grad: f32([], [6]), logits, targets: i32([2], [2, 0]) },
      expected: [
        f32(
          [2, 3],
          probabilities.map((p, i) => 3 * (p - (i === 2 || i === 3 ? 1 : 0))),
        ),
      ],
      tolerance: 1e-15,
    },
  ],
  conv2d_x_grad: named("conv2d").map((found) => ({
    about: `PyTorch: ${found.name}`,
    operands: { grad: found.tensor("gy"), weight: found.tensor("param.weight") },
    attrs: {
      ...window(found),
      height: dim(found.tensor("x").shape[2]!),
      width: dim(found.tensor("x").shape[3]!),
    },
    expected: [found.tensor("grad.x")],
    tolerance,
  })),
  conv2d_weight_grad: named("conv2d").map((found) => ({
    about: `PyTorch: ${found.name}`,
    operands: { grad: found.tensor("gy"), x: found.tensor("x") },
    attrs: { ...window(found), kernel: [found.attrs["kernel"] as number, found.attrs["kernel"] as number] },
    expected: [found.tensor("grad.weight")],
    tolerance,
  })),
  max_pool2d_grad: [
    ...named("max_pool2d").map((found) => ({
      about: `PyTorch: ${found.name}`,
      operands: { grad: found.tensor("gy"), x: found.tensor("x") },
      attrs: { ...window(found), kernel: [found.attrs["kernel"] as number, found.attrs["kernel"] as number] },
      expected: [found.tensor("grad.x")],
      tolerance,
    })),
    {
      about: "of equal elements the first",
      operands: { grad: f32([1, 1, 1, 1], [5]), x: f32([1, 1, 2, 2], [1, 3, 3, 2]) },
      attrs: { kernel: [2, 2], stride: [2, 2] },
      expected: [f32([1, 1, 2, 2], [0, 5, 0, 0])],
    },
  ],
  recompute: [
    {
      about: "x as it is",
      operands: { x: f32([2], [1, -2]), after: f32([1], [7]) },
      expected: [f32([2], [1, -2])],
    },
  ],
  extent: [{ about: "a size", operands: {}, attrs: { size: dim(12) }, expected: [f32([], [12])] }],
};
