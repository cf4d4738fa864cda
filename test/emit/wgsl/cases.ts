import type { Graph } from "../../../src/ir/graph.ts";
import type { ScalarName, ScalarExpression } from "../../../src/ops/scalar.ts";
import type { KernelOp } from "../../../src/kernels/contracts.ts";
import { addDims, dim, multiplyDims, subtractDims } from "../../../src/tensor/dim.ts";
import type { TensorType } from "../../../src/tensor/type.ts";
import { B, bool, f32, graphOf, GraphBuilder, i32, of, S, T } from "./graphs.ts";

type Sizes = Readonly<Record<string, number>>;

export interface Case {
  readonly about: string;
  readonly graph: Graph;
  /** Values of the run-time dims; every one is run on the same model. */
  readonly sizes?: readonly Sizes[];
  /** Whole numbers of inputs are below this. */
  readonly ids?: number;
  /** Whole numbers of the last input are below this, if it is not as the others. */
  readonly lastIds?: number;
  /** Floats of inputs lie in [low, high). */
  readonly range?: readonly [low: number, high: number];
}

/** Rows and columns that no tile, no workgroup and no vector divides, and some that they do. */
export const odd = [1, 3, 17, 63, 64, 65, 257] as const;

const batches: readonly Sizes[] = [
  { B: 1, T: 1 },
  { B: 2, T: 3 },
  { B: 3, T: 17 },
  { B: 1, T: 65 },
];

const input = (index: number) => ({ kind: "input" as const, index });
const step = (index: number) => ({ kind: "step" as const, index });

const gated: ScalarExpression = {
  steps: [
    { op: "add", args: [input(0), input(1)] },
    { op: "gelu_tanh", args: [step(0)] },
    { op: "mul", args: [step(1), input(2)] },
  ],
};

/** x² + y², each square of two reads. */
const squares: ScalarExpression = {
  steps: [
    { op: "mul", args: [input(0), input(0)] },
    { op: "mul", args: [input(1), input(1)] },
    { op: "add", args: [step(0), step(1)] },
  ],
};

const unary = (op: ScalarName, graph: Graph, range?: readonly [number, number]): Case => ({
  about: op,
  graph,
  ...(range && { range }),
});

const x65 = f32(3, 65);
const unaries: Case[] = [
  ...(
    [
      "neg",
      "abs",
      "exp",
      "sigmoid",
      "erf",
      "relu",
      "relu2",
      "gelu",
      "gelu_tanh",
      "silu",
      "softplus",
      "square",
      "floor",
    ] as const
  ).map((op) => unary(op, graphOf(op, { x: x65 }, {}), [-6, 6])),
  ...(["sin", "cos", "tanh"] as const).map((op) => unary(op, graphOf(op, { x: x65 }, {}), [-90, 90])),
  ...(["log", "sqrt", "rsqrt"] as const).map((op) => unary(op, graphOf(op, { x: x65 }, {}), [0.01, 9])),
  unary("not", graphOf("not", { x: bool(3, 65) }, {})),
];
const binaries: Case[] = [
  ...(["add", "sub", "mul", "div", "mod", "min", "max", "eq", "ne", "lt", "le", "gt", "ge"] as const).map(
    (op) => ({
      about: `${op} of floats, which broadcast`,
      graph: graphOf(op, { x: f32(B, T, 5), y: f32(T, 1) }, {}),
      sizes: batches,
    }),
  ),
  ...(["add", "sub", "mul", "min", "max", "eq", "lt", "mod"] as const).map((op) => ({
    about: `${op} of whole numbers`,
    graph: graphOf(op, { x: i32(3, 17), y: i32(17) }, {}),
    ids: 9,
  })),
  { about: "pow", graph: graphOf("pow", { x: f32(65), y: f32(3, 1) }, {}), range: [0.1, 3] },
  ...(["and", "or"] as const).map((op) => ({
    about: op,
    graph: graphOf(op, { x: bool(65), y: bool(3, 65) }, {}),
  })),
  {
    about: "where",
    graph: graphOf("where", { condition: bool(T, 1), x: f32(B, T, 3), y: f32(3) }, {}),
    sizes: batches,
  },
];

const norms = ["layer", "rms", "l2"] as const;

function addNorm(
  about: string,
  attrs: Parameters<typeof graphOf<"add_norm">>[2],
  more: Partial<Parameters<typeof graphOf<"add_norm">>[1]> = {},
  width = 65,
): Case {
  const x = f32(B, T, width);
  const operands = {
    source: x,
    branches: [x],
    source_gain: undefined,
    branch_gain: undefined,
    bias: undefined,
    inner_weight: undefined,
    inner_bias: undefined,
    weights: [],
    biases: [],
    ...more,
  };
  return { about, graph: graphOf("add_norm", operands, { eps: 1e-5, ...attrs }), sizes: batches };
}

const plainAttend = { causal: false, scale: 0.3, layout: "heads_first" } as const;
const qkv = (heads: number, keyHeads: number, width: number, valueWidth = width, keys = T) => ({
  q: f32(B, heads, T, width),
  k: f32(B, keyHeads, keys, width),
  v: f32(B, keyHeads, keys, valueWidth),
  bias: undefined,
  mask: undefined,
});
/** Operands of linear_attend, of which 2 heads of q and k serve 4 of v. */
const recurrent = (
  decay: "row" | "channel" | undefined,
  { beta = false, state = false }: { readonly beta?: boolean; readonly state?: boolean } = {},
) => ({
  q: f32(B, 2, T, 5),
  k: f32(B, 2, T, 5),
  v: f32(B, 4, T, 7),
  decay: decay === undefined ? undefined : decay === "row" ? f32(B, 4, T) : f32(B, 4, T, 5),
  beta: beta ? f32(B, 4, T) : undefined,
  state: state ? f32(B, 4, 5, 7) : undefined,
});

/** Small numbers: what the delta rule is given grows otherwise with the length. */
const recurrentCase = {
  sizes: [
    { B: 1, T: 1 },
    { B: 2, T: 9 },
  ],
  range: [-0.5, 0.4],
} as const;

const recurrentGrad = (operands: ReturnType<typeof recurrent>, isLast: boolean): Graph =>
  graphOf(
    "linear_attend_grad",
    { grad: f32(B, 4, T, 7), grad_state: isLast ? f32(B, 4, 5, 7) : undefined, ...operands },
    {},
  );

