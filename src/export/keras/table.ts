import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { constantDim } from "../../tensor/dim.ts";
import { Refused, refuse, type ExportedOp, type ExportTable } from "../table.ts";
import { partsOf, type WholeAttention } from "./attention.ts";
import { kerasShape, transposed, type Site, type WrittenArray, type WrittenValue } from "./site.ts";

/** What a node is among the layers; undefined for a number, which layers hold in themselves. */
type Written = WrittenValue | undefined;

type Row<K extends ExportedOp> = (node: NodeOf<K>, site: Site) => Written;

const labelOf = ({ origin, op }: Node): string => origin.label || op;

const resultOf = (node: Node): { readonly label: string; readonly shape: WrittenValue["shape"] } => ({
  label: labelOf(node),
  shape: kerasShape(node.results[0]!),
});

/** A weight of a layer, which must be a parameter of the model. */
function weightOf(value: Value, node: Node, site: Site): WrittenArray {
  const found = site.weight(value);
  if (found === undefined) throw new Refused("shape", `a weight of ${node.op} that is computed`, node);
  return found;
}

const activation =
  (name: string) =>
  (
    node: NodeOf<"relu" | "tanh" | "sigmoid" | "silu" | "softplus" | "exp" | "gelu">,
    site: Site,
  ): WrittenValue =>
    site.add("Activation", { activation: name }, [site.read(node.operands.x, node)], {
      ...resultOf(node),
      label: `${labelOf(node)}_${name}`,
    });

/** The kernel of a product as Keras has it, [in, out], and its bias. */
export function denseArrays(node: NodeOf<"linear">, site: Site): readonly [WrittenArray, ...WrittenArray[]] {
  const { weight, bias } = node.operands;
  const kernel = weightOf(weight, node, site);
  const turned = node.attrs.layout === "in_out" ? kernel : transposed(kernel);
  return [turned, ...(bias === undefined ? [] : [weightOf(bias, node, site)])];
}

const linear: Row<"linear"> = (node, site) => {
  const { x, bias } = node.operands;
  const weights = denseArrays(node, site);
  const config = { units: weights[0].shape[1], activation: "linear", use_bias: bias !== undefined };
  return site.add("Dense", config, [site.read(x, node)], { ...resultOf(node), weights });
};

const embedding: Row<"embedding"> = (node, site) => {
  const table = weightOf(node.operands.table, node, site);
  const config = { input_dim: table.shape[0], output_dim: table.shape[1], mask_zero: false };
  return site.add("Embedding", config, [site.read(node.operands.ids, node)], {
    ...resultOf(node),
    weights: [table],
  });
};

const ones = (width: number, value: number): WrittenArray => ({
  shape: [width],
  data: new Float32Array(width).fill(value),
});

const layerNorm: Row<"layer_norm"> = (node, site) => {
  const { x, weight, bias } = node.operands;
  const weights = [weight, bias].flatMap((each) => (each === undefined ? [] : [weightOf(each, node, site)]));
  const config = {
    axis: -1,
    epsilon: node.attrs.eps,
    scale: weight !== undefined,
    center: bias !== undefined,
  };
  return site.add("LayerNormalization", config, [site.read(x, node)], { ...resultOf(node), weights });
};

/** Channels last, as Keras' own layers have them, also where the graph has them second. */
const batchNorm: Row<"batch_norm"> = (node, site) => {
  const { x, mean, variance, weight, bias } = node.operands;
  const statistics = [mean, variance].map((each) => weightOf(each, node, site));
  const width = statistics[0]!.data.length;
  const scale = weight === undefined ? ones(width, 1) : weightOf(weight, node, site);
  const shift = bias === undefined ? ones(width, 0) : weightOf(bias, node, site);
  const weights = [scale, shift, ...statistics];
  const { label, shape } = resultOf(node);
  const { axis, eps } = node.attrs;
  const order = [...shape.keys()].filter((each) => each !== axis);
  const input = turnedBy(site.read(x, node), [...order, axis], site, label);
  const config = { axis: -1, epsilon: eps };
  const made = site.add("BatchNormalization", config, [input], { label, shape: input.shape, weights });
  const back = shape.map((_, each) => (each === axis ? shape.length - 1 : order.indexOf(each)));
  return turnedBy(made, back, site, label);
};

const residual: Row<"residual"> = (node, site) => {
  const { source, branches, source_gain: skip, branch_gain: gain } = node.operands;
  if (
    skip !== undefined ||
    gain !== undefined ||
    node.attrs.source_scale !== 1 ||
    node.attrs.branch_scale !== 1
  )
    throw new Refused("attribute", "a gain of a residual edge", node);
  const inputs = [source, ...branches].map((value) => site.read(value, node));
  return site.add("Add", {}, inputs, { ...resultOf(node), label: `${labelOf(node)}_add` });
};

