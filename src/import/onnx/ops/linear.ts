import type { Value } from "../../../ir/graph.ts";
import { dim, sameDim } from "../../../tensor/dim.ts";
import { NoForm } from "../graph.ts";
import { floatOf, intOf, intsOf, textOf } from "../model.ts";
import type { Site } from "../site.ts";
import { rankOf, swapped, type Convert } from "./form.ts";

/** A matrix product of leading axes that broadcast; a vector is a row or a column of one. */
const matmul: Convert = (site) => {
  const [a, b] = [site.value(0), site.value(1)];
  if (rankOf(a) === 0 || rankOf(b) === 0) throw new NoForm("numbers");
  const rows = rankOf(a) === 1 ? site.reshape(a, [dim(1), ...a.type.shape]) : a;
  const columns = rankOf(b) === 1 ? site.reshape(b, [...b.type.shape, dim(1)]) : b;
  const made = site.emit("matmul", { a: rows, b: columns }, {});
  const { shape } = made.type;
  const end = rankOf(b) === 1 ? shape.length - 1 : shape.length;
  const kept = rankOf(a) === 1 ? shape.slice(0, -2).concat(shape.slice(-1)) : shape;
  return rankOf(a) === 1 || rankOf(b) === 1
    ? site.reshape(made, rankOf(b) === 1 ? kept.slice(0, rankOf(a) === 1 ? -1 : end) : kept)
    : made;
};

/** alpha · A B + beta · C, each matrix turned if that is asked for. */
const gemm: Convert = (site) => {
  const { node } = site;
  const turned = (x: Value, name: string): Value =>
    intOf(node, name, 0) === 1 ? site.permute(x, swapped(2, 0, 1)) : x;
  const scaled = (x: Value, name: string): Value => {
    const factor = floatOf(node, name, 1);
    return factor === 1 ? x : site.emit("mul", { x, y: site.number(factor) }, {});
  };
  const [a, b] = [turned(site.value(0), "transA"), turned(site.value(1), "transB")];
  const product = scaled(site.emit("matmul", { a, b }, {}), "alpha");
  const c = site.optional(2);
  return c === undefined ? product : site.emit("add", { x: product, y: scaled(c, "beta") }, {});
};

interface Windows {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

/** Windows over two axes, with as much around them on both sides. */
function windowsOf(site: Site): Windows {
  const { node } = site;
  const stride = intsOf(node, "strides") ?? [1, 1];
  const [top = 0, left = 0, bottom = top, right = left] = intsOf(node, "pads") ?? [];
  const padding = textOf(node, "auto_pad", "NOTSET");
  if (!["NOTSET", "VALID"].includes(padding)) throw new NoForm(`\`auto_pad\` ${padding}`);
  if (top !== bottom || left !== right) throw new NoForm("more around it on one side than on the other");
  if ((intsOf(node, "dilations") ?? []).some((rate) => rate !== 1)) throw new NoForm("dilations");
  if (intOf(node, "ceil_mode", 0) === 1) throw new NoForm("`ceil_mode`");
  if (rankOf(site.value(0)) !== 4) throw new NoForm("other than two axes");
  return { stride, padding: [top, left] };
}

const conv: Convert = (site) =>
  site.emit(
    "conv2d",
    { x: site.value(0), weight: site.value(1), bias: site.optional(2) },
    { ...windowsOf(site), groups: intOf(site.node, "group", 1) },
  );

const maxPool: Convert = (site) => {
  const kernel = intsOf(site.node, "kernel_shape") ?? [];
  return site.emit("max_pool2d", { x: site.value(0) }, { ...windowsOf(site), kernel });
};

const averagePool: Convert = (site) => {
  const x = site.value(0);
  const kernel = intsOf(site.node, "kernel_shape") ?? [];
  const windows = windowsOf(site);
  const isPadded = windows.padding.some((size) => size > 0);
  if (isPadded && intOf(site.node, "count_include_pad", 0) === 0)
    throw new NoForm("a mean that does not count what is around");
  const channels = x.type.shape[1]!;
  const [rows = 1, columns = 1] = kernel;
  const weight = site.full([channels, dim(1), dim(rows), dim(columns)], "f32", 1 / (rows * columns));
  const groups = Number(channels.key);
  if (!Number.isSafeInteger(groups) || !sameDim(dim(groups), channels))
    throw new NoForm("channels of a run-time size");
  return site.emit("conv2d", { x, weight, bias: undefined }, { ...windows, groups });
};

export const linearOps: Readonly<Record<string, Convert>> = {
  AveragePool: averagePool,
  Conv: conv,
  Gemm: gemm,
  MatMul: matmul,
  MaxPool: maxPool,
};