/** Attention of one query whose keys are one workgroup's, or several ones' share; 1 head of keys, or 2 of an even number. */
function oneQuery(
  about: string,
  operands: Partial<Parameters<typeof graphOf<"attend">>[1]> & { readonly q: TensorType },
  attrs: Parameters<typeof graphOf<"attend">>[2] = {},
): Case[] {
  const [, heads, , width] = operands.q.shape;
  const keyHeads = Number(heads!.key) % 2 === 0 ? 2 : 1;
  const keys = { k: f32(B, keyHeads, S, width!), v: f32(B, keyHeads, S, width!) };
  return [
    {
      about: `one query ${about}`,
      graph: graphOf(
        "attend",
        { bias: undefined, mask: undefined, ...keys, ...operands },
        { ...plainAttend, ...attrs },
      ),
      sizes: [1, 128, 129, 300].map((size) => ({ B: 1 + (size % 2), S: size })),
    },
  ];
}

const attendSizes: readonly Sizes[] = [
  { B: 1, T: 1 },
  { B: 2, T: 3 },
  { B: 1, T: 33 },
  { B: 2, T: 65 },
];

function sliced(): Graph {
  const builder = new GraphBuilder();
  const whole = builder.input(f32(B, T, 3 * 24));
  const parts = [0, 24, 48].map(
    (start) => builder.node("slice", { x: whole }, { axis: 2, start: dim(start), size: dim(24) })[0]!,
  );
  const [q, k, v] = parts.map((x) => builder.node("reshape", { x }, { shape: [B, T, dim(3), dim(8)] })[0]!);
  return builder.graph(
    builder.node(
      "attend",
      { q: q!, k: k!, v: v!, bias: undefined, mask: undefined },
      { causal: true, scale: 0.35, layout: "heads_last" },
    ),
  );
}

function moved(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input(f32(B, T, 5));
  const [turned] = builder.node("permute", { x }, { axes: [2, 0, 1] });
  const y = builder.input(f32(B, T, 3));
  const [joined] = builder.node("concat", { values: [x, y] }, { axis: 2 });
  const [part] = builder.node("slice", { x: joined! }, { axis: 2, start: dim(3), size: dim(4) });
  return builder.graph([turned!, joined!, part!]);
}

function doubled(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input(f32(B, T, 3));
  const [joined] = builder.node("concat", { values: [x, x] }, { axis: 1 });
  const [folded] = builder.node("reduce_sum", { x: joined! }, { axes: [0], keep: false });
  return builder.graph([joined!, folded!]);
}

const rope = (
  about: string,
  attrs: Parameters<typeof graphOf<"rope">>[2],
  positions = false,
  width = 16,
): Case => ({
  about,
  graph: graphOf(
    "rope",
    { x: f32(B, T, 3, width), positions: positions ? i32(B, T) : undefined },
    { layout: "heads_last", ...attrs },
  ),
  sizes: batches,
  ids: 300,
});

/** Texts on both sides of its length are among the sizes. */
const longrope = {
  scaling: "longrope",
  original: 17,
  short_factor: [1, 1.1, 1.3, 1.7, 2, 3, 4, 5],
  long_factor: [1.2, 2, 3.5, 6, 9, 10, 11, 20],
} as const;

const reduce = (op: "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min"): Case[] => [
  {
    about: "over the last axis",
    graph: graphOf(op, { x: f32(B, T, 65) }, { axes: [2], keep: true }),
    sizes: batches,
  },
  { about: "over a middle axis", graph: graphOf(op, { x: f32(B, T, 3) }, { axes: [1] }), sizes: batches },
  { about: "over all axes", graph: graphOf(op, { x: f32(B, T, 3) }, { axes: [0, 1, 2] }), sizes: batches },
  {
    about: "over the rows, columns side by side",
    graph: graphOf(op, { x: f32(B, T, 65) }, { axes: [0, 1] }),
    sizes: batches,
  },
  { about: "over a wide row", graph: graphOf(op, { x: f32(3, 257) }, { axes: [1] }) },
  {
    about: "of a large tensor to one number",
    graph: graphOf(op, { x: f32(65, 257) }, { axes: [0, 1] }),
  },
];

const softmaxes = (op: "softmax" | "log_softmax"): Case[] => [
  ...odd.map((width): Case => ({
    about: `width ${width}`,
    graph: graphOf(op, { x: f32(B, width) }, {}),
    sizes: [{ B: 3 }],
  })),
  { about: "along a middle axis", graph: graphOf(op, { x: f32(B, T, 3) }, { axis: 1 }), sizes: batches },
];

const rowNorms = (graph: (width: number) => Graph): Case[] =>
  odd.map((width) => ({
    about: `width ${width}`,
    graph: graph(width),
    sizes: [
      { B: 1, T: 1 },
      { B: 2, T: 3 },
    ],
  }));

/** x with rows of zeros up to 12, as the gradient of a table's first rows has them. */
function filled(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input(f32(T, 8));
  const shape = [subtractDims(dim(12), T), dim(8)];
  const [zeros] = builder.node("full", {}, { dtype: "f32", shape, value: 0 });
  return builder.graph(builder.node("concat", { values: [x, zeros!] }, { axis: 0 }));
}

/** T rows from the T-th of a cache, and one row before them; the rows so far are read where they lie. */
function cacheGraph(): Graph {
  const builder = new GraphBuilder();
  const rows = builder.input(f32(T, 5));
  const first = builder.input(f32(1, 5));
  const cache = builder.state(f32(17, 5), "cache");
  const [begun] = builder.node("write", { x: cache, part: first }, { axis: 0, start: dim(0) });
  const [written] = builder.node("write", { x: begun!, part: rows }, { axis: 0, start: T });
  builder.keep(cache, written!);
  const size = multiplyDims(T, dim(2));
  return builder.graph(builder.node("slice", { x: written! }, { axis: 0, start: dim(0), size }));
}

/** A column of whole numbers is one more than it was, in turned order. */
function countingGraph(): Graph {
  const builder = new GraphBuilder();
  const one = builder.input(i32(3, 1));
  const counts = builder.state(i32(2, 3), "counts");
  const [turned] = builder.node("permute", { x: counts }, { axes: [1, 0] });
  const [column] = builder.node("slice", { x: turned! }, { axis: 1, start: dim(1), size: dim(1) });
  const [more] = builder.node("add", { x: column!, y: one }, {});
  const [part] = builder.node("permute", { x: more! }, { axes: [1, 0] });
  const [written] = builder.node("write", { x: counts, part: part! }, { axis: 0, start: dim(1) });
  builder.keep(counts, written!);
  return builder.graph([more!]);
}