/** A number added or multiplied is a layer of its own. */
function rescaled(node: NodeOf<"add" | "sub" | "mul" | "min" | "max">, site: Site): WrittenValue | undefined {
  const { x, y } = node.operands;
  const [left, right] = [site.number(x), site.number(y)];
  const [value, number] = left === undefined ? [x, right] : [y, left];
  if (number === undefined || node.op === "min" || node.op === "max") return undefined;
  const isFrom = node.op === "sub" && left !== undefined;
  const scale = node.op === "mul" ? number : isFrom ? -1 : 1;
  const offset = node.op === "mul" ? 0 : node.op === "sub" && !isFrom ? -number : number;
  return site.add("Rescaling", { scale, offset }, [site.read(value, node)], {
    ...resultOf(node),
    label: `${labelOf(node)}_scale`,
  });
}

const full: Row<"full"> = (node, site) => {
  site.bindNumber(node.results[0]!, node.attrs.value);
  return undefined;
};

const joined =
  (kind: string) =>
  (node: NodeOf<"add" | "sub" | "mul" | "min" | "max">, site: Site): WrittenValue => {
    const { x, y } = node.operands;
    const scaled = rescaled(node, site);
    if (scaled !== undefined) return scaled;
    if (x.type.shape.length !== y.type.shape.length)
      throw new Refused("shape", `${node.op} of tensors of other ranks`, node);
    return site.add(kind, {}, [site.read(x, node), site.read(y, node)], {
      ...resultOf(node),
      label: `${labelOf(node)}_${node.op}`,
    });
  };

const concat: Row<"concat"> = (node, site) =>
  site.add(
    "Concatenate",
    { axis: node.attrs.axis },
    node.operands.values.map((value) => site.read(value, node)),
    resultOf(node),
  );

const reshape: Row<"reshape"> = (node, site) => {
  const { x } = node.operands;
  const [batch, ...rest] = node.results[0]!.type.shape;
  const sizes = rest.map(constantDim);
  if (batch?.key !== x.type.shape[0]?.key || sizes.filter((size) => size === undefined).length > 1)
    throw new Refused(
      "shape",
      "a reshape that changes the batch, or has several sizes that are not known",
      node,
    );
  return site.add("Reshape", { target_shape: sizes.map((size) => size ?? -1) }, [site.read(x, node)], {
    ...resultOf(node),
    label: `${labelOf(node)}_reshape`,
  });
};

/** The axes of a value in another order; two of them that undo each other are none. */
function turnedBy(input: WrittenValue, axes: readonly number[], site: Site, label: string): WrittenValue {
  const whole = input.turned === undefined ? axes : axes.map((axis) => input.turned!.axes[axis]!);
  const from = input.turned?.from ?? input;
  if (whole.every((axis, index) => axis === index)) return from;
  const shape = axes.map((axis) => input.shape[axis]!);
  const made = site.add("Permute", { dims: whole.slice(1) }, [from], { label: `${label}_permute`, shape });
  return { ...made, turned: { from, axes: whole } };
}

const permute: Row<"permute"> = (node, site) => {
  if (node.attrs.axes[0] !== 0) throw new Refused("shape", "a permutation that moves the batch", node);
  return turnedBy(site.read(node.operands.x, node), node.attrs.axes, site, labelOf(node));
};

/** Channels from the second place to the last, and back: Keras' convolutions on a CPU have them last. */
const toLast = [0, 2, 3, 1];
const toSecond = [0, 3, 1, 2];

/** An image with zeros around it. */
const padded = (input: WrittenValue, padding: readonly number[], site: Site, label: string): WrittenValue =>
  site.add(
    "ZeroPadding2D",
    { padding: padding.map((size) => [size, size]), data_format: "channels_last" },
    [input],
    {
      label: `${label}_padding`,
      shape: input.shape.map((size, axis) =>
        (axis === 1 || axis === 2) && size !== null ? size + 2 * padding[axis - 1]! : size,
      ),
    },
  );

const conv2d: Row<"conv2d"> = (node, site) => {
  const { x, weight, bias } = node.operands;
  const { stride, padding, groups } = node.attrs;
  const { shape, data } = weightOf(weight, node, site);
  const [filters = 0, channels = 0, rows = 0, columns = 0] = shape;
  const turned = new Float32Array(data.length);
  for (let n = 0; n < filters; n++)
    for (let c = 0; c < channels; c++)
      for (let r = 0; r < rows; r++)
        for (let s = 0; s < columns; s++)
          turned[((r * columns + s) * channels + c) * filters + n] =
            data[((n * channels + c) * rows + r) * columns + s]!;
  const label = labelOf(node);
  const sizes = kerasShape(node.results[0]!);
  const last = turnedBy(site.read(x, node), toLast, site, label);
  // What Keras calls "same" is half a kernel on both sides; any other padding is a layer of its own.
  const isSame =
    stride.every((step) => step === 1) &&
    padding.every((size, axis) => 2 * size + 1 === [rows, columns][axis]);
  const isValid = padding.every((size) => size === 0);
  const input = isSame || isValid ? last : padded(last, padding, site, label);
  const config = {
    filters,
    kernel_size: [rows, columns],
    strides: stride,
    padding: isSame && !isValid ? "same" : "valid",
    data_format: "channels_last",
    groups,
    activation: "linear",
    use_bias: bias !== undefined,
  };
  const weights = [
    { shape: [rows, columns, channels, filters], data: turned },
    ...(bias === undefined ? [] : [weightOf(bias, node, site)]),
  ];
  const made = site.add("Conv2D", config, [input], {
    label,
    shape: toLast.map((axis) => sizes[axis]!),
    weights,
  });
  return turnedBy(made, toSecond, site, label);
};

