import type { Graph, Node, Value } from "../../src/ir/graph.ts";
import { tryMakeNode } from "../../src/ir/node.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { Mismatch } from "../../src/ops/define.ts";
import type { OpName } from "../../src/ops/table.ts";
import { addDims, dim, multiplyDims, symbolDim, type Dim } from "../../src/tensor/dim.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { tensorType } from "../../src/tensor/type.ts";

const [B, T, S] = [symbolDim("B"), symbolDim("T"), symbolDim("S")];
const WIDTH = 4;
const MOST_AXES = 4;

type Move = (graph: Growing) => Value | undefined;

/** A graph over positions while it grows: what decoders are made of, and what only looks like it. */
class Growing {
  readonly random: RandomStream;
  readonly nodes: Node[] = [];
  readonly x: Value = { type: tensorType("f32", B, T, WIDTH), hint: "x" };
  readonly memory: Value = { type: tensorType("f32", B, S, WIDTH), hint: "memory" };
  readonly weight: Value = { type: tensorType("f32", WIDTH, WIDTH), hint: "w" };
  readonly table: Value = { type: tensorType("f32", 40, WIDTH), hint: "table" };
  readonly kernel: Value = { type: tensorType("f32", WIDTH, 1, 3, 1), hint: "kernel" };
  readonly values: Value[] = [this.x];

  constructor(seed: number) {
    this.random = new RandomStream(seed, "graph");
  }

  chance = (share: number): boolean => this.random.uniform() < share;
  pick = <X>(list: readonly X[]): X => list[this.random.below(list.length)]!;

  /** Mostly the newest, so that graphs are deep. */
  some = (): Value => (this.chance(0.7) ? this.values.at(-1)! : this.pick(this.values));

  node(op: OpName, operands: Readonly<Record<string, unknown>>, attrs: object = {}): Value | undefined {
    if (Object.values(operands).some((operand) => operand === null)) return undefined;
    const made = tryMakeNode(op, operands as never, attrs);
    if (made instanceof Mismatch) return undefined;
    const isSquared = ({ terms }: Dim): boolean =>
      terms.some(({ factors }) => factors.filter(({ key }) => key === "T").length > 1);
    if (made.results.some(({ type }) => type.shape.some(isSquared) || type.shape.length > MOST_AXES + 1))
      return undefined;
    this.nodes.push(made as Node);
    return made.results[0];
  }

  number = (value: number, dtype = "f32"): Value => this.node("full", {}, { dtype, shape: [], value })!;

  /** f32[T, 1] or f32[1, T]. */
  position(axis: 0 | 1): Value {
    const at = this.node("cast", { x: this.node("iota", {}, { size: T }) }, { dtype: "f32" });
    return this.node("reshape", { x: at }, { shape: axis === 0 ? [T, dim(1)] : [dim(1), T] })!;
  }

  /** bool[T, T]: causal, or nearly. */
  past(): Value {
    const row = this.position(0);
    const moved = this.chance(0.3) ? this.node("add", { x: row, y: this.number(this.pick([-1, 1])) }) : row;
    return this.node(this.pick<OpName>(["ge", "ge", "ge", "gt", "le", "lt", "eq"]), {
      x: moved,
      y: this.position(1),
    })!;
  }

  /** [B, rows, D] as [B, 1, rows, D]. */
  withHead(x: Value): Value | undefined {
    const { shape } = x.type;
    if (shape.length === 4) return x;
    return shape.length === 3
      ? this.node("reshape", { x }, { shape: [shape[0]!, dim(1), shape[1]!, shape[2]!] })
      : undefined;
  }

  withoutHead(x: Value | undefined): Value | undefined {
    const shape = x?.type.shape ?? [];
    return shape[1]?.key === "1"
      ? this.node("reshape", { x }, { shape: [shape[0]!, shape[2]!, shape[3]!] })
      : x;
  }
}

const elementwise: Move = (g) =>
  g.node(g.pick<OpName>(["tanh", "neg", "sigmoid", "square", "cos"]), { x: g.some() });