/** Packed matrices [N, K]: 8 bits in blocks of 32, and 4 bits in blocks of 16 with minimums. */
const packedForms = (rows: number, columns: number) => [
  {
    about: "8 bits",
    types: { codes: i32(rows, columns / 4), scales: f32(rows, columns / 32), minimums: undefined },
    attrs: { bits: 8, block: 32 },
  },
  {
    about: "4 bits with minimums",
    types: {
      codes: i32(rows, columns / 8),
      scales: f32(rows, columns / 16),
      minimums: f32(rows, columns / 16),
    },
    attrs: { bits: 4, block: 16 },
  },
];

/** Whole numbers of all bits of a word but the sign. */
const words = 2 ** 31;

const packedLinear = ([rows, columns]: readonly [number, number]): Case[] =>
  packedForms(rows, columns).map(({ about, types, attrs }) => ({
    about: `${about}, ${columns} → ${rows}`,
    graph: graphOf(
      "packed_linear",
      { x: f32(B, T, columns), ...types, extras: [f32(rows)] },
      { ...attrs, epilogue: { steps: [{ op: "add", args: [input(0), input(1)] }] } },
    ),
    sizes: batches,
    ids: words,
    // Codes reach to 128: sums of so many stay as small as others.
    range: [-0.1, 0.1],
  }));

