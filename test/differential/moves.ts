import type { OpName } from "../../src/ops/table.ts";
import { constantDim, dim, productOfDims, sameDim, symbolDim, type Dim } from "../../src/tensor/dim.ts";
import { isFloat, type Dtype } from "../../src/tensor/dtype.ts";
import { sameType, tensorType } from "../../src/tensor/type.ts";
import type { Entry, Pool } from "./pool.ts";

/** A move adds nodes to a graph, if it finds what it needs there. */
export type Move = (pool: Pool) => Entry | undefined;

/** Widths below, at and beyond the tiles of both targets (8, 16, 64, 128, 256). */
export const widths = [1, 2, 3, 4, 8, 9, 16, 24, 33, 64, 65, 129, 130, 200, 257];

type Test = (entry: Entry) => boolean;

const has =
  (...dtypes: readonly Dtype[]): Test =>
  ({ value }) =>
    dtypes.includes(value.type.dtype);
const isF32 = has("f32");
const rank =
  (least: number): Test =>
  ({ value }) =>
    value.type.shape.length >= least;
const both =
  (...tests: readonly Test[]): Test =>
  (entry) =>
    tests.every((test) => test(entry));
const shapeOf = ({ value }: Entry): readonly Dim[] => value.type.shape;
const widthOf = (entry: Entry): number | undefined => {
  const last = shapeOf(entry).at(-1);
  return last === undefined ? undefined : constantDim(last);
};

/** A value that passes, most often the newest: values in many roles are what this is about. */
export function find(pool: Pool, test: Test): Entry | undefined {
  const fitting = pool.entries.filter(test);
  if (fitting.length === 0) return undefined;
  return pool.chance(0.5) ? fitting.at(-1) : pool.pick(fitting);
}

const alike = (pool: Pool, x: Entry): Entry =>
  pool.chance(0.35) ? x : (find(pool, ({ value }) => sameType(value.type, x.value.type)) ?? x);

const apply = (pool: Pool, op: OpName, x: Entry | undefined): Entry | undefined => x && pool.one(op, { x });

const smooth = "tanh sigmoid silu gelu gelu_tanh erf sin cos softplus exp abs neg relu relu2 square".split(
  " ",
) as OpName[];

const positive = (pool: Pool, x: Entry | undefined): Entry | undefined => {
  const half = pool.number(0.5);
  const squared = apply(pool, pool.pick<OpName>(["square", "sigmoid", "softplus", "abs"]), x);
  return squared && pool.one("add", { x: squared, y: half });
};

function norm(pool: Pool, x: Entry | undefined): Entry | undefined {
  if (x === undefined || !rank(1)(x)) return undefined;
  const width = shapeOf(x).at(-1)!;
  const vector = (center: number): Entry | undefined => {
    if (pool.chance(0.4)) return undefined;
    // A row of numbers may be its own weight.
    if (shapeOf(x).length === 1 && pool.chance(0.3)) return x;
    const computed = find(
      pool,
      ({ value: { type } }) =>
        type.dtype === "f32" && type.shape.length === 1 && sameDim(type.shape[0], width),
    );
    if (computed !== undefined && pool.chance(0.15)) return computed;
    return constantDim(width) === undefined ? undefined : pool.parameter([width], center);
  };
  const eps = pool.pick([1e-5, 1e-3]);
  switch (pool.random.below(4)) {
    case 0:
      return pool.one("layer_norm", { x, weight: vector(1), bias: vector(0) }, { eps });
    case 1:
      return pool.one(
        "rms_norm",
        { x, weight: vector(1), bias: vector(0) },
        { eps, unit_offset: pool.chance(0.3) },
      );
    case 2:
      return pool.one("l2_norm", { x });
    default: {
      const axis = pool.random.below(shapeOf(x).length);
      const channels = constantDim(shapeOf(x)[axis]!);
      if (channels === undefined) return undefined;
      const given = { mean: pool.parameter([channels], 0), variance: pool.parameter([channels], 1) };
      return pool.one("batch_norm", { x, ...given, weight: vector(1), bias: undefined }, { eps: 0.1, axis });
    }
  }
}