const combined: Move = (g) =>
  g.node(g.pick<OpName>(["add", "sub", "mul", "min", "max"]), { x: g.some(), y: g.pick(g.values) });
const linear: Move = (g) => g.node("linear", { x: g.some(), weight: g.weight });

const turned: Move = (g) => {
  const x = g.some();
  const axes = x.type.shape.map((_, axis) => axis);
  const [a, b] = [g.pick(axes), g.pick(axes)];
  return g.node("permute", { x }, { axes: axes.map((axis) => (axis === a ? b : axis === b ? a : axis)) });
};

const overAxis: Move = (g) => {
  const x = g.some();
  return g.node(
    g.pick<OpName>(["cumsum", "softmax", "log_softmax"]),
    { x },
    { axis: g.random.below(x.type.shape.length) },
  );
};

const reduced: Move = (g) => {
  const x = g.some();
  const op = g.pick<OpName>(["reduce_sum", "reduce_mean", "reduce_max", "reduce_min"]);
  return g.node(op, { x }, { axes: [g.random.below(x.type.shape.length)], keep: g.chance(0.7) });
};

const padded: Move = (g) => {
  const x = g.some();
  const axis = g.random.below(x.type.shape.length);
  const shape = x.type.shape.with(axis, dim(1 + g.random.below(2)));
  const rows = g.node("full", {}, { dtype: "f32", shape, value: g.pick([0, 0, 0.5]) })!;
  return g.node("concat", { values: g.chance(0.7) ? [rows, x] : [x, rows] }, { axis });
};

const cut: Move = (g) => {
  const x = g.some();
  const axis = g.random.below(x.type.shape.length);
  if (x.type.shape[axis]!.terms.every(({ factors }) => factors.length === 0)) return undefined;
  const size = g.pick([T, T, addDims(T, dim(-1)), addDims(T, dim(1)), dim(1)]);
  const start =
    size.key === "1" && g.chance(0.4) ? addDims(T, dim(g.pick([-1, -1, 0, -2]))) : dim(g.random.below(3));
  return g.node("slice", { x }, { axis, start, size });
};

const product: Move = (g) =>
  g.node("matmul", { a: g.some(), b: g.pick(g.values) }, { transpose_b: g.chance(0.6) });
const hidden: Move = (g) =>
  g.node("where", { condition: g.past(), x: g.some(), y: g.number(g.pick([0, -1e30])) });
const normed: Move = (g) =>
  g.node(g.pick<OpName>(["rms_norm", "layer_norm"]), { x: g.some() }, { eps: 1e-5 });

const reshaped: Move = (g) => {
  const x = g.some();
  const [a, b, c] = x.type.shape;
  if (x.type.shape.length !== 3) return undefined;
  const shape = g.pick<readonly Dim[]>([
    [a!, b!, dim(2), dim(2)],
    [multiplyDims(a!, b!), c!],
    [b!, a!, c!],
    [a!, multiplyDims(b!, dim(2)), dim(2)],
  ]);
  return g.node("reshape", { x }, { shape });
};

const unmerged: Move = (g) => {
  const x = g.some();
  const [rows, width] = x.type.shape;
  if (x.type.shape.length !== 2 || rows!.key !== "B*T") return undefined;
  return g.node(
    "reshape",
    { x },
    {
      shape: g.pick([
        [B, T, width!],
        [T, B, width!],
      ]),
    },
  );
};

const attended: Move = (g) => {
  const x = g.withHead(g.some());
  const y = g.chance(0.3) ? g.withHead(g.pick(g.values)) : x;
  if (x === undefined || y === undefined) return undefined;
  const attrs = {
    causal: g.chance(0.7),
    window: g.chance(0.4) ? 2 + g.random.below(3) : undefined,
    scale: 0.5,
    alibi: g.chance(0.2),
    softcap: g.chance(0.2) ? 2 : 0,
  };
  return g.withoutHead(
    g.node("attend", { q: x, k: y, v: y, mask: g.chance(0.4) ? g.past() : undefined }, attrs),
  );
};

