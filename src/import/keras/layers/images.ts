import type { JsonValue } from "../../../checkpoint/json.ts";
import type { KerasLayer } from "../model.ts";
import { call } from "../../call.ts";
import {
  activationOf,
  flag,
  kernelAndBias,
  NoForm,
  numberOf,
  numbers,
  type Convert,
  type KerasArray,
  type Sizes,
} from "./form.ts";

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

export const conv2d: Convert = ({ layer, weights: [kernel, bias], inputs: [input = []], label }) => {
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
    weights: kernelAndBias(kernel, bias, kernelFirst),
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

export const pool2d =
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

export const globalPool =
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
