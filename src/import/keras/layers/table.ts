import { call } from "../../call.ts";
import { activationOf, NoForm, numberOf, plain, type Convert } from "./form.ts";
import { conv2d, globalPool, pool2d } from "./images.ts";
import { concatenate, joined, permute, product, rescaling, reshape } from "./shapes.ts";
import { attention, batchNorm, dense, embedding, layerNorm } from "./weighted.ts";

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