/** At least one case for each kernel op: a new op without one does not compile. */
export const cases: { readonly [K in KernelOp]: readonly Case[] } = {
  copy: [
    { about: "into another order, into parts, out of parts", graph: moved(), sizes: batches },
    { about: "into parts that begin at run-time places", graph: doubled(), sizes: batches },
    {
      about: "zeros up to 12 rows, of which there may be none",
      graph: filled(),
      sizes: [1, 5, 12].map((T) => ({ T })),
    },
  ],
  write: [
    {
      about: "columns into an input, which is copied",
      graph: graphOf("write", { x: f32(B, T, 5), part: f32(B, T, 2) }, { axis: 2, start: dim(3) }),
      sizes: batches,
    },
    { about: "whole numbers, and what was there is read before", graph: countingGraph() },
    {
      about: "into rows of a state that begin at run-time places, twice, and read back by a slice",
      graph: cacheGraph(),
      sizes: [1, 3, 8].map((T) => ({ T })),
    },
  ],
  cast: [
    ...(["f16", "bf16"] as const).map((dtype): Case => ({
      about: dtype,
      graph: graphOf("cast", { x: f32(257) }, { dtype }),
      range: [-9, 9],
    })),
    {
      about: "f16 beyond and below its range",
      graph: graphOf("cast", { x: f32(257) }, { dtype: "f16" }),
      range: [-1e-5, 1e-5],
    },
    {
      about: "whole numbers of floats",
      graph: graphOf("cast", { x: f32(65) }, { dtype: "i32" }),
      range: [-9, 9],
    },
    { about: "floats of whole numbers", graph: graphOf("cast", { x: i32(65) }, { dtype: "f32" }) },
    { about: "truth of whole numbers", graph: graphOf("cast", { x: i32(65) }, { dtype: "bool" }), ids: 3 },
    { about: "numbers of truth", graph: graphOf("cast", { x: bool(65) }, { dtype: "f32" }) },
  ],
  elementwise: [
    ...unaries,
    ...binaries,
    {
      about: "a chain",
      graph: graphOf("elementwise", { inputs: [f32(B, T, 65), f32(65), f32(B, 1, 65)] }, { program: gated }),
      sizes: batches,
    },
    {
      about: "inputs that are read twice at places of three axes",
      graph: graphOf("elementwise", { inputs: [f32(B, 1, 65), f32(1, T, 65)] }, { program: squares }),
      sizes: batches,
    },
  ],
  iota: [{ about: "0, 1, 2, …", graph: iotaGraph(), sizes: batches }],
  relative_bucket: [true, false].map((causal) => ({
    about: causal ? "causal" : "both sides",
    graph: bucketGraph(causal),
    sizes: [{ T: 3 }, { T: 257 }],
  })),
  reduce_sum: [
    ...reduce("reduce_sum"),
    { about: "whole numbers", graph: graphOf("reduce_sum", { x: i32(3, 17) }, { axes: [1] }) },
    { about: "many whole numbers", graph: graphOf("reduce_sum", { x: i32(3, 257) }, { axes: [1] }) },
    {
      about: "columns of whole numbers",
      graph: graphOf("reduce_sum", { x: i32(257, 33) }, { axes: [0] }),
    },
  ],
  reduce_mean: reduce("reduce_mean"),
  reduce_max: [
    ...reduce("reduce_max"),
    { about: "whole numbers", graph: graphOf("reduce_max", { x: i32(3, 17) }, { axes: [0] }) },
  ],
  reduce_min: reduce("reduce_min"),
  cumsum: [0, 1, 2].map((axis) => ({
    about: `along axis ${axis}`,
    graph: graphOf("cumsum", { x: f32(B, T, 3) }, { axis }),
    sizes: batches,
  })),
  topk: [
    { about: "8 of 65", graph: graphOf("topk", { x: f32(B, T, 65) }, { k: 8 }), sizes: batches },
    { about: "all of 3", graph: graphOf("topk", { x: f32(B, 3) }, { k: 3 }), sizes: [{ B: 257 }] },
    { about: "all of 13, sorted", graph: graphOf("topk", { x: f32(B, T, 13) }, { k: 13 }), sizes: batches },
    { about: "9 of 300", graph: graphOf("topk", { x: f32(B, 300) }, { k: 9 }), sizes: [{ B: 3 }] },
    { about: "1 of 9000", graph: graphOf("topk", { x: f32(B, 9000) }, { k: 1 }), sizes: [{ B: 3 }] },
    {
      about: "the first of 3000 equal ones",
      graph: graphOf("topk", { x: f32(B, 3000) }, { k: 1 }),
      sizes: [{ B: 1 }],
      range: [0.5, 0.5],
    },
    {
      about: "128 of 4100, in two stages",
      graph: graphOf("topk", { x: f32(B, 4100) }, { k: 128 }),
      sizes: [{ B: 2 }],
    },
    {
      about: "the first 128 of 4100 equal ones",
      graph: graphOf("topk", { x: f32(B, 4100) }, { k: 128 }),
      sizes: [{ B: 1 }],
      range: [0.5, 0.5],
    },
    {
      about: "900 of 9000, in four stages",
      graph: graphOf("topk", { x: f32(B, 9000) }, { k: 900 }),
      sizes: [{ B: 2 }],
    },
  ],
  spread: [
    {
      about: "2 of 5",
      graph: graphOf("spread", { values: f32(B, 2), indices: i32(B, 2) }, { size: 5 }),
      sizes: [{ B: 3 }, { B: 65 }],
      ids: 5,
    },
  ],
  softmax: softmaxes("softmax"),
  log_softmax: softmaxes("log_softmax"),
  matmul: [
    { about: "one matrix", graph: graphOf("matmul", { a: f32(65, 17), b: f32(17, 63) }, {}) },
    {
      about: "a batch",
      graph: graphOf("matmul", { a: f32(B, 3, T, 17), b: f32(B, 3, 17, T) }, {}),
      sizes: batches,
    },
    {
      about: "transposed, b for all",
      graph: graphOf("matmul", { a: f32(B, T, 65), b: f32(63, 65) }, { transpose_b: true }),
      sizes: batches,
    },
  ],
  linear_epilogue: [
    ...odd.flatMap((width): Case[] => [
      { about: `${width} → 65`, graph: linearGraph(width, 65, "out_in"), sizes: batches },
      { about: `65 → ${width}, weight [in, out]`, graph: linearGraph(65, width, "in_out"), sizes: batches },
    ]),
    ...[4, 68, 260].map((width): Case => ({
      about: `${width} → 65, rows of whole fours, up to four of them`,
      graph: linearGraph(width, 65, "out_in"),
      sizes: [1, 2, 4, 5].map((T) => ({ B: 1, T })),
    })),
    {
      about: "bias, gelu and a gate",
      graph: graphOf(
        "linear_epilogue",
        { x: f32(B, T, 17), weight: f32(33, 17), extras: [f32(33), f32(B, T, 33)] },
        { layout: "out_in", epilogue: gated },
      ),
      sizes: batches,
    },
    {
      about: "a lone gain",
      graph: graphOf(
        "linear_epilogue",
        { x: f32(T, 17), weight: f32(17, 3), extras: [f32(1)] },
        { layout: "in_out", epilogue: { steps: [{ op: "mul", args: [input(0), input(1)] }] } },
      ),
      sizes: [{ T: 1 }, { T: 65 }],
    },
    {
      about: "rows known at compile time",
      graph: graphOf("linear", { x: f32(3, 17), weight: f32(17, 5), bias: f32(5) }, { layout: "in_out" }),
    },
  ],
  dequantize: packedForms(5, 96).map(({ about, types, attrs }) => ({
    about,
    graph: graphOf("dequantize", types, attrs),
    ids: words,
  })),
  round_blocks: [{ about: "rows", graph: graphOf("round_blocks", { x: f32(B, T, 64) }, {}), sizes: batches }],
  packed_embedding: packedForms(17, 64).map(({ about, types, attrs }) => ({
    about,
    graph: graphOf("packed_embedding", { ...types, ids: i32(B, T) }, { ...attrs, entries: 17 }),
    sizes: batches,
    ids: 17,
  })),
  packed_linear: (
    [
      [65, 64],
      [3, 32],
      [130, 96],
    ] as const
  ).flatMap(packedLinear),
  packed_routed_linear: [16, 72].flatMap((width) =>
    packedForms(7 * width, 64).flatMap(({ about, types, attrs }) =>
      [false, true].map((isShared): Case => ({
        about: `${about}, ${isShared ? "a row for all choices" : "a row each"}, ${width} columns`,
        graph: graphOf(
          "packed_routed_linear",
          { x: f32(B, T, isShared ? 1 : 3, 64), ...types, chosen: i32(B, T, 3) },
          { ...attrs, experts: 7 },
        ),
        sizes: batches,
        ids: words,
        lastIds: 6,
        range: [-0.1, 0.1],
      })),
    ),
  ),
  routed_linear: (["out_in", "in_out"] as const).flatMap((layout): Case[] =>
    [false, true].flatMap((isShared) =>
      [17, 65].map((width): Case => ({
        about: `${isShared ? "a row for all choices" : "a row each"}, ${layout}, ${width} columns`,
        graph: graphOf(
          "routed_linear",
          {
            x: f32(B, T, isShared ? 1 : 3, 66),
            weight: layout === "out_in" ? f32(7, width, 66) : f32(7, 66, width),
            chosen: i32(B, T, 3),
          },
          { layout },
        ),
        sizes: batches,
        ids: 6,
      })),
    ),
  ),
  embedding: odd.map((width) => ({
    about: `rows of ${width}`,
    graph: graphOf("embedding", { table: f32(17, width), ids: i32(B, T) }, {}),
    sizes: batches,
    ids: 17,
  })),
  conv2d: [
    {
      about: "stride, padding and groups",
      graph: graphOf(
        "conv2d",
        { x: f32(B, 4, 9, 7), weight: f32(6, 2, 3, 2), bias: f32(6) },
        { stride: [2, 1], padding: [1, 2], groups: 2 },
      ),
      sizes: [{ B: 1 }, { B: 3 }],
    },
    {
      about: "without bias",
      graph: graphOf("conv2d", { x: f32(2, 3, 5, 5), weight: f32(4, 3, 1, 1), bias: undefined }, {}),
    },
  ],
  max_pool2d: [
    {
      about: "overlapping windows over the edge",
      graph: graphOf(
        "max_pool2d",
        { x: f32(B, 3, 9, 7) },
        { kernel: [3, 2], stride: [2, 1], padding: [1, 1] },
      ),
      sizes: [{ B: 1 }, { B: 3 }],
    },
  ],
  rope: [
    rope("halves", {}),
    rope("interleaved pairs of some channels", { pairs: "interleaved", dims: 6 }),
    rope("positions given", {}, true),
    rope("heads first", { layout: "heads_first" }),
    rope("linear", { scaling: "linear", factor: 4 }),
    rope("ntk", { scaling: "ntk", factor: 4 }),
    rope("dynamic", { scaling: "dynamic", factor: 4, original: 16 }),
    rope("dynamic with positions", { scaling: "dynamic", factor: 4, original: 16 }, true),
    rope("yarn", { scaling: "yarn", factor: 4, original: 16 }),
    rope("yarn, not truncated, with an attention factor", {
      scaling: "yarn",
      factor: 4,
      original: 16,
      truncate: false,
      attention_factor: 1.3,
    }),
    rope("longrope", longrope),
    rope("longrope with positions", longrope, true),
    rope("proportional", { scaling: "proportional", factor: 2, dims: 6 }),
    rope("llama3", { scaling: "llama3", factor: 8, original: 16 }),
    rope("turned back", { inverse: true }),
    rope("interleaved pairs turned back", { inverse: true, pairs: "interleaved" }),
  ],
  attend: [
    { about: "plain", graph: graphOf("attend", qkv(3, 3, 8), plainAttend), sizes: attendSizes },
    {
      about: "causal with grouped heads, values of another width",
      graph: graphOf("attend", qkv(4, 2, 17, 33), { ...plainAttend, causal: true }),
      sizes: attendSizes,
    },
    {
      about: "a causal window",
      graph: graphOf("attend", qkv(2, 2, 8), { ...plainAttend, causal: true, window: 5 }),
      sizes: attendSizes,
    },
    {
      about: "a window on both sides",
      graph: graphOf("attend", qkv(2, 2, 8), { ...plainAttend, window: 5 }),
      sizes: attendSizes,
    },
    {
      about: "soft cap and ALiBi",
      graph: graphOf("attend", qkv(3, 3, 64), { ...plainAttend, causal: true, softcap: 0.5, alibi: true }),
      sizes: attendSizes,
    },
    {
      about: "bias and mask",
      graph: graphOf("attend", { ...qkv(3, 1, 8), bias: f32(3, T, T), mask: bool(B, 1, 1, T) }, plainAttend),
      sizes: attendSizes,
    },
    {
      about: "more keys than queries, causal",
      graph: graphOf("attend", qkv(2, 2, 8, 8, S), { ...plainAttend, causal: true }),
      sizes: [
        { B: 1, T: 1, S: 65 },
        { B: 2, T: 3, S: 40 },
      ],
    },
    {
      about: "fewer keys than queries: rows that see nothing are zero",
      graph: graphOf("attend", qkv(2, 2, 8, 8, S), { ...plainAttend, causal: true }),
      sizes: [{ B: 1, T: 17, S: 3 }],
    },
    { about: "q, k and v are parts of one tensor, heads last", graph: sliced(), sizes: attendSizes },
    ...oneQuery("plain", { q: f32(B, 2, 1, 8) }),
    ...oneQuery(
      "of 9 heads on 1, with wide values",
      { q: f32(B, 9, 1, 17), v: f32(B, 1, S, 70) },
      { causal: true },
    ),
    ...oneQuery("of a width that two heads fill", { q: f32(B, 3, 1, 900), v: f32(B, 1, S, 300) }),
    ...oneQuery("with a window", { q: f32(B, 4, 1, 8) }, { causal: true, window: 130 }),
    ...oneQuery(
      "with a soft cap and ALiBi",
      { q: f32(B, 2, 1, 8) },
      { causal: true, softcap: 0.5, alibi: true },
    ),
    ...oneQuery("with bias and mask", { q: f32(B, 4, 1, 8), bias: f32(4, 1, S), mask: bool(B, 1, 1, S) }),
    {
      about: "one query of as many keys as two workgroups have, heads last",
      graph: graphOf(
        "attend",
        { ...qkv(2, 2, 8), q: f32(B, 1, 4, 8), k: f32(B, 200, 2, 8), v: f32(B, 200, 2, 8) },
        { ...plainAttend, causal: true, layout: "heads_last" },
      ),
      sizes: [{ B: 2 }],
    },
  ],
  layer_norm: [
    ...rowNorms((width) =>
      graphOf("layer_norm", { x: f32(B, T, width), weight: f32(width), bias: f32(width) }, { eps: 1e-5 }),
    ),
    {
      about: "a large mean with a small spread",
      graph: graphOf("layer_norm", { x: f32(B, 257), weight: undefined, bias: undefined }, { eps: 1e-5 }),
      sizes: [{ B: 3 }],
      range: [999, 1001],
    },
    {
      about: "wider than registers hold",
      graph: graphOf("layer_norm", { x: f32(2, 8193), weight: undefined, bias: undefined }, { eps: 1e-5 }),
    },
  ],
  rms_norm: [
    ...rowNorms((width) =>
      graphOf("rms_norm", { x: f32(B, T, width), weight: f32(width), bias: undefined }, { eps: 1e-6 }),
    ),
    {
      about: "1 + weight, with bias",
      graph: graphOf(
        "rms_norm",
        { x: f32(B, 65), weight: f32(65), bias: f32(65) },
        { eps: 1e-6, unit_offset: true },
      ),
      sizes: [{ B: 3 }],
    },
    ...(["f16", "bf16"] as const).map((dtype): Case => ({
      about: `${dtype} rounded before and after the weight`,
      graph: graphOf(
        "rms_norm",
        { x: of(dtype, B, 65), weight: of(dtype, 65), bias: undefined },
        { eps: 1e-6, cast: "before" },
      ),
      sizes: [{ B: 3 }],
    })),
  ],
  l2_norm: rowNorms((width) => graphOf("l2_norm", { x: f32(B, T, width) }, {})),
  batch_norm: [
    {
      about: "channels in the middle",
      graph: graphOf(
        "batch_norm",
        { x: f32(B, 5, 3, 3), mean: f32(5), variance: f32(5), weight: f32(5), bias: f32(5) },
        { eps: 1e-3 },
      ),
      sizes: [{ B: 3 }],
      range: [0.1, 2],
    },
    {
      about: "channels last, no affine part",
      graph: graphOf(
        "batch_norm",
        { x: f32(B, 5), mean: f32(5), variance: f32(5), weight: undefined, bias: undefined },
        { eps: 1e-3 },
      ),
      sizes: [{ B: 65 }],
      range: [0.1, 2],
    },
  ],
  add_norm: [
    ...norms.map((norm) => addNorm(`${norm}, the sum kept`, { norm, affines: ["none"] })),
    ...odd.map((width) =>
      addNorm(
        `width ${width}`,
        { norm: "layer", affines: ["weight_bias"], keep_sum: false },
        { weights: [f32(width)], biases: [f32(width)] },
        width,
      ),
    ),
    addNorm(
      "two affine results, branches and a bias",
      { norm: "layer", affines: ["weight_bias", "weight"] },
      {
        branches: [f32(B, T, 65), f32(B, T, 65)],
        bias: f32(65),
        weights: [f32(65), f32(65)],
        biases: [f32(65)],
      },
    ),
    addNorm(
      "gains and scales",
      { norm: "rms", affines: ["weight"], source_scale: 2, branch_scale: 0.5, unit_offset: true },
      { source_gain: f32(1), branch_gain: f32(65), weights: [f32(65)] },
    ),
    addNorm(
      "an out-norm within",
      { norm: "rms", affines: ["weight"], inner: "rms", inner_eps: 1e-6 },
      { inner_weight: f32(65), weights: [f32(65)] },
    ),
    addNorm(
      "an out-norm with bias under a scale",
      { norm: "layer", affines: ["none"], inner: "layer", inner_eps: 1e-6, branch_scale: 0.5 },
      { inner_weight: f32(65), inner_bias: f32(65) },
    ),
    addNorm("only an out-norm", { norm: "none", affines: [], inner: "rms", inner_eps: 1e-6 }),
    addNorm(
      "branches in turn, no norm",
      { norm: "none", affines: [], order: "in_turn" },
      { branches: [f32(B, T, 65), f32(B, T, 65)] },
    ),
    addNorm(
      "a branch that lacks leading axes",
      { norm: "layer", affines: ["none"] },
      { branches: [f32(T, 65)] },
    ),
  ],
  cross_entropy: [
    {
      about: "plain",
      graph: graphOf("cross_entropy", { logits: f32(B, T, 17), targets: i32(B, T) }, {}),
      sizes: batches,
      ids: 17,
    },
    {
      about: "smoothed, some rows ignored",
      graph: graphOf(
        "cross_entropy",
        { logits: f32(B, T, 17), targets: i32(B, T) },
        { smoothing: 0.1, ignore: 3 },
      ),
      sizes: batches,
      ids: 17,
    },
  ],
  mean_squared_error: [
    {
      about: "over all elements",
      graph: graphOf("mean_squared_error", { x: f32(B, 17), y: f32(B, 17) }, {}),
      sizes: [{ B: 1 }, { B: 65 }],
    },
  ],
  accuracy: [
    {
      about: "of more classes than a workgroup has lanes, with equal logits",
      graph: graphOf("accuracy", { logits: f32(B, 300), targets: i32(B) }, {}),
      sizes: [{ B: 5 }],
      ids: 2,
      range: [1, 1],
    },
    {
      about: "a share of rows",
      graph: graphOf("accuracy", { logits: f32(B, 3), targets: i32(B) }, {}),
      sizes: [{ B: 1 }, { B: 257 }],
      ids: 3,
    },
    {
      about: "a share of the rows that are not ignored",
      graph: graphOf("accuracy", { logits: f32(B, 3), targets: i32(B) }, { ignore: 1 }),
      sizes: [{ B: 257 }],
      ids: 3,
    },
  ],
  dropout: [
    {
      about: "a third, by a key",
      graph: graphOf("dropout", { x: f32(B, T, 17), key: i32(2) }, { rate: 1 / 3, stream: 5 }),
      sizes: batches,
      ids: 1000,
    },
    { about: "nothing", graph: graphOf("dropout", { x: f32(65), key: undefined }, { rate: 0.5 }) },
  ],
  batch_statistics: [
    ...([true, false] as const).map((unbiased): Case => ({
      about: `channels in the middle, ${unbiased ? "unbiased" : "biased"}`,
      graph: statistics(f32(B, 5, 3, 3), 5, { axis: 1, momentum: 0.3, unbiased }),
      sizes: [{ B: 1 }, { B: 3 }, { B: 65 }],
    })),
    {
      about: "channels last, two rows, the fewest that have statistics, and many",
      graph: statistics(f32(B, 17), 17, { axis: 1 }),
      sizes: [{ B: 2 }, { B: 257 }],
    },
    {
      about: "a large mean with a small spread",
      graph: statistics(f32(B, 3), 3, { axis: 1 }),
      sizes: [{ B: 300 }],
      range: [999, 1001],
    },
  ],
  norm_grad: [
    ...norms.flatMap((norm) =>
      (norm === "layer" ? odd : [17, 257]).map((width): Case => ({
        about: `${norm}, width ${width}, weight, bias and carried`,
        graph: normGrad(width, { norm, eps: 1e-5, bias: true }, { weight: f32(width), carried: true }),
        sizes: batches,
      })),
    ),
    {
      about: "1 + weight",
      graph: normGrad(65, { norm: "rms", eps: 1e-6, unit_offset: true }, { weight: f32(65) }),
      sizes: batches,
    },
    {
      about: "no vectors",
      graph: normGrad(65, { norm: "layer", eps: 1e-5 }, { carried: true }),
      sizes: batches,
    },
    { about: "only a bias", graph: normGrad(33, { norm: "layer", eps: 1e-5, bias: true }), sizes: batches },
    {
      about: "wider than registers hold",
      graph: normGrad(8193, { norm: "layer", eps: 1e-5, bias: true }, { weight: f32(8193) }),
      sizes: [{ B: 1, T: 2 }],
    },
    {
      about: "l2 at its bound",
      graph: normGrad(5, { norm: "l2", eps: 100 }, { weight: f32(5) }),
      sizes: [{ B: 2, T: 3 }],
    },
  ],
  batch_norm_grad: [
    {
      about: "channels in the middle",
      graph: batchNormGrad(f32(B, 5, 3, 3), 5, true),
      sizes: [{ B: 1 }, { B: 33 }],
      range: [0.1, 2],
    },
    {
      about: "channels last, no weight",
      graph: batchNormGrad(f32(B, 17), 17, false),
      sizes: [{ B: 1 }, { B: 257 }],
      range: [0.1, 2],
    },
  ],
  batch_statistics_grad: [
    {
      about: "channels in the middle",
      graph: graphOf(
        "batch_statistics_grad",
        { x: f32(B, 5, 3, 3), mean: f32(5), grad_mean: f32(5), grad_variance: f32(5) },
        { axis: 1 },
      ),
      sizes: [{ B: 1 }, { B: 33 }],
    },
  ],
  linear_attend: [
    { about: "without decay", graph: graphOf("linear_attend", recurrent(undefined), {}), ...recurrentCase },
    {
      about: "with a decay a channel, of a state",
      graph: graphOf("linear_attend", recurrent("channel", { state: true }), {}),
      ...recurrentCase,
    },
    {
      about: "by the delta rule",
      graph: graphOf("linear_attend", recurrent("row", { beta: true, state: true }), {}),
      ...recurrentCase,
    },
  ],
  linear_attend_grad: [
    { about: "without decay", graph: recurrentGrad(recurrent(undefined), false), ...recurrentCase },
    {
      about: "by the delta rule, of a state",
      graph: recurrentGrad(recurrent("row", { beta: true, state: true }), true),
      ...recurrentCase,
    },
    {
      about: "by the delta rule with a decay a channel",
      graph: recurrentGrad(recurrent("channel", { beta: true }), true),
      ...recurrentCase,
    },
  ],
  attend_grad: [
    { about: "plain", graph: attendGrad(qkv(3, 3, 8), plainAttend, f32(B, 3, T, 8)), sizes: attendSizes },
    {
      about: "causal with grouped heads, values of another width",
      graph: attendGrad(qkv(4, 2, 17, 33), { ...plainAttend, causal: true }, f32(B, 4, T, 33)),
      sizes: attendSizes,
    },
    {
      about: "a causal window",
      graph: attendGrad(qkv(2, 2, 8), { ...plainAttend, causal: true, window: 5 }, f32(B, 2, T, 8)),
      sizes: attendSizes,
    },
    {
      about: "a window on both sides",
      graph: attendGrad(qkv(2, 2, 8), { ...plainAttend, window: 5 }, f32(B, 2, T, 8)),
      sizes: attendSizes,
    },
    {
      about: "soft cap and ALiBi",
      graph: attendGrad(
        qkv(3, 3, 64),
        { ...plainAttend, causal: true, softcap: 0.5, alibi: true },
        f32(B, 3, T, 64),
      ),
      sizes: attendSizes,
    },
    {
      about: "bias for all batches, and a mask",
      graph: attendGrad(
        { ...qkv(3, 1, 8), bias: f32(3, T, T), mask: bool(B, 1, 1, T) },
        { ...plainAttend, softcap: 2 },
        f32(B, 3, T, 8),
      ),
      sizes: attendSizes,
    },
    {
      about: "bias of every score, causal",
      graph: attendGrad(
        { ...qkv(2, 2, 8), bias: f32(B, 2, T, T) },
        { ...plainAttend, causal: true },
        f32(B, 2, T, 8),
      ),
      sizes: attendSizes,
    },
    {
      about: "observed, causal, grouped, with a bias and a cap",
      graph: attendGrad(
        { ...qkv(4, 2, 8), bias: f32(B, 4, T, T) },
        { ...plainAttend, causal: true, softcap: 2, observe: true },
        f32(B, 4, T, 8),
      ),
      sizes: attendSizes,
    },
    {
      about: "observed, rows that see nothing",
      graph: attendGrad(
        qkv(2, 2, 8, 8, S),
        { ...plainAttend, causal: true, window: 4, observe: true },
        f32(B, 2, T, 8),
      ),
      sizes: [{ B: 1, T: 17, S: 3 }],
    },
    {
      about: "bias for all queries",
      graph: attendGrad({ ...qkv(2, 2, 8), bias: f32(2, 1, T) }, plainAttend, f32(B, 2, T, 8)),
      sizes: attendSizes,
    },
    {
      about: "wide heads, fewer rows a workgroup",
      graph: attendGrad(qkv(1, 1, 257), { ...plainAttend, scale: 0.06 }, f32(B, 1, T, 257)),
      sizes: [{ B: 1, T: 33 }],
    },
    {
      about: "more keys than queries, causal",
      graph: attendGrad(qkv(2, 2, 8, 8, S), { ...plainAttend, causal: true }, f32(B, 2, T, 8)),
      sizes: [
        { B: 1, T: 1, S: 65 },
        { B: 2, T: 3, S: 40 },
      ],
    },
    {
      about: "fewer keys than queries: rows that see nothing give nothing",
      graph: attendGrad(qkv(2, 2, 8, 8, S), { ...plainAttend, causal: true, window: 4 }, f32(B, 2, T, 8)),
      sizes: [{ B: 1, T: 17, S: 3 }],
    },
    {
      about: "heads last",
      graph: attendGrad(
        {
          q: f32(B, T, 4, 8),
          k: f32(B, T, 2, 8),
          v: f32(B, T, 2, 8),
          bias: undefined,
          mask: undefined,
        },
        { causal: true, scale: 0.35, layout: "heads_last" },
        f32(B, T, 4, 8),
      ),
      sizes: attendSizes,
    },
  ],
  embedding_grad: odd.map((width) => ({
    about: `rows of ${width}, ids that come often`,
    graph: graphOf("embedding_grad", { grad: f32(B, T, width), ids: i32(B, T) }, { rows: dim(17) }),
    sizes: batches,
    ids: 6,
  })),
  routed_weight_grad: [
    {
      about: "a row for each choice",
      graph: graphOf(
        "routed_weight_grad",
        { grad: f32(B, T, 2, 65), x: f32(B, T, 2, 17), chosen: i32(B, T, 2) },
        { experts: dim(5) },
      ),
      sizes: batches,
      ids: 5,
    },
    {
      about: "a row for all choices of a place, in_out",
      graph: graphOf(
        "routed_weight_grad",
        { grad: f32(B, T, 3, 7), x: f32(B, T, 1, 66), chosen: i32(B, T, 3) },
        { experts: dim(9), layout: "in_out" },
      ),
      sizes: batches,
      ids: 8,
    },
  ],
  linear_weight_grad: [
    ...odd.map((width): Case => ({
      about: `[65, ${width}]`,
      graph: graphOf("linear_weight_grad", { grad: f32(B, T, 65), x: f32(B, T, width) }, {}),
      sizes: batches,
    })),
    {
      about: "weight [in, out]",
      graph: graphOf("linear_weight_grad", { grad: f32(B, T, 17), x: f32(B, T, 65) }, { layout: "in_out" }),
      sizes: batches,
    },
    {
      about: "enough tiles for one part",
      graph: graphOf("linear_weight_grad", { grad: f32(B, 520), x: f32(B, 450) }, {}),
      sizes: [{ B: 3 }],
    },
    { about: "one row", graph: graphOf("linear_weight_grad", { grad: f32(5), x: f32(7) }, {}) },
  ],
  cross_entropy_grad: [
    ...odd.map((classes): Case => ({
      about: `${classes} classes`,
      graph: graphOf(
        "cross_entropy_grad",
        { grad: f32(), logits: f32(B, T, classes), targets: i32(B, T) },
        {},
      ),
      sizes: batches,
      ids: classes,
    })),
    {
      about: "smoothed, some rows ignored",
      graph: graphOf(
        "cross_entropy_grad",
        { grad: f32(), logits: f32(B, T, 17), targets: i32(B, T) },
        { smoothing: 0.1, ignore: 3 },
      ),
      sizes: batches,
      ids: 17,
    },
  ],
  conv2d_x_grad: [
    {
      about: "stride, padding and groups",
      graph: graphOf(
        "conv2d_x_grad",
        { grad: f32(B, 6, 5, 10), weight: f32(6, 2, 3, 2) },
        { stride: [2, 1], padding: [1, 2], groups: 2, height: dim(9), width: dim(7) },
      ),
      sizes: [{ B: 1 }, { B: 3 }],
    },
    {
      about: "a stride longer than the kernel",
      graph: graphOf(
        "conv2d_x_grad",
        { grad: f32(B, 3, 3, 2), weight: f32(3, 2, 1, 2) },
        { stride: [2, 3], height: dim(6), width: dim(6) },
      ),
      sizes: [{ B: 2 }],
    },
  ],
  conv2d_weight_grad: [
    {
      about: "stride, padding and groups",
      graph: graphOf(
        "conv2d_weight_grad",
        { grad: f32(B, 6, 5, 10), x: f32(B, 4, 9, 7) },
        { stride: [2, 1], padding: [1, 2], groups: 2, kernel: [3, 2] },
      ),
      sizes: [{ B: 1 }, { B: 3 }],
    },
  ],
  max_pool2d_grad: [
    {
      about: "overlapping windows over the edge",
      graph: graphOf(
        "max_pool2d_grad",
        { grad: f32(B, 3, 5, 8), x: f32(B, 3, 9, 7) },
        { kernel: [3, 2], stride: [2, 1], padding: [1, 1] },
      ),
      sizes: [{ B: 1 }, { B: 3 }],
    },
    {
      about: "equal elements: the first has all",
      graph: graphOf(
        "max_pool2d_grad",
        { grad: f32(B, 1, 3, 3), x: f32(B, 1, 6, 6) },
        { kernel: [2, 2], stride: [2, 2] },
      ),
      sizes: [{ B: 2 }],
      range: [1, 1],
    },
  ],
  take: [
    {
      about: "of rows of 17",
      graph: graphOf("take", { x: f32(B, 17), indices: i32(B, 3) }, {}),
      sizes: [{ B: 1 }, { B: 65 }],
      ids: 17,
    },
  ],
  extent: [{ about: "B · T + 2", graph: extentGraph(), sizes: batches }],
};

