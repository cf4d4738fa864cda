import type { Node, NodeOf, Value } from "../../../ir/graph.ts";
import { constantDim, dim, sameDim, type Dim } from "../../../tensor/dim.ts";
import type { Dtype } from "../../../tensor/dtype.ts";
import type { Shape } from "../../../tensor/type.ts";
import { Refused, type ShapeOp } from "../../table.ts";
import { atom, number, type Expression } from "../python.ts";
import type { Site, TorchTable } from "../site.ts";

/** Whole numbers are int64 throughout, as torch's indices are. */
const dtypeNames: Readonly<Record<Dtype, string>> = {
  f64: "torch.float64",
  f32: "torch.float32",
  f16: "torch.float16",
  bf16: "torch.bfloat16",
  i64: "torch.int64",
  i32: "torch.int64",
  u32: "torch.int64",
  i16: "torch.int64",
  i8: "torch.int64",
  u8: "torch.int64",
  bool: "torch.bool",
};

export const dtypeText = (dtype: Dtype): string => dtypeNames[dtype];

const full = ({ attrs: { dtype, shape, value } }: NodeOf<"full">, site: Site): Expression => {
  const element = dtype === "bool" ? (value === 0 ? "False" : "True") : number(value);
  const size = shape.length === 1 ? `(${site.dims(shape)},)` : `(${site.dims(shape)})`;
  return atom(`torch.full(${size}, ${element}, dtype=${dtypeText(dtype)}, device=${site.device()})`);
};

const constant = ({ attrs: { dtype, shape, values } }: NodeOf<"constant">, site: Site): Expression => {
  const named = site.constant("VALUES", values);
  const made = `torch.tensor(${named}, dtype=${dtypeText(dtype)}, device=${site.device()})`;
  return atom(shape.length === 1 ? made : `${made}.reshape(${site.dims(shape)})`);
};

/** The axes that two shapes begin with. */
function commonStart(a: Shape, b: Shape): number {
  let count = 0;
  while (count < Math.min(a.length, b.length) && sameDim(a[count], b[count])) count++;
  return count;
}

/**
 * Heads are cut by their width and joined by what is there, never by their number, so that the text is right for a device that
 * has some of them.
 */
function reshape({ operands: { x }, attrs: { shape } }: NodeOf<"reshape">, site: Site): Expression {
  const from = x.type.shape;
  const start = commonStart(from, shape);
  const [kept, made] = [from.length - start, shape.length - start];
  const [last] = shape.slice(-1);
  if (kept === 1 && made === 2 && constantDim(last!) !== undefined)
    return atom(`${site.atom(x)}.unflatten(-1, (-1, ${site.dim(last!)}))`);
  if (kept === 2 && made === 1) return atom(`${site.atom(x)}.flatten(-2)`);
  const added = addedAxis(from, shape);
  if (added !== undefined) return atom(`${site.atom(x)}.unsqueeze(${added})`);
  const removed = addedAxis(shape, from);
  if (removed !== undefined) return atom(`${site.atom(x)}.squeeze(${removed})`);
  return atom(`${site.atom(x)}.reshape(${shape.length === 0 ? "()" : site.dims(shape)})`);
}

/** Where an axis of one was put in. */
function addedAxis(from: Shape, to: Shape): number | undefined {
  if (to.length !== from.length + 1) return undefined;
  const start = commonStart(from, to);
  const rest = from.slice(start);
  const isOne = sameDim(to[start], dim(1));
  return isOne && rest.every((size, at) => sameDim(size, to[start + 1 + at])) ? start : undefined;
}

function permute({ operands: { x }, attrs: { axes } }: NodeOf<"permute">, site: Site): Expression {
  const moved = axes.flatMap((axis, at) => (axis === at ? [] : [at]));
  const [first, second] = moved;
  if (moved.length === 2) return atom(`${site.atom(x)}.transpose(${first}, ${second})`);
  return atom(`${site.atom(x)}.permute(${axes.join(", ")})`);
}

const slice = ({ operands: { x }, attrs }: NodeOf<"slice">, site: Site): Expression =>
  atom(`${site.atom(x)}.narrow(${attrs.axis}, ${site.dim(attrs.start)}, ${site.dim(attrs.size)})`);

function concat({ operands: { values }, attrs: { axis } }: NodeOf<"concat">, site: Site): Expression {
  const stacked = stackedParts(values, axis, site);
  const [name, parts] = stacked === undefined ? ["cat", values.map(site.read)] : ["stack", stacked];
  const listed = ofList(parts) ?? `(${parts.join(", ")}${parts.length === 1 ? "," : ""})`;
  return atom(`torch.${name}(${listed}, ${axis})`);
}