const crossed: Move = (g) => {
  const [q, k] = [g.withHead(g.some()), g.withHead(g.memory)];
  return q && k && g.withoutHead(g.node("attend", { q, k, v: k }, { scale: 0.5, causal: g.chance(0.1) }));
};

/** Attention that a model writes itself, or what is nearly so. */
const written: Move = (g) => {
  const x = g.some();
  if (x.type.shape.length !== 3) return undefined;
  const scores = g.node("matmul", { a: x, b: x }, { transpose_b: true });
  const masked =
    scores && g.node("where", { condition: g.past(), x: scores, y: g.number(g.pick([0, -1e30])) });
  const weights = masked && g.chance(0.5) ? g.node("softmax", { x: masked }, { axis: -1 }) : masked;
  return weights && g.node("matmul", { a: weights, b: x });
};

const placed: Move = (g) => g.node("mul", { x: g.some(), y: g.position(g.chance(0.7) ? 0 : 1) });

const rotated: Move = (g) => {
  const x = g.withHead(g.some());
  return (
    x &&
    g.withoutHead(g.node("rope", { x }, g.chance(0.1) ? { scaling: "dynamic", factor: 2, original: 4 } : {}))
  );
};

const learned: Move = (g) => {
  const rows = g.node("slice", { x: g.table }, { axis: 0, start: dim(g.pick([0, 0, 2])), size: T });
  return g.node("add", { x: g.some(), y: rows });
};

/** A convolution over positions by each channel: causal, the same length, or of rows that are there already. */
const convolved: Move = (g) => {
  const x = g.some();
  if (x.type.shape.length !== 3) return undefined;
  const [batch, rows, width] = x.type.shape as readonly [Dim, Dim, Dim];
  const channels = g.node("permute", { x }, { axes: [0, 2, 1] });
  const image = g.node("reshape", { x: channels }, { shape: [batch, width, rows, dim(1)] });
  const out =
    image &&
    g.node("conv2d", { x: image, weight: g.kernel }, { padding: [g.pick([2, 2, 1, 0]), 0], groups: WIDTH });
  const flat = out && g.node("reshape", { x: out }, { shape: out.type.shape.slice(0, 3) });
  return flat && g.node("permute", { x: flat }, { axes: [0, 2, 1] });
};

const stretched: Move = (g) => {
  const x = g.some();
  return x.type.shape.length === 3
    ? g.node("broadcast", { x }, { shape: [dim(2), ...x.type.shape] })
    : undefined;
};

const moves: readonly Move[] = [
  elementwise,
  combined,
  combined,
  linear,
  turned,
  overAxis,
  reduced,
  padded,
  padded,
  cut,
  cut,
  product,
  hidden,
  normed,
  reshaped,
  unmerged,
  attended,
  attended,
  crossed,
  written,
  placed,
  rotated,
  learned,
  convolved,
  stretched,
];

/** A random graph of three to twelve moves over f32[B, T, 4]; undefined if its output has no axis T, or is the input. */
export function randomGraph(seed: number): Graph | undefined {
  const g = new Growing(seed);
  for (let left = 3 + g.random.below(9); left > 0; left--) {
    const made = g.pick(moves)(g);
    if (made?.type.dtype === "f32" && made.type.shape.length <= MOST_AXES) g.values.push(made);
  }
  const value = g.values.at(-1)!;
  if (value === g.x || value.type.shape.filter(({ key }) => key === "T").length !== 1) return undefined;
  const normal = { kind: "normal", mean: 0, std: 1 } as const;
  const parameters = [g.weight, g.table, g.kernel].map((each) => ({
    name: each.hint!,
    value: each,
    init: normal,
    trainable: true,
    span: undefined,
  }));
  const graph: Graph = {
    name: "random",
    symbols: [{ name: "B" }, { name: "T" }, { name: "S" }],
    inputs: [g.x, g.memory].map((each) => ({
      name: each.hint!,
      value: each,
      fill: undefined,
      span: undefined,
    })),
    parameters,
    states: [],
    nodes: g.nodes,
    outputs: [{ name: "y", value, span: undefined }],
    edges: [],
  };
  return verifyGraph(graph).length === 0 ? graph : undefined;
}