const maxPool: Row<"max_pool2d"> = (node, site) => {
  const { kernel, stride, padding } = node.attrs;
  if (padding.some((size) => size > 0)) throw new Refused("attribute", "padding of a pool", node);
  const label = labelOf(node);
  const sizes = kerasShape(node.results[0]!);
  const input = turnedBy(site.read(node.operands.x, node), toLast, site, label);
  const config = { pool_size: kernel, strides: stride, padding: "valid", data_format: "channels_last" };
  const made = site.add("MaxPooling2D", config, [input], {
    label: `${label}_pool`,
    shape: toLast.map((axis) => sizes[axis]!),
  });
  return turnedBy(made, toSecond, site, label);
};

/** Means and maxima over all axes between the batch and the last: Keras' global pools. */
const globalPool =
  (name: string) =>
  (node: NodeOf<"reduce_mean" | "reduce_max">, site: Site): WrittenValue => {
    const { x } = node.operands;
    const rank = x.type.shape.length;
    const axes = [...Array(rank).keys()].slice(1, -1);
    if ((rank !== 3 && rank !== 4) || node.attrs.axes.join() !== axes.join())
      throw new Refused(
        "shape",
        `${node.op} over other axes than those between the batch and the last`,
        node,
      );
    const config = { data_format: "channels_last", keepdims: node.attrs.keep };
    return site.add(`Global${name}Pooling${rank - 2}D`, config, [site.read(x, node)], {
      ...resultOf(node),
      label: `${labelOf(node)}_pool`,
    });
  };

const softmax: Row<"softmax"> = (node, site) =>
  site.add("Softmax", { axis: node.attrs.axis }, [site.read(node.operands.x, node)], {
    ...resultOf(node),
    label: `${labelOf(node)}_softmax`,
  });

/** Self-attention with its four products, as one layer. */
export function writeAttention(node: Node, whole: WholeAttention, site: Site): WrittenValue {
  const { x, heads, width, causal, products } = whole;
  const config = { num_heads: heads, key_dim: width, use_bias: products[0]!.operands.bias !== undefined };
  const label = labelOf(node).replace(/\.[^.]*$/, "");
  const read = site.read(x, node);
  const arrays = partsOf(whole, (product) => denseArrays(product, site));
  return site.add("MultiHeadAttention", config, [read, read], {
    ...resultOf(node),
    label,
    arrays,
    options: causal ? { use_causal_mask: true } : {},
  });
}

/** Ops that no layer of Keras is. */
const noLayer = [
  "constant",
  "iota",
  "relative_bucket",
  "broadcast",
  "slice",
  "cast",
  "neg",
  "abs",
  "log",
  "sqrt",
  "rsqrt",
  "sin",
  "cos",
  "erf",
  "gelu_tanh",
  "relu2",
  "square",
  "floor",
  "not",
  "div",
  "mod",
  "pow",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "and",
  "or",
  "where",
  "reduce_sum",
  "reduce_min",
  "cumsum",
  "topk",
  "spread",
  "take",
  "log_softmax",
  "matmul",
  "rope",
  "attend",
  "rms_norm",
  "l2_norm",
  "cross_entropy",
  "mean_squared_error",
  "accuracy",
  "dropout",
  "batch_statistics",
  "linear_attend",
  "routed_linear",
] as const;

type NoLayer = (typeof noLayer)[number];

const refused = Object.fromEntries(noLayer.map((op) => [op, refuse("op", op)])) as unknown as {
  readonly [K in NoLayer]: (node: NodeOf<K>, site: Site) => never;
};

/** What each op is in Keras: a layer of its functional models. */
export const kerasTable: ExportTable<Site, Written> = {
  ...refused,
  add: joined("Add"),
  batch_norm: batchNorm,
  concat,
  conv2d,
  embedding,
  exp: activation("exponential"),
  full,
  gelu: activation("gelu"),
  layer_norm: layerNorm,
  linear,
  max: joined("Maximum"),
  max_pool2d: maxPool,
  min: joined("Minimum"),
  mul: joined("Multiply"),
  permute,
  reduce_max: globalPool("Max"),
  reduce_mean: globalPool("Average"),
  relu: activation("relu"),
  reshape,
  residual,
  sigmoid: activation("sigmoid"),
  silu: activation("silu"),
  softmax,
  softplus: activation("softplus"),
  sub: joined("Subtract"),
  tanh: activation("tanh"),
};