function linear(pool: Pool, x: Entry | undefined, out?: number): Entry | undefined {
  const width = x && widthOf(x);
  if (x === undefined || width === undefined) return undefined;
  const columns = out ?? (pool.chance(0.6) ? width : pool.pick(widths));
  if (pool.elementsOf(x.value.type) * columns > pool.products) return undefined;
  const isTurned = pool.chance(0.2);
  const square = find(pool, ({ value: { type } }) => sameType(type, tensorType("f32", columns, width)));
  const weight =
    square !== undefined && pool.chance(0.2)
      ? square
      : pool.parameter(isTurned ? [width, columns] : [columns, width]);
  const bias = pool.chance(0.4) ? pool.parameter([columns], 0) : undefined;
  return pool.one("linear", { x, weight, bias }, { layout: isTurned ? "in_out" : "out_in" });
}

/** One number, one a column, or one a row, that multiplies. */
function gained(pool: Pool, x: Entry | undefined): Entry | undefined {
  if (x === undefined) return undefined;
  const width = widthOf(x);
  const kind = pool.random.below(width === undefined ? 2 : 4);
  if (kind === 0) return pool.one("mul", { x, y: pool.number(pool.pick([0.5, -1, 1, 0])) });
  if (kind === 1) return pool.one("mul", { x, y: pool.parameter(pool.chance(0.5) ? [] : [1], 0.5) });
  if (kind === 2) return pool.one("mul", { x, y: pool.parameter([width!], 1) });
  const mean = pool.one("reduce_mean", { x }, { axes: [shapeOf(x).length - 1], keep: true });
  return mean && pool.one("mul", { x, y: mean });
}

const maybe = (
  pool: Pool,
  change: (pool: Pool, x: Entry | undefined) => Entry | undefined,
  x: Entry | undefined,
) => (pool.chance(0.4) ? change(pool, x) : x);

/** y = post(gain · s + gain · out(f(pre(x)))), with parts left out, and s now and then the very value that f reads. */
function edge(pool: Pool): Entry | undefined {
  const s = find(pool, both(isF32, rank(1)));
  if (s === undefined) return undefined;
  const width = widthOf(s);
  let branch = maybe(pool, norm, s);
  switch (pool.random.below(5)) {
    case 0:
      branch = linear(pool, branch, width);
      break;
    case 1: {
      const inner = linear(pool, branch);
      branch = linear(pool, apply(pool, pool.pick(smooth), inner), width);
      break;
    }
    case 2: {
      const [gate, up] = [
        linear(pool, branch, width),
        pool.chance(0.5) ? branch : linear(pool, branch, width),
      ];
      const opened = apply(pool, pool.pick<OpName>(["sigmoid", "silu", "tanh"]), gate);
      branch =
        opened && up && pool.one("mul", pool.chance(0.5) ? { x: opened, y: up } : { x: up, y: opened });
      break;
    }
    case 3:
      branch = apply(pool, pool.pick(smooth), branch);
      break;
    default:
  }
  branch = maybe(pool, gained, maybe(pool, norm, branch));
  const source = maybe(pool, gained, pool.chance(0.8) ? s : alike(pool, s));
  const sum =
    source &&
    branch &&
    pool.one(pool.pick<OpName>(["add", "add", "add", "sub", "mul"]), { x: source, y: branch });
  return pool.chance(0.6) ? norm(pool, sum) : sum;
}

const heads = [1, 2, 3, 4];

/** [B, T, D] seen as [B, T, H, D / H], maybe turned. */
function split(pool: Pool, x: Entry, count: number, isTurned: boolean): Entry | undefined {
  const [batch, rows, width] = shapeOf(x) as [Dim, Dim, Dim];
  const size = constantDim(width)! / count;
  const seen = pool.one("reshape", { x }, { shape: [batch, rows, dim(count), dim(size)] });
  return isTurned ? seen && pool.one("permute", { x: seen }, { axes: [0, 2, 1, 3] }) : seen;
}