/** `[each.weight for each in self.experts]` of the same part of all elements of a list. */
function ofList(parts: readonly string[]): string | undefined {
  const [first] = parts as [string];
  const at = first.indexOf("[0]");
  if (at < 0 || parts.length < 2) return undefined;
  const [list, part] = [first.slice(0, at), first.slice(at + 3)];
  if (parts.some((text, place) => text !== `${list}[${place}]${part}`)) return undefined;
  return `[each${part} for each in ${list}]`;
}

/** What was given an axis of one to be joined along it. */
function stackedParts(values: readonly Value[], axis: number, site: Site): readonly string[] | undefined {
  if (values.length < 2) return undefined;
  const parts = values.map((value) => {
    const node: Node | undefined = site.producer(value);
    if (node?.op !== "reshape" || addedAxis(node.operands.x.type.shape, value.type.shape) !== axis)
      return undefined;
    return site.read(node.operands.x);
  });
  return parts.every((part) => part !== undefined) ? parts : undefined;
}

const cast = ({ operands: { x }, attrs: { dtype } }: NodeOf<"cast">, site: Site): Expression =>
  atom(dtype === "f32" ? `${site.atom(x)}.float()` : `${site.atom(x)}.to(${dtypeText(dtype)})`);

const isZero = (size: Dim): boolean => constantDim(size) === 0;

const iota = ({ attrs: { size, start } }: NodeOf<"iota">, site: Site): Expression => {
  const range = isZero(start) ? site.dim(size) : `${site.dim(start)}, ${site.dim(start)} + ${site.dim(size)}`;
  return atom(`torch.arange(${range}, device=${site.device()})`);
};

const relativeBucket = ({ attrs }: NodeOf<"relative_bucket">, site: Site): Expression => {
  if (!isZero(attrs.row_start) || !isZero(attrs.column_start))
    throw new Refused("attribute", "relative_bucket of a part of its rows");
  const sizes = `${site.dim(attrs.rows)}, ${site.dim(attrs.columns)}`;
  const causal = attrs.causal ? "True" : "False";
  return atom(
    `${site.helper("relative_bucket")}(${sizes}, ${attrs.buckets}, ${attrs.far}, ${causal}, ${site.device()})`,
  );
};

type Reduction = Pick<NodeOf<"reduce_sum">, "operands" | "attrs">;

const reduce =
  (method: string) =>
  ({ operands: { x }, attrs: { axes, keep } }: Reduction, site: Site): Expression => {
    if (axes.length === 0) return { text: site.read(x), atom: false };
    const along = axes.length === 1 ? String(axes[0]) : `(${axes.join(", ")})`;
    const isAll = axes.length === x.type.shape.length && !keep && (method === "sum" || method === "mean");
    return atom(`${site.atom(x)}.${method}(${isAll ? "" : `${along}${keep ? ", keepdim=True" : ""}`})`);
  };

export const shapes: Pick<TorchTable, ShapeOp> = {
  constant,
  full,
  iota,
  relative_bucket: relativeBucket,
  reshape,
  permute,
  broadcast: ({ operands: { x }, attrs: { shape } }, site) =>
    atom(`${site.atom(x)}.expand(${site.dims(shape)})`),
  slice,
  concat,
  cast,
  reduce_sum: reduce("sum"),
  reduce_mean: reduce("mean"),
  reduce_max: reduce("amax"),
  reduce_min: reduce("amin"),
  cumsum: ({ operands: { x }, attrs: { axis } }, site) => atom(`${site.atom(x)}.cumsum(${axis})`),
  topk: ({ operands: { x }, attrs: { k } }, site) => atom(`${site.atom(x)}.topk(${k})`),
  spread: ({ operands: { values, indices }, attrs: { size } }, site) => {
    const shape = [...values.type.shape.slice(0, -1), dim(size)];
    return atom(
      `${site.atom(values)}.new_zeros(${site.dims(shape)}).scatter(-1, ${site.read(indices)}, ${site.read(values)})`,
    );
  },
  take: ({ operands: { x, indices } }, site) => atom(`${site.atom(x)}.gather(-1, ${site.read(indices)})`),
  softmax: ({ operands: { x }, attrs: { axis } }, site) => atom(`${site.atom(x)}.softmax(${axis})`),
  log_softmax: ({ operands: { x }, attrs: { axis } }, site) => atom(`${site.atom(x)}.log_softmax(${axis})`),
};
