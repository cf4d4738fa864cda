import type { KerasLayer } from "../model.ts";
import { call } from "../../call.ts";
import {
  activationOf,
  filled,
  flag,
  kernelAndBias,
  NoForm,
  numberOf,
  numbers,
  transposed,
  type Convert,
  type Given,
  type KerasArray,
  type Sizes,
} from "./form.ts";

export const dense: Convert = ({ layer, weights: [kernel, bias], inputs: [shape = []], label }) => {
  const units = numberOf(layer, "units");
  const after = activationOf(layer.config["activation"]);
  if (after instanceof NoForm) return after;
  const withBias = flag(layer, "use_bias", true);
  return {
    steps: [`${label}: ${call("linear", { bias: withBias ? undefined : false }, units)}`, ...after],
    weights: kernelAndBias(kernel, bias, transposed),
    shape: [...shape.slice(0, -1), units],
  };
};

/** The axes of a norm, as places behind the batch: Keras counts from the end or with the batch. */
const isLastAxis = ({ config }: KerasLayer, shape: Sizes): boolean => {
  const axes = numbers(config["axis"] ?? -1);
  return axes.length === 1 && (axes[0] === -1 || axes[0] === shape.length);
};

interface NormWeights {
  readonly gamma: KerasArray | undefined;
  readonly beta: KerasArray | undefined;
  readonly rest: readonly KerasArray[];
}

/** gamma, beta and the rest, with what is not there as what changes nothing. */
function normWeights({ layer, weights }: Given, width: number): NormWeights {
  const left = [...weights];
  const gamma = flag(layer, "scale", true) ? left.shift() : filled(width, 1);
  const beta = flag(layer, "center", true) ? left.shift() : filled(width, 0);
  return { gamma, beta, rest: left };
}

/** A norm over the last axis, of what comes to it. */
const norm =
  (steps: (given: Given, shape: Sizes) => readonly string[], statistics: readonly string[]): Convert =>
  (given) => {
    const [shape = []] = given.inputs;
    if (!isLastAxis(given.layer, shape)) return new NoForm("an `axis` that is not the last");
    const { gamma, beta, rest } = normWeights(given, shape.at(-1) ?? 0);
    const own = { ".weight": gamma!, ".bias": beta! };
    const running = Object.fromEntries(statistics.map((name, at) => [name, rest[at]!]));
    return {
      steps: steps(given, shape),
      weights: given.weights.length === 0 ? {} : { ...own, ...running },
      shape,
    };
  };

export const batchNorm = norm(
  ({ layer, label }, shape) => {
    const momentum = Number((1 - numberOf(layer, "momentum", 0.99)).toPrecision(12));
    const made = `${label}: ${call("batchnorm", { eps: numberOf(layer, "epsilon", 1e-3), momentum, unbiased: false })}`;
    const order = [...shape.keys()].map((axis) => axis + 1);
    if (order.length === 1) return [made];
    return [
      `permute([0, ${[order.at(-1)!, ...order.slice(0, -1)].join(", ")}])`,
      made,
      `permute([0, ${[...order.slice(1), 1].join(", ")}])`,
    ];
  },
  [".running_mean", ".running_var"],
);

export const layerNorm = norm(
  ({ layer, label }) => [`${label}: ${call("layernorm", { eps: numberOf(layer, "epsilon", 1e-3) })}`],
  [],
);

export const embedding: Convert = ({ layer, weights: [table], inputs: [shape = []], label }) => {
  if (flag(layer, "mask_zero", false)) return new NoForm("`mask_zero`, which other layers read");
  const [rows, width] = [numberOf(layer, "input_dim"), numberOf(layer, "output_dim")];
  return {
    steps: [`${label}: embedding(${rows}, ${width})`],
    weights: table === undefined ? {} : { ".weight": table },
    shape: [...shape, width],
  };
};

/** Self-attention; queries of one text and keys of another are another layer. */
export const attention: Convert = ({ layer, weights, inputs, label }) => {
  const [query = []] = inputs;
  const width = query.at(-1) ?? 0;
  const [heads, keys] = [numberOf(layer, "num_heads"), numberOf(layer, "key_dim")];
  const values = numberOf(layer, "value_dim", keys);
  if (new Set(layer.inputs).size > 1) return new NoForm("queries, keys and values of several inputs");
  if (values !== keys) return new NoForm("a `value_dim` that is not `key_dim`");
  if (query.length !== 2) return new NoForm("an input that is not [B, T, D]");
  if (layer.config["output_shape"] !== null && layer.config["output_shape"] !== undefined)
    return new NoForm("an `output_shape`");
  const withBias = flag(layer, "use_bias", true);
  const each = withBias ? 2 : 1;
  const names = ["q_proj", "k_proj", "v_proj", "o_proj"];
  const flat = ({ shape, data }: KerasArray, rows: number): KerasArray => ({
    shape: [rows, shape.reduce((a, b) => a * b, 1) / rows],
    data,
  });
  const own = Object.fromEntries(
    names.flatMap((name, index) => {
      const [kernel, bias] = weights.slice(index * each, index * each + each);
      const rows = name === "o_proj" ? heads * keys : width;
      return [
        ...(kernel === undefined ? [] : [[`.${name}.weight`, transposed(flat(kernel, rows))] as const]),
        ...(bias === undefined
          ? []
          : [[`.${name}.bias`, { shape: [bias.data.length], data: bias.data }] as const]),
      ];
    }),
  );
  const causal = layer.options["use_causal_mask"] === true;
  return {
    steps: [
      `${label}: ${call("attention", { head_dim: keys * heads === width ? undefined : keys, causal: causal ? undefined : false, bias: withBias ? undefined : false }, heads)}`,
    ],
    weights: own,
    shape: query,
  };
};