const attention: Move = (pool) => {
  const x = find(
    pool,
    (entry) => isF32(entry) && shapeOf(entry).length === 3 && widthOf(entry) !== undefined,
  );
  if (x === undefined) return undefined;
  const [batch, rows, width] = shapeOf(x) as [Dim, Dim, Dim];
  const fitting = heads.filter((count) => constantDim(width)! % count === 0);
  const count = pool.pick(fitting);
  const isTurned = pool.chance(0.7);
  const layout = isTurned ? "heads_first" : "heads_last";
  const project = (): Entry | undefined => (pool.chance(0.3) ? x : linear(pool, x, constantDim(width)));
  const isOne = pool.chance(0.25);
  const first = project();
  const given = [first, isOne ? first : project(), isOne ? first : project()];
  if (given.includes(undefined)) return undefined;
  const parts = given.map((each) => split(pool, each!, count, isTurned));
  if (parts.includes(undefined)) return undefined;
  let [q, k] = parts as [Entry, Entry, Entry];
  const v = parts[2]!;
  if (pool.chance(0.3) && (constantDim(width)! / count) % 2 === 0) {
    const attrs = { layout, pairs: pool.pick(["halves", "interleaved"]) };
    const positions = pool.chance(0.2)
      ? find(pool, ({ value }) => sameType(value.type, tensorType("i32", batch, rows)))
      : undefined;
    const turn = (each: Entry): Entry => pool.one("rope", { x: each, positions }, attrs) ?? each;
    [q, k] = isOne && pool.chance(0.5) ? [turn(q), k] : [turn(q), turn(k)];
  }
  if (pool.chance(0.2))
    q = pool.one("rms_norm", { x: q, weight: undefined, bias: undefined }, { eps: 1e-5 }) ?? q;
  const mask = pool.chance(0.2) ? pool.input(tensorType("bool", batch, 1, 1, rows)) : undefined;
  const bias = pool.chance(0.2)
    ? pool.input(tensorType("f32", pool.chance(0.5) ? 1 : count, rows, rows))
    : undefined;
  const attrs = {
    layout,
    causal: pool.chance(0.5),
    scale: pool.pick([1, 0.25, 0.5]),
    alibi: pool.chance(0.1),
    softcap: pool.chance(0.15) ? 2 : 0,
    window: pool.chance(0.2) ? pool.pick([1, 2, 5]) : undefined,
  };
  const seen = pool.one("attend", { q, k, v, bias, mask }, attrs);
  const back = isTurned ? seen && pool.one("permute", { x: seen }, { axes: [0, 2, 1, 3] }) : seen;
  const out = back && pool.one("reshape", { x: back }, { shape: [batch, rows, width] });
  const ended = maybe(pool, (_, each) => linear(pool, each, constantDim(width)), out);
  return pool.chance(0.6) ? ended && pool.one("add", { x, y: ended }) : ended;
};