function statistics(
  x: ReturnType<typeof f32>,
  size: number,
  attrs: Parameters<typeof graphOf<"batch_statistics">>[2],
): Graph {
  return graphOf("batch_statistics", { x, running_mean: f32(size), running_variance: f32(size) }, attrs);
}

function normGrad(
  width: number,
  attrs: Parameters<typeof graphOf<"norm_grad">>[2],
  more: { readonly weight?: ReturnType<typeof f32>; readonly carried?: true } = {},
): Graph {
  const x = f32(B, T, width);
  return graphOf("norm_grad", { grad: x, x, weight: more.weight, carried: more.carried && x }, attrs);
}

function batchNormGrad(x: ReturnType<typeof f32>, size: number, hasWeight: boolean): Graph {
  const vector = f32(size);
  return graphOf(
    "batch_norm_grad",
    { grad: x, x, mean: vector, variance: vector, weight: hasWeight ? vector : undefined },
    { eps: 1e-3, axis: 1 },
  );
}

function attendGrad(
  operands: Parameters<typeof graphOf<"attend">>[1],
  attrs: Parameters<typeof graphOf<"attend_grad">>[2],
  grad: ReturnType<typeof f32>,
): Graph {
  return graphOf("attend_grad", { grad, ...operands }, attrs);
}

