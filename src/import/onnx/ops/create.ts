import { heldAs } from "../../../checkpoint/onnx/held.ts";
import { Problem } from "../../../checkpoint/problem.ts";
import { toHostTensor, toStored, type StoredTensor } from "../../../checkpoint/stored.ts";
import { constantDim, dim, subtractDims } from "../../../tensor/dim.ts";
import { NoForm } from "../graph.ts";
import { intOf } from "../model.ts";
import type { Site } from "../site.ts";
import { rankOf, type Convert } from "./form.ts";

/** Numbers that stand in an attribute. */
const constant: Convert = ({ node }) => {
  const of = (name: string) => node.attributes.get(name);
  const tensor = of("value")?.tensor;
  if (tensor !== undefined) return tensor;
  const [float, floats, int, ints] = [
    of("value_float"),
    of("value_floats"),
    of("value_int"),
    of("value_ints"),
  ];
  const numbers = (dtype: "f32" | "i64", shape: readonly number[], values: readonly number[]): StoredTensor =>
    toStored({ dtype, shape, data: Float64Array.from(values) });
  if (float?.float !== undefined) return numbers("f32", [], [float.float]);
  if (floats !== undefined) return numbers("f32", [floats.floats.length], floats.floats);
  if (int?.int !== undefined) return numbers("i64", [], [int.int]);
  if (ints !== undefined) return numbers("i64", [ints.ints.length], ints.ints);
  throw new NoForm("a value that is no numbers");
};

const constantOfShape: Convert = (site) => {
  const value = site.node.attributes.get("value")?.tensor;
  const shape = site.shape(0);
  if (value === undefined) return site.full(shape, "f32", 0);
  const host = toHostTensor(value, "a constant");
  if (host instanceof Problem || host.data.length !== 1) throw new NoForm("a value of several elements");
  return site.full(shape, heldAs(value.dtype), host.data[0]!);
};

/** Whole numbers in turn, from a size to another; others where the file has all three. */
const range: Convert = (site) => {
  const [start, limit, step] = [0, 1, 2].map((index) => site.sizes(index)?.dims[0]);
  if (start === undefined || limit === undefined || step === undefined || constantDim(step) !== 1)
    throw new NoForm("other than whole numbers one by one");
  return site.emit("iota", {}, { size: subtractDims(limit, start), start });
};

/** Row and column of each element of a matrix, as i32[R, 1] and i32[C]. */
const places = (site: Site, x: { readonly type: { readonly shape: readonly ReturnType<typeof dim>[] } }) => {
  const [rows, columns] = x.type.shape.slice(-2);
  const row = site.emit("iota", {}, { size: rows! });
  const column = site.emit("iota", {}, { size: columns! });
  return { row: site.reshape(row, [rows!, dim(1)]), column };
};

/** What lies on one side of a diagonal, zero elsewhere. */
const trilu: Convert = (site) => {
  const x = site.value(0);
  if (rankOf(x) < 2) throw new NoForm("fewer than two axes");
  const shift = site.has(1) ? site.sizes(1)?.dims[0] : dim(0);
  if (shift === undefined) throw new NoForm("a diagonal that is computed");
  const { row, column } = places(site, x);
  const moved =
    constantDim(shift) === 0
      ? row
      : site.emit("add", { x: row, y: site.number(constantDim(shift) ?? NaN, "i32") }, {});
  if (constantDim(shift) === undefined) throw new NoForm("a diagonal that depends on a size");
  const isUpper = intOf(site.node, "upper", 1) === 1;
  const condition = site.emit(isUpper ? "ge" : "le", { x: column, y: moved }, {});
  if (x.type.dtype === "bool") return site.emit("and", { x, y: condition }, {});
  return site.emit("where", { condition, x, y: site.number(0, x.type.dtype) }, {});
};

export const createOps: Readonly<Record<string, Convert>> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  Trilu: trilu,
};