/** A matrix a head that falls, and by unit keys takes in at most what it does not know yet: its numbers stay in range. */
const recurrence: Move = (pool) => {
  const x = find(
    pool,
    (entry) => isF32(entry) && shapeOf(entry).length === 3 && widthOf(entry) !== undefined,
  );
  if (x === undefined) return undefined;
  const [batch, rows, width] = shapeOf(x) as [Dim, Dim, Dim];
  const count = pool.pick(heads.filter((each) => constantDim(width)! % each === 0));
  const groups = pool.pick(heads.filter((each) => count % each === 0));
  const project = (columns: number, of: number): Entry | undefined => {
    const made = linear(pool, x, columns);
    return made && split(pool, made, of, true);
  };
  const keys = pool.pick([1, 3, 8]);
  const [q, wild] = [project(groups * keys, groups), project(groups * keys, groups)];
  const v = split(pool, x, count, true);
  const k = wild && pool.one("l2_norm", { x: wild });
  if (q === undefined || k === undefined || v === undefined) return undefined;
  /** Numbers from 0 to 1, [B, H, T] or [B, H, T, K]. */
  const share = (isByChannel: boolean): Entry | undefined => {
    const made = project(count * (isByChannel ? keys : 1), count);
    const opened = made && pool.one("sigmoid", { x: made });
    return isByChannel
      ? opened
      : opened && pool.one("reshape", { x: opened }, { shape: [batch, dim(count), rows] });
  };
  const fall = pool.chance(0.7) ? share(pool.chance(0.3)) : undefined;
  const decay = fall && pool.one("neg", { x: fall });
  const beta = pool.chance(0.5) ? share(false) : undefined;
  const state = pool.chance(0.3)
    ? pool.input(tensorType("f32", batch, count, keys, constantDim(width)! / count))
    : undefined;
  const [seen, last] = pool.emit("linear_attend", { q, k, v, decay, beta, state }) ?? [];
  if (pool.chance(0.2)) return last;
  const back = seen && pool.one("permute", { x: seen }, { axes: [0, 2, 1, 3] });
  const out = back && pool.one("reshape", { x: back }, { shape: [batch, rows, width] });
  return pool.chance(0.6) ? out && pool.one("add", { x, y: out }) : out;
};

const unary: Move = (pool) => apply(pool, pool.pick(smooth), find(pool, isF32));

const binary: Move = (pool) => {
  const x = find(pool, isF32);
  if (x === undefined) return undefined;
  const y = pool.chance(0.7) ? alike(pool, x) : find(pool, isF32)!;
  return pool.one(pool.pick<OpName>(["add", "sub", "mul", "min", "max"]), { x, y });
};

const guarded: Move = (pool) => {
  const y = positive(pool, find(pool, isF32));
  if (y === undefined) return undefined;
  switch (pool.random.below(3)) {
    case 0:
      return pool.one("div", { x: alike(pool, y), y });
    case 1:
      return apply(pool, pool.pick<OpName>(["sqrt", "log", "rsqrt"]), y);
    default:
      return pool.one("pow", { x: y, y: pool.number(pool.pick([2, 0.5, -1, 3])) });
  }
};

const isExact: Test = ({ isExact }) => isExact;

const comparison: Move = (pool) => {
  const x = find(pool, both(isExact, has("f32", "i32")));
  if (x === undefined) return undefined;
  const { dtype } = x.value.type;
  const number = pool.number(pool.pick(dtype === "i32" ? [0, 1, 7] : [0, 1, 0.5]), dtype);
  const other = pool.chance(0.6) ? alike(pool, x) : number;
  const y = other.isExact ? other : x;
  return pool.one(pool.pick<OpName>(["eq", "ne", "lt", "le", "gt", "ge"]), { x, y });
};

const logic: Move = (pool) => {
  const x = find(pool, has("bool"));
  if (x === undefined) return undefined;
  if (pool.chance(0.3)) return apply(pool, "not", x);
  return pool.one(pool.pick<OpName>(["and", "or", "eq", "ne"]), { x, y: alike(pool, x) });
};

const choice: Move = (pool) => {
  const x = find(pool, has("f32", "i32"));
  const condition = find(pool, has("bool"));
  if (x === undefined || condition === undefined) return undefined;
  const y = pool.chance(0.3) ? pool.number(0, x.value.type.dtype) : alike(pool, x);
  return pool.one("where", pool.chance(0.5) ? { condition, x, y } : { condition, x: y, y: x });
};

const whole: Move = (pool) => {
  const x = find(pool, has("i32"));
  if (x === undefined) return undefined;
  if (pool.chance(0.3)) return apply(pool, pool.pick<OpName>(["neg", "abs", "relu", "square", "floor"]), x);
  if (pool.chance(0.3))
    return pool.one(pool.pick<OpName>(["mod", "pow"]), { x, y: pool.number(pool.pick([2, 3]), "i32") });
  const y = pool.chance(0.3) ? find(pool, isF32)! : alike(pool, x);
  return pool.one(pool.pick<OpName>(["add", "sub", "mul", "min", "max"]), { x, y });
};