/** An input binds the sizes, since extent has no operands. */
function extentGraph(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input(i32(B, T));
  const [size] = builder.node("extent", {}, { size: addDims(multiplyDims(B, T), dim(2)) });
  const [same] = builder.node("add", { x, y: x }, {});
  return builder.graph([size!, same!]);
}

function linearGraph(width: number, columns: number, layout: "out_in" | "in_out"): Graph {
  const weight = layout === "out_in" ? f32(columns, width) : f32(width, columns);
  return graphOf("linear", { x: f32(B, T, width), weight, bias: undefined }, { layout });
}

/** An input binds the size, since iota has no operands. */
function iotaGraph(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input(i32(B, T));
  const [row] = builder.node("iota", {}, { size: addDims(multiplyDims(T, dim(2)), dim(1)) });
  const [later] = builder.node("iota", {}, { size: dim(3), start: T });
  const [same] = builder.node("add", { x, y: x }, {});
  return builder.graph([row!, later!, same!]);
}

function bucketGraph(causal: boolean): Graph {
  const builder = new GraphBuilder();
  const x = builder.input(i32(T));
  const [buckets] = builder.node(
    "relative_bucket",
    {},
    { rows: T, columns: addDims(T, dim(1)), buckets: 32, far: 128, causal },
  );
  const [moved] = builder.node(
    "relative_bucket",
    {},
    { rows: dim(5), columns: T, buckets: 32, far: 128, causal, row_start: T, column_start: dim(2) },
  );
  const [same] = builder.node("add", { x, y: x }, {});
  return builder.graph([buckets!, moved!, same!]);
}
