import { isJsonObject, ownValue, type JsonValue } from "../../checkpoint/json.ts";
import type { KerasLayer } from "./model.ts";

/** A size, null for one that is known when the model runs; without the batch. */
export type Size = number | null;
export type Sizes = readonly Size[];

/** An array of a Keras file. */
export interface KerasArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer as `.lmg` has it. */
export interface Converted {
  /** Calls to be joined by arrows; the first that owns weights has the label. For layers of several inputs a value of their names. */
  readonly steps: readonly string[];
  /** Whether the steps begin with one value made of all inputs: `a + b`. */
  readonly joins?: (inputs: readonly string[]) => string;
  /** Weights by what follows the label, of those of the Keras layer in its order. */
  readonly weights: Readonly<Record<string, KerasArray>>;
  readonly shape: Sizes;
}

/** A layer with its weights, if the file has some, and what comes to it. */
export interface Given {
  readonly layer: KerasLayer;
  readonly weights: readonly KerasArray[];
  readonly inputs: readonly Sizes[];
  /** Its label. */
  readonly label: string;
}

/** A layer, or a configuration of it, that lmg has no form for: with what it is. */
export class NoForm {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

type Convert = (given: Given) => Converted | NoForm;

const flag = ({ config }: KerasLayer, key: string, fallback: boolean): boolean =>
  typeof config[key] === "boolean" ? config[key] : fallback;

const numberOf = ({ config }: KerasLayer, key: string, fallback = 0): number =>
  typeof config[key] === "number" ? config[key] : fallback;

const numbers = (value: JsonValue | undefined): readonly number[] =>
  Array.isArray(value)
    ? (value as readonly JsonValue[]).filter((each) => typeof each === "number")
    : typeof value === "number"
      ? [value]
      : [];

/** Small numbers with an exponent, as `.lmg` writes them. */
function shown(value: string | number | boolean): string {
  if (typeof value !== "number") return String(value);
  const plain = String(value);
  const short = value.toExponential();
  return short.length < plain.length ? short : plain;
}

/** Arguments that are not what a layer has without. */
const call = (
  name: string,
  given: Readonly<Record<string, string | number | boolean | undefined>>,
  ...first: readonly (string | number)[]
): string => {
  const named = Object.entries(given).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${shown(value)}`],
  );
  const all = [...first.map(shown), ...named];
  return all.length === 0 ? name : `${name}(${all.join(", ")})`;
};

const transposed = ({ shape: [rows = 0, columns = 0], data }: KerasArray): KerasArray => {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column]!;
  return { shape: [columns, rows], data: turned };
};

const filled = (size: number, value: number): KerasArray => ({
  shape: [size],
  data: new Float32Array(size).fill(value),
});

/** What Keras calls its activations, as chains; those with an argument as Keras 3 has them. */
const activations: Readonly<Record<string, readonly string[]>> = {
  linear: [],
  relu: ["relu"],
  tanh: ["tanh"],
  sigmoid: ["sigmoid"],
  softmax: ["softmax"],
  gelu: ["gelu"],
  silu: ["silu"],
  swish: ["silu"],
  softplus: ["softplus"],
  exponential: ["exp"],
};

function activationOf(value: JsonValue | undefined): readonly string[] | NoForm {
  if (value === null || value === undefined) return [];
  const name = isJsonObject(value) ? (ownValue(value, "config") ?? ownValue(value, "class_name")) : value;
  const found = typeof name === "string" && Object.hasOwn(activations, name) ? activations[name] : undefined;
  return found ?? new NoForm(`the activation ${JSON.stringify(name)}`);
}

/** One whose output is as its input. */
const plain =
  (steps: (layer: KerasLayer) => readonly string[] | NoForm): Convert =>
  ({ layer, inputs: [shape = []] }) => {
    const made = steps(layer);
    return made instanceof NoForm ? made : { steps: made, weights: {}, shape };
  };

const dense: Convert = ({ layer, weights: [kernel, bias], inputs: [shape = []], label }) => {
  const units = numberOf(layer, "units");
  const after = activationOf(layer.config["activation"]);
  if (after instanceof NoForm) return after;
  const withBias = flag(layer, "use_bias", true);
  return {
    steps: [`${label}: ${call("linear", { bias: withBias ? undefined : false }, units)}`, ...after],
    weights: {
      ...(kernel === undefined ? {} : { ".weight": transposed(kernel) }),
      ...(bias === undefined ? {} : { ".bias": bias }),
    },
    shape: [...shape.slice(0, -1), units],
  };
};

/** The axes of a norm, as places behind the batch: Keras counts from the end or with the batch. */
const isLastAxis = ({ config }: KerasLayer, shape: Sizes): boolean => {
  const axes = numbers(config["axis"] ?? -1);
  return axes.length === 1 && (axes[0] === -1 || axes[0] === shape.length);
};

/** gamma, beta and the rest, with what is not there as what changes nothing. */
function normWeights({ layer, weights, inputs: [shape = []] }: Given, center: string, scale: string) {
  const width = shape.at(-1) ?? 0;
  const left = [...weights];
  const gamma = flag(layer, scale, true) ? left.shift() : filled(width, 1);
  const beta = flag(layer, center, true) ? left.shift() : filled(width, 0);
  return { gamma, beta, rest: left };
}

const batchNorm: Convert = (given) => {
  const {
    layer,
    inputs: [shape = []],
    label,
    weights,
  } = given;
  if (!isLastAxis(layer, shape)) return new NoForm("an `axis` that is not the last");
  const { gamma, beta, rest } = normWeights(given, "center", "scale");
  const momentum = Number((1 - numberOf(layer, "momentum", 0.99)).toPrecision(12));
  const norm = `${label}: ${call("batchnorm", { eps: numberOf(layer, "epsilon", 1e-3), momentum, unbiased: false })}`;
  const order = [...shape.keys()].map((axis) => axis + 1);
  const turn = order.length > 1;
  return {
    steps: turn
      ? [
          `permute([0, ${[order.at(-1)!, ...order.slice(0, -1)].join(", ")}])`,
          norm,
          `permute([0, ${[...order.slice(1), 1].join(", ")}])`,
        ]
      : [norm],
    weights:
      weights.length === 0
        ? {}
        : { ".weight": gamma!, ".bias": beta!, ".running_mean": rest[0]!, ".running_var": rest[1]! },
    shape,
  };
};

const layerNorm: Convert = (given) => {
  const {
    layer,
    inputs: [shape = []],
    label,
    weights,
  } = given;
  if (!isLastAxis(layer, shape)) return new NoForm("an `axis` that is not the last");
  const { gamma, beta } = normWeights(given, "center", "scale");
  return {
    steps: [`${label}: ${call("layernorm", { eps: numberOf(layer, "epsilon", 1e-3) })}`],
    weights: weights.length === 0 ? {} : { ".weight": gamma!, ".bias": beta! },
    shape,
  };
};

const embedding: Convert = ({ layer, weights: [table], inputs: [shape = []], label }) => {
  if (flag(layer, "mask_zero", false)) return new NoForm("`mask_zero`, which other layers read");
  const [rows, width] = [numberOf(layer, "input_dim"), numberOf(layer, "output_dim")];
  return {
    steps: [`${label}: embedding(${rows}, ${width})`],
    weights: table === undefined ? {} : { ".weight": table },
    shape: [...shape, width],
  };
};

/** Self-attention; queries of one text and keys of another are another layer. */
const attention: Convert = ({ layer, weights, inputs, label }) => {
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

const joined =
  (word: string): Convert =>
  ({ inputs: [shape = []] }) => ({
    steps: [],
    joins: (names) => names.join(` ${word} `),
    weights: {},
    shape,
  });

const concatenate: Convert = ({ layer, inputs }) => {
  const [first = []] = inputs;
  const axis = numberOf(layer, "axis", -1);
  const at = axis < 0 ? first.length + axis : axis - 1;
  const sum = inputs.reduce<Size>(
    (all, shape) => (all === null || shape[at] == null ? null : all + shape[at]),
    0,
  );
  return {
    steps: [`concat(${axis})`],
    joins: (names) => `(${names.join(", ")})`,
    weights: {},
    shape: first.map((size, index) => (index === at ? sum : size)),
  };
};

/** Channels last to first and back: lmg's convolutions and pools are PyTorch's. */
const channelsFirst = "permute([0, 3, 1, 2])";
const channelsLast = "permute([0, 2, 3, 1])";

interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly shape: Sizes;
}

/** Windows over the middle axes of [H, W, C]. Padding that is not the same on both sides is not there. */
function windowsOf(layer: KerasLayer, sizes: JsonValue | undefined, input: Sizes): Windows | NoForm {
  const kernel = numbers(sizes);
  const given = numbers(layer.config["strides"]);
  const stride = given.length === 0 ? kernel : given;
  if (layer.config["data_format"] === "channels_first") return new NoForm("`channels_first`");
  if (numbers(layer.config["dilation_rate"]).some((rate) => rate !== 1))
    return new NoForm("a `dilation_rate`");
  const same = layer.config["padding"] === "same";
  const shape = [...input];
  const padding: number[] = [];
  for (const [index, size] of kernel.entries()) {
    const length = input[index];
    if (length === null || length === undefined) return new NoForm("images of a size that is not known");
    const out = same ? Math.ceil(length / stride[index]!) : Math.floor((length - size) / stride[index]!) + 1;
    const whole = same ? Math.max(0, (out - 1) * stride[index]! + size - length) : 0;
    if (whole % 2 !== 0) return new NoForm('padding "same" with one more row on one side than on the other');
    padding.push(whole / 2);
    shape[index] = out;
  }
  return { kernel, stride, padding, shape };
}

const list = (values: readonly number[]): string =>
  values.every((value) => value === values[0]) ? String(values[0]) : `[${values.join(", ")}]`;

const conv2d: Convert = ({ layer, weights: [kernel, bias], inputs: [input = []], label }) => {
  const windows = windowsOf(layer, layer.config["kernel_size"], input);
  const after = activationOf(layer.config["activation"]);
  if (windows instanceof NoForm) return windows;
  if (after instanceof NoForm) return after;
  const [filters, groups] = [numberOf(layer, "filters"), numberOf(layer, "groups", 1)];
  const withBias = flag(layer, "use_bias", true);
  const pads = windows.padding.some((size) => size > 0);
  const strides = windows.stride.some((size) => size > 1);
  const made = call(
    "conv2d",
    {
      stride: strides ? list(windows.stride) : undefined,
      padding: pads ? list(windows.padding) : undefined,
      groups: groups === 1 ? undefined : groups,
      bias: withBias ? undefined : false,
    },
    filters,
    list(windows.kernel),
  );
  return {
    steps: [channelsFirst, `${label}: ${made}`, channelsLast, ...after],
    weights: {
      ...(kernel === undefined ? {} : { ".weight": kernelFirst(kernel) }),
      ...(bias === undefined ? {} : { ".bias": bias }),
    },
    shape: [...windows.shape.slice(0, -1), filters],
  };
};

/** [R, S, C, N] → [N, C, R, S]. */
function kernelFirst({ shape, data }: KerasArray): KerasArray {
  const [rows = 0, columns = 0, channels = 0, filters = 0] = shape;
  const turned = new Float32Array(data.length);
  let at = 0;
  for (let n = 0; n < filters; n++)
    for (let c = 0; c < channels; c++)
      for (let r = 0; r < rows; r++)
        for (let s = 0; s < columns; s++)
          turned[at++] = data[((r * columns + s) * channels + c) * filters + n]!;
  return { shape: [filters, channels, rows, columns], data: turned };
}

const pool2d =
  (name: "maxpool" | "avgpool"): Convert =>
  ({ layer, inputs: [input = []] }) => {
    const windows = windowsOf(layer, layer.config["pool_size"], input);
    if (windows instanceof NoForm) return windows;
    // Keras counts no padding in a mean, lmg does.
    if (windows.padding.some((size) => size > 0)) return new NoForm('padding "same" that is not empty');
    const made = call(
      name,
      { stride: list(windows.stride) === list(windows.kernel) ? undefined : list(windows.stride) },
      list(windows.kernel),
    );
    return { steps: [channelsFirst, made, channelsLast], weights: {}, shape: windows.shape };
  };

const globalPool =
  (name: "mean" | "max"): Convert =>
  ({ layer, inputs: [input = []] }) => {
    if (layer.config["data_format"] === "channels_first") return new NoForm("`channels_first`");
    const axes = [...input.keys()].slice(1);
    const keep = flag(layer, "keepdims", false);
    return {
      steps: [call(name, { axes: `[${axes.join(", ")}]`, keep: keep ? true : undefined })],
      weights: {},
      shape: keep
        ? input.map((size, index) => (index < input.length - 1 ? 1 : size))
        : [input.at(-1) ?? null],
    };
  };

const product = (sizes: Sizes): Size =>
  sizes.reduce<Size>((all, size) => (all === null || size === null ? null : all * size), 1);

const reshape: Convert = ({ layer, inputs: [input = []] }) => {
  const target = numbers(layer.config["target_shape"]);
  const known = target.filter((size) => size !== -1).reduce((a, b) => a * b, 1);
  const all = product(input);
  if (all === null) return new NoForm("a shape that is not known");
  const shape = target.map((size) => (size === -1 ? all / known : size));
  return { steps: [`reshape([B, ${shape.join(", ")}])`], weights: {}, shape };
};

const permute: Convert = ({ layer, inputs: [input = []] }) => {
  const dims = numbers(layer.config["dims"]);
  return {
    steps: [`permute([0, ${dims.join(", ")}])`],
    weights: {},
    shape: dims.map((axis) => input[axis - 1] ?? null),
  };
};

const rescaling: Convert = ({ layer, inputs: [shape = []] }) => {
  const [scale, offset] = [numberOf(layer, "scale", 1), numberOf(layer, "offset")];
  return {
    steps: [],
    joins: ([name = "stream"]) => (offset === 0 ? `${name} * ${scale}` : `${name} * ${scale} + ${offset}`),
    weights: {},
    shape,
  };
};

const relu = plain(({ config }) => {
  const isPlain =
    (config["max_value"] ?? null) === null &&
    Number(config["negative_slope"] ?? 0) === 0 &&
    Number(config["threshold"] ?? 0) === 0;
  return isPlain ? ["relu"] : new NoForm("a `max_value`, `negative_slope` or `threshold`");
});

const softmax = plain(({ config }) =>
  config["axis"] === undefined || typeof config["axis"] === "number"
    ? [call("softmax", { axis: config["axis"] === -1 ? undefined : config["axis"] })]
    : new NoForm("several axes"),
);

/** Every layer of Keras that is imported; in the order of their names. */
export const kerasLayers: Readonly<Record<string, Convert>> = {
  Activation: plain(({ config }) => activationOf(config["activation"])),
  Add: joined("+"),
  AveragePooling2D: pool2d("avgpool"),
  BatchNormalization: batchNorm,
  Concatenate: concatenate,
  Conv2D: conv2d,
  Dense: dense,
  Dropout: plain((layer) => [`dropout(${numberOf(layer, "rate")})`]),
  Embedding: embedding,
  Flatten: ({ inputs: [input = []] }) => ({ steps: ["flatten(1)"], weights: {}, shape: [product(input)] }),
  GlobalAveragePooling1D: globalPool("mean"),
  GlobalAveragePooling2D: globalPool("mean"),
  GlobalMaxPooling1D: globalPool("max"),
  GlobalMaxPooling2D: globalPool("max"),
  Identity: plain(() => []),
  LayerNormalization: layerNorm,
  MaxPooling2D: pool2d("maxpool"),
  MultiHeadAttention: attention,
  Multiply: joined("*"),
  Permute: permute,
  ReLU: relu,
  Rescaling: rescaling,
  Reshape: reshape,
  Softmax: softmax,
  Subtract: joined("-"),
};