const stepped: Move = (pool) => {
  const x = find(pool, both(isExact, isF32));
  if (x === undefined) return undefined;
  return pool.chance(0.5)
    ? apply(pool, "floor", x)
    : pool.one("mod", { x, y: pool.number(pool.pick([0.5, 1, -3, 0.375])) });
};

const cast: Move = (pool) => {
  const x = find(pool, isExact);
  if (x === undefined) return undefined;
  const made = pool.one("cast", { x }, { dtype: pool.pick<Dtype>(["f32", "i32", "bool", "f16", "bf16"]) });
  return made && isFloat(made.value.type.dtype) ? pool.one("cast", { x: made }, { dtype: "f32" }) : made;
};

const reduction: Move = (pool) => {
  const x = find(pool, both(has("f32", "i32"), rank(1)));
  if (x === undefined) return undefined;
  const axes = shapeOf(x)
    .map((_, axis) => axis)
    .filter(() => pool.chance(0.6));
  const op = pool.pick<OpName>(["reduce_sum", "reduce_mean", "reduce_max", "reduce_min"]);
  return pool.one(op, { x }, { axes, keep: pool.chance(0.5) });
};

const alongAxis: Move = (pool) => {
  const x = find(pool, both(has("f32", "i32"), rank(1)));
  if (x === undefined) return undefined;
  const axis = pool.random.below(shapeOf(x).length);
  return pool.one(pool.pick<OpName>(["cumsum", "softmax", "log_softmax"]), { x }, { axis });
};

const selection: Move = (pool) => {
  const x = find(
    pool,
    both(isExact, rank(1), has("f32", "i32"), (entry) => (widthOf(entry) ?? 0) >= 1),
  );
  if (x === undefined) return undefined;
  const width = widthOf(x)!;
  const [values, indices] = pool.emit("topk", { x }, { k: 1 + pool.random.below(Math.min(3, width)) }) ?? [];
  return values && pool.chance(0.6) ? pool.one("spread", { values, indices }, { size: width }) : indices;
};

const moved: Move = (pool) => {
  const x = find(pool, rank(1));
  if (x === undefined) return undefined;
  const shape = shapeOf(x);
  const axis = pool.random.below(shape.length);
  const size = constantDim(shape[axis]!);
  switch (pool.random.below(6)) {
    case 0:
      return pool.one(
        "permute",
        { x },
        { axes: shape.map((_, at) => at).sort(() => pool.random.uniform() - 0.5) },
      );
    case 1: {
      const start = size === undefined ? 0 : pool.random.below(size);
      return size === undefined
        ? undefined
        : pool.one(
            "slice",
            { x },
            { axis, start: dim(start), size: dim(1 + pool.random.below(size - start)) },
          );
    }
    case 2:
      return pool.one(
        "concat",
        { values: pool.chance(0.5) ? [x, x] : [x, alike(pool, x), alike(pool, x)] },
        { axis },
      );
    case 3:
      return pool.one("broadcast", { x }, { shape: [dim(pool.pick([1, 2, 3])), ...shape] });
    case 4:
      return pool.one("reshape", { x }, { shape: [productOfDims(shape.slice(0, -1)), shape.at(-1)!] });
    default:
      return pool.one("reshape", { x }, { shape: [...shape.slice(0, axis), dim(1), ...shape.slice(axis)] });
  }
};

/** Parts of one value against each other: views of one buffer. */
const halves: Move = (pool) => {
  const x = find(pool, (entry) => isF32(entry) && (widthOf(entry) ?? 1) % 2 === 0);
  if (x === undefined) return undefined;
  const [axis, size] = [shapeOf(x).length - 1, widthOf(x)! / 2];
  const [left, right] = [0, size].map((start) =>
    pool.one("slice", { x }, { axis, start: dim(start), size: dim(size) }),
  );
  const opened = maybe(pool, (_, each) => apply(pool, "sigmoid", each), right);
  const product = left && opened && pool.one(pool.pick<OpName>(["mul", "add"]), { x: left, y: opened });
  return product && pool.chance(0.5)
    ? pool.one("concat", { values: pool.chance(0.5) ? [left, product] : [product, right!] }, { axis })
    : product;
};

