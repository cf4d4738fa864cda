import { dim } from "../../tensor/dim.ts";
import {
  constantInit,
  defineLayer,
  flag,
  initOf,
  int,
  intsOr,
  ints,
  labelOf,
  optionalInts,
  word,
} from "./define.ts";
import { knownSize, needRank } from "./shapes-of.ts";
import type { Init } from "../values/meaning.ts";
import type { Site } from "./define.ts";

/** torch.nn.Linear's: uniform in ±1/√fanIn, for the weight and the bias. */
const uniformByFan = (fanIn: number): Init => {
  const bound = 1 / Math.sqrt(Math.max(1, fanIn));
  return { kind: "uniform", low: -bound, high: bound };
};

/** One number for both axes, or one each. */
function pair(site: Site, values: readonly number[], what: string): readonly [number, number] {
  const [first, second = first] = values;
  if (first === undefined || second === undefined || values.length > 2)
    return site.fail(`expected one or two numbers as ${what}, got ${values.length}`);
  return [first, second];
}

/** Layers that multiply by a table or a matrix of weights. */
export const linearLayers = {
  linear: defineLayer({
    doc: "x Wᵀ + b, [.., K] → [.., n]; the weight is [n, K], or [K, n] with layout: in_out, as GPT-2's Conv1D has it",
    operands: ["x"],
    parameters: {
      n: int(),
      bias: flag(true),
      layout: word(["out_in", "in_out"], "out_in"),
      init: initOf(),
    },
    owns: ["weight", "bias"],
    build: (site, [x], { n, bias, layout, init }) => {
      const fanIn = knownSize(site, x!, -1);
      const shape = layout === "out_in" ? [n, fanIn] : [fanIn, n];
      const weight = site.own("weight", shape, { init: init ?? uniformByFan(fanIn), fanIn, fanOut: n });
      const offset = bias
        ? site.own("bias", [n], { init: init === undefined ? uniformByFan(fanIn) : constantInit(0) })
        : undefined;
      return site.emit("linear", { x: x!, weight, bias: offset }, { layout });
    },
  }),
  embedding: defineLayer({
    doc: "rows of a table [vocab, dim] by ids [..] → [.., dim]",
    operands: ["ids"],
    parameters: { vocab: int(), dim: int(), init: initOf() },
    owns: ["weight"],
    build: (site, [ids], { vocab, dim: width, init }) => {
      const options = {
        init: init ?? { kind: "normal", mean: 0, std: 1 },
        fanIn: vocab,
        fanOut: width,
      } as const;
      const table = site.own("weight", [vocab, width], options);
      return site.emit("embedding", { table, ids: ids! }, {});
    },
  }),
  unembed: defineLayer({
    doc: "x Eᵀ with the table or weight E of the layer at a label, [.., D] → [.., vocab]: tied weights",
    operands: ["x"],
    parameters: { label: labelOf() },
    owns: [],
    build: (site, [x], { label }) => {
      const weight = label.owned.get("weight");
      if (weight === undefined) return site.fail(`\`${label.label}\` owns no table`);
      return site.emit("linear", { x: x!, weight, bias: undefined }, {});
    },
  }),
  matmul: defineLayer({
    doc: "a @ b over the last two axes, leading axes broadcast; transpose: a @ bᵀ",
    operands: ["a", "b"],
    parameters: { transpose: flag(false) },
    owns: [],
    build: (site, [a, b], { transpose }) => site.emit("matmul", { a: a!, b: b! }, { transpose_b: transpose }),
  }),
  conv2d: defineLayer({
    doc: "cross-correlation of x [B, C, H, W] with n kernels [C / groups, R, S] → [B, n, H', W'], as torch.nn.Conv2d",
    operands: ["x"],
    parameters: {
      n: int(),
      kernel: ints(),
      stride: intsOr(1),
      padding: intsOr(0),
      groups: int(1),
      bias: flag(true),
      init: initOf(),
    },
    owns: ["weight", "bias"],
    build: (site, [x], { n, kernel, stride, padding, groups, bias, init }) => {
      needRank(site, x!, 4, "[B, C, H, W]");
      const channels = knownSize(site, x!, 1);
      if (groups < 1 || channels % groups !== 0 || n % groups !== 0)
        return site.fail(`${channels} channels to ${n} do not split into ${groups} groups`, x);
      const [rows, columns] = pair(site, kernel, "kernel");
      const fanIn = (channels / groups) * rows * columns;
      const fanOut = (n / groups) * rows * columns;
      const shape = [n, channels / groups, rows, columns];
      const weight = site.own("weight", shape, { init: init ?? uniformByFan(fanIn), fanIn, fanOut });
      const offset = bias
        ? site.own("bias", [n], { init: init === undefined ? uniformByFan(fanIn) : constantInit(0) })
        : undefined;
      const attrs = { stride: pair(site, stride, "stride"), padding: pair(site, padding, "padding"), groups };
      return site.emit("conv2d", { x: x!, weight, bias: offset }, attrs);
    },
  }),
  maxpool: defineLayer({
    doc: "the largest of each kernel-sized window of x [B, C, H, W]; the stride is the kernel if not given",
    operands: ["x"],
    parameters: { kernel: ints(), stride: optionalInts(), padding: intsOr(0) },
    owns: [],
    build: (site, [x], { kernel, stride, padding }) => {
      const window = pair(site, kernel, "kernel");
      const steps = stride === undefined ? window : pair(site, stride, "stride");
      return site.emit(
        "max_pool2d",
        { x: x! },
        { kernel: window, stride: steps, padding: pair(site, padding, "padding") },
      );
    },
  }),
  avgpool: defineLayer({
    doc: "the mean of each kernel-sized window of x [B, C, H, W], zeros around it counted, as torch.nn.AvgPool2d",
    operands: ["x"],
    parameters: { kernel: ints(), stride: optionalInts(), padding: intsOr(0) },
    owns: [],
    build: (site, [x], { kernel, stride, padding }) => {
      needRank(site, x!, 4, "[B, C, H, W]");
      const channels = knownSize(site, x!, 1);
      const window = pair(site, kernel, "kernel");
      const steps = stride === undefined ? window : pair(site, stride, "stride");
      const shape = [channels, 1, ...window].map((size) => dim(size));
      const weight = site.emit(
        "full",
        {},
        { dtype: x!.type.dtype, shape, value: 1 / (window[0] * window[1]) },
      );
      return site.emit(
        "conv2d",
        { x: x!, weight, bias: undefined },
        {
          stride: steps,
          padding: pair(site, padding, "padding"),
          groups: channels,
        },
      );
    },
  }),
} as const;
