import type { NodeOf } from "../../../ir/graph.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { Dtype } from "../../../tensor/dtype.ts";
import { Refused, type ShapeOp } from "../../table.ts";
import { atom, number, tupleText, type Expression } from "../../torch/python.ts";
import type { JaxTable, Site } from "../site.ts";

/** Whole numbers are int32, as jax holds them without x64. */
const dtypes: Readonly<Record<Dtype, string>> = {
  f64: "jnp.float32",
  f32: "jnp.float32",
  f16: "jnp.float16",
  bf16: "jnp.bfloat16",
  i64: "jnp.int32",
  i32: "jnp.int32",
  u32: "jnp.int32",
  i16: "jnp.int32",
  i8: "jnp.int32",
  u8: "jnp.int32",
  bool: "jnp.bool_",
};

export const dtypeText = (dtype: Dtype): string => dtypes[dtype];

type Reduction = Pick<NodeOf<"reduce_sum">, "operands" | "attrs">;

const reduce =
  (name: string) =>
  ({ operands: { x }, attrs: { axes, keep } }: Reduction, site: Site): Expression =>
    axes.length === 0
      ? { text: site.read(x), atom: false }
      : atom(
          `jnp.${name}(${site.read(x)}, ${axes.length === 1 ? axes[0]! : `(${axes.join(", ")})`}${keep ? ", keepdims=True" : ""})`,
        );

const full = ({ attrs: { dtype, shape, value } }: NodeOf<"full">, site: Site): Expression => {
  const element = dtype === "bool" ? (value === 0 ? "False" : "True") : number(value);
  // A number of a kind takes the kind of what it stands beside.
  if (shape.length === 0) return { text: element, atom: !element.startsWith("-") };
  site.dims(shape);
  return atom(`jnp.full(${tupleText(shape)}, ${element}, ${dtypeText(dtype)})`);
};

const constant = ({ attrs: { dtype, shape, values } }: NodeOf<"constant">, site: Site): Expression => {
  const made = `jnp.array(${site.constant("VALUES", values)}, ${dtypeText(dtype)})`;
  return atom(shape.length === 1 ? made : `${made}.reshape(${shape.length === 0 ? "()" : site.dims(shape)})`);
};

const iota = ({ attrs: { size, start } }: NodeOf<"iota">, site: Site): Expression => {
  const first = site.dim(start);
  return atom(
    constantDim(start) === 0
      ? `jnp.arange(${site.dim(size)})`
      : `jnp.arange(${first}, ${first} + ${site.dim(size)})`,
  );
};

const relativeBucket = (node: NodeOf<"relative_bucket">, site: Site): Expression => {
  const { rows, columns, buckets, far, causal, row_start: row, column_start: column } = node.attrs;
  if (constantDim(row) !== 0 || constantDim(column) !== 0)
    throw new Refused("attribute", "relative_bucket of a part of its rows", node);
  const sizes = `${site.dim(rows)}, ${site.dim(columns)}, ${buckets}, ${far}`;
  return atom(`${site.helper("relative_bucket")}(${sizes}, ${causal ? "True" : "False"})`);
};

export const shapes: Pick<JaxTable, ShapeOp> = {
  constant,
  full,
  iota,
  relative_bucket: relativeBucket,
  reshape: ({ operands: { x }, attrs: { shape } }, site) =>
    atom(`${site.atom(x)}.reshape(${shape.length === 0 ? "()" : site.dims(shape)})`),
  permute: ({ operands: { x }, attrs: { axes } }, site) =>
    atom(`${site.atom(x)}.transpose(${axes.join(", ")})`),
  broadcast: ({ operands: { x }, attrs: { shape } }, site) => {
    site.dims(shape);
    return atom(`jnp.broadcast_to(${site.read(x)}, ${tupleText(shape)})`);
  },
  slice: ({ operands: { x }, attrs: { axis, start, size } }, site) => {
    const first = site.dim(start);
    const end = constantDim(start) === 0 ? site.dim(size) : `${first} + ${site.dim(size)}`;
    return atom(`lax.slice_in_dim(${site.read(x)}, ${first}, ${end}, axis=${axis})`);
  },
  concat: ({ operands: { values }, attrs: { axis } }, site) =>
    atom(`jnp.concatenate((${values.map(site.read).join(", ")},), ${axis})`),
  cast: ({ operands: { x }, attrs: { dtype } }, site) =>
    atom(`jnp.asarray(${site.read(x)}, ${dtypeText(dtype)})`),
  reduce_sum: reduce("sum"),
  reduce_mean: reduce("mean"),
  reduce_max: reduce("max"),
  reduce_min: reduce("min"),
  cumsum: ({ operands: { x }, attrs: { axis } }, site) => atom(`jnp.cumsum(${site.read(x)}, ${axis})`),
  topk: ({ operands: { x }, attrs: { k } }, site) => atom(`lax.top_k(${site.read(x)}, ${k})`),
  spread: ({ operands: { values, indices }, attrs: { size } }, site) =>
    atom(`${site.helper("spread")}(${site.read(values)}, ${site.read(indices)}, ${size})`),
  take: ({ operands: { x, indices } }, site) =>
    atom(`jnp.take_along_axis(${site.read(x)}, ${site.read(indices)}, -1)`),
  softmax: ({ operands: { x }, attrs: { axis } }, site) => atom(`jax.nn.softmax(${site.read(x)}, ${axis})`),
  log_softmax: ({ operands: { x }, attrs: { axis } }, site) =>
    atom(`jax.nn.log_softmax(${site.read(x)}, ${axis})`),
};