const product: Move = (pool) => {
  const a = find(pool, both(isF32, rank(2)));
  if (a === undefined) return undefined;
  const isTurned = pool.chance(0.5);
  const width = shapeOf(a).at(-1)!;
  const b = pool.chance(0.5)
    ? a
    : find(
        pool,
        (entry) => isF32(entry) && rank(2)(entry) && sameDim(shapeOf(entry).at(isTurned ? -1 : -2), width),
      );
  if (b === undefined) return undefined;
  const columns = pool.sizeOf(shapeOf(b).at(isTurned ? -2 : -1)!);
  if (pool.elementsOf(a.value.type) * columns > pool.products) return undefined;
  const scaled = pool.one("mul", { x: a, y: pool.number(0.125) });
  return scaled && pool.one("matmul", { a: pool.chance(0.5) ? a : scaled, b }, { transpose_b: isTurned });
};

/** Experts of each row: the matrices of its largest elements, by rows of something as long. */
const routed: Move = (pool) => {
  const scores = find(
    pool,
    both(isExact, rank(1), isF32, (entry) => (widthOf(entry) ?? 0) >= 1 && widthOf(entry)! <= 24),
  );
  if (scores === undefined) return undefined;
  const [leading, experts] = [shapeOf(scores).slice(0, -1), widthOf(scores)!];
  const isAlong: Test = (entry) =>
    isF32(entry) &&
    widthOf(entry) !== undefined &&
    sameType(tensorType("f32", ...shapeOf(entry).slice(0, -1)), tensorType("f32", ...leading));
  const x = find(pool, isAlong)!;
  const [width, columns] = [widthOf(x)!, pool.pick(widths)];
  const k = 1 + pool.random.below(Math.min(3, experts));
  if (pool.elementsOf(x.value.type) * columns * k > pool.products) return undefined;
  if (experts * width * columns > pool.products) return undefined;
  const [, chosen] = pool.emit("topk", { x: scores }, { k }) ?? [];
  const rows = pool.one("reshape", { x }, { shape: [...leading, dim(1), dim(width)] });
  if (chosen === undefined || rows === undefined) return undefined;
  const isTurned = pool.chance(0.4);
  const weight = pool.parameter([experts, ...(isTurned ? [width, columns] : [columns, width])]);
  const layout = isTurned ? "in_out" : "out_in";
  const made = pool.one("routed_linear", { x: rows, weight, chosen }, { layout });
  const ended =
    made && pool.chance(0.3)
      ? pool.one("routed_linear", { x: made, weight: pool.parameter([experts, width, columns]), chosen }, {})
      : made;
  return ended && pool.one("reduce_sum", { x: ended }, { axes: [leading.length], keep: false });
};

const lookup: Move = (pool) => {
  const ids = find(
    pool,
    (entry) => has("i32")(entry) && entry.data.data.every((id) => id >= 0 && id < 16) && isGiven(entry),
  );
  return ids && pool.one("embedding", { table: pool.parameter([16, pool.pick(widths)]), ids });
};

/** Ids stay in range whatever the inputs are. */
const isGiven: Test = ({ value }) => /^x\d+$/.test(value.hint ?? "");

const places: Move = (pool) => {
  const size = pool.pick([dim(5), ...[...pool.sizes.keys()].map(symbolDim)]);
  const attrs = { rows: size, columns: size, buckets: 8, far: 20, causal: pool.chance(0.5) };
  return pool.chance(0.6) ? pool.one("iota", {}, { size }) : pool.one("relative_bucket", {}, attrs);
};

const picture: Move = (pool) => {
  const known = find(
    pool,
    (entry) => isF32(entry) && shapeOf(entry).length === 4 && constantDim(shapeOf(entry)[1]!) !== undefined,
  );
  const x =
    known !== undefined && pool.chance(0.7)
      ? known
      : pool.input(tensorType("f32", pool.sizes.has("B") ? symbolDim("B") : 2, 4, 9, 7));
  const channels = constantDim(shapeOf(x)[1]!)!;
  const [height, width] = shapeOf(x)
    .slice(2)
    .map((size) => pool.sizeOf(size)) as [number, number];
  if (height < 3 || width < 3) return undefined;
  if (pool.chance(0.3))
    return pool.one("max_pool2d", { x }, { kernel: [2, 3], stride: [2, 1], padding: [1, 0] });
  const groups = pool.chance(0.3) && channels % 2 === 0 ? 2 : 1;
  const out = pool.pick([2, 4, channels]);
  if (out % groups !== 0 || height * width * out * channels * 9 > pool.products) return undefined;
  const weight = pool.parameter([out, channels / groups, 3, 3]);
  const bias = pool.chance(0.5) ? pool.parameter([out], 0) : undefined;
  const made = pool.one(
    "conv2d",
    { x, weight, bias },
    {
      stride: pool.pick([
        [1, 1],
        [2, 1],
      ]),
      padding: [1, 1],
      groups,
    },
  );
  return made && sameType(made.value.type, x.value.type) ? pool.one("add", { x, y: made }) : made;
};

/** A row of numbers that the graph itself holds. */
const constants: Move = (pool) => {
  const x = find(pool, (entry) => isF32(entry) && widthOf(entry) !== undefined);
  if (x === undefined) return undefined;
  const width = widthOf(x)!;
  const values = Array.from({ length: width }, () => (pool.random.below(9) - 4) / 4);
  const row = pool.one("constant", {}, { dtype: "f32", shape: [dim(width)], values });
  return row && pool.one(pool.pick<OpName>(["add", "mul", "max"]), { x, y: row });
};

const loss: Move = (pool) => {
  const isScored = pool.chance(0.3);
  const x = find(pool, both(isF32, rank(2), isScored ? isExact : () => true));
  if (x === undefined) return undefined;
  if (!isScored && pool.chance(0.5)) return pool.one("mean_squared_error", { x, y: alike(pool, x) });
  const width = widthOf(x);
  if (width === undefined || width < 16) return undefined;
  const targets = pool.input(tensorType("i32", ...shapeOf(x).slice(0, -1)));
  const ignore = pool.chance(0.3) ? 3 : undefined;
  if (isScored) return pool.one("accuracy", { logits: x, targets }, { ignore });
  return pool.one("cross_entropy", { logits: x, targets }, { ignore, smoothing: pool.pick([0, 0.1]) });
};

const linearMove: Move = (pool) => linear(pool, find(pool, isF32));

const gainMove: Move = (pool) => gained(pool, find(pool, isF32));

/** All moves with their weights. */
export const moves: readonly (readonly [number, Move])[] = [
  [20, edge],
  [4, attention],
  [2, recurrence],
  [3, unary],
  [6, binary],
  [2, guarded],
  [3, comparison],
  [2, logic],
  [4, choice],
  [2, whole],
  [1, stepped],
  [1, cast],
  [2, reduction],
  [2, alongAxis],
  [1, selection],
  [4, moved],
  [2, halves],
  [3, product],
  [2, routed],
  [1, lookup],
  [1, places],
  [1, picture],
  [1, constants],
  [2, loss],
  [2, (pool) => norm(pool, find(pool, isF32))],
  [3, linearMove],
  [2, gainMove],
];

/** Those whose gradients a last bit does not turn. */
export const smoothMoves: readonly (readonly [number, Move])[] = [
  [8, edge],
  [3, attention],
  [2, recurrence],
  [2, halves],
  [2, linearMove],
  [2, gainMove],
];
