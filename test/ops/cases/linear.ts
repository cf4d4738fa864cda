import type { linearOps } from "../../../src/ops/linear.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { counting, f32, i32 } from "../tensors.ts";
import { scaled } from "../recurrent.ts";
import { goldenCases, STORED_ROUNDING, type GoldenCase } from "../golden.ts";
import type { CasesOf, OpCase } from "./case.ts";

const modules = goldenCases("modules");
const positions = goldenCases("positions");
const tolerance = STORED_ROUNDING;
const about = ({ name, kind }: GoldenCase): string => `${kind}: ${name}`;
const named = (names: readonly string[]): GoldenCase[] => names.map((name) => modules.get(name)!);

const linears = named(["linear_0", "linear_1", "linear_2", "linear_3"]);

/** [N, K] as [K, N]. */
function transposed({ shape, data }: HostTensor): HostTensor {
  const [rows, columns] = shape as [number, number];
  return f32(
    [columns, rows],
    Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
  );
}

const matmul = modules.get("matmul_batched")!;
const recurrent = goldenCases("recurrent");
const embedding = modules.get("embedding")!;

/** Queries late, windows and masks are a mask there: the same scores are hidden by our attributes or by the mask. */
const attend = (name: string, attrs: OpCase<"attend">["attrs"] = {}, withMask = true): OpCase<"attend"> => {
  const found = modules.get(name)!;
  const q = found.tensor("q");
  const scale = (found.attrs["scale"] as number | undefined) ?? q.shape[3]! ** -0.5;
  const mask = withMask ? found.optional("mask") : undefined;
  return {
    about: `${found.kind}: ${name}${withMask ? "" : ", hidden by attributes"}`,
    operands: { q, k: found.tensor("k"), v: found.tensor("v"), bias: found.optional("bias"), mask },
    attrs: { scale, causal: found.attrs["is_causal"] === true, ...attrs },
    expected: [found.tensor("y")],
    tolerance,
  };
};

/** Its chunks scale q by keys ^ -1/2, which the op does not. */
function linearAttend({ name, kind, tensor, optional }: GoldenCase): OpCase<"linear_attend"> {
  const q = tensor("q");
  const scale = optional("beta") === undefined ? 1 : q.shape[3]! ** -0.5;
  return {
    about: `${kind}: ${name}`,
    operands: {
      q: scaled(q, scale),
      k: tensor("k"),
      v: tensor("v"),
      decay: optional("decay"),
      beta: optional("beta"),
      state: optional("state"),
    },
    expected: [tensor("y"), tensor("last")],
    tolerance,
  };
}

/** [B, H, T, K] as [B, T, H, K]. */
function headsLast({ shape, data }: HostTensor): HostTensor {
  const [batch, heads, rows, width] = shape as [number, number, number, number];
  const values = Array.from(data, (_, i) => {
    const [k, h, t] = [i % width, Math.floor(i / width) % heads, Math.floor(i / (width * heads)) % rows];
    const b = Math.floor(i / (width * heads * rows));
    return data[((b * heads + h) * rows + t) * width + k]!;
  });
  return f32([batch, rows, heads, width], values);
}

function attendHeadsLast(name: string): OpCase<"attend"> {
  const { operands, attrs, expected } = attend(name);
  const { q, k, v } = operands;
  return {
    about: `${name}, heads last`,
    operands: { ...operands, q: headsLast(q), k: headsLast(k), v: headsLast(v) },
    attrs: { ...attrs, layout: "heads_last" },
    expected: expected.map(headsLast),
    tolerance,
  };
}

interface RopeParameters {
  readonly rope_theta: number;
}

/** The attributes that a published configuration means; its scalings are tested through the layer. */
const ropeAttributes = ({ attrs }: GoldenCase): NonNullable<OpCase<"rope">["attrs"]> => ({
  theta: (attrs["rope_parameters"] as RopeParameters).rope_theta,
  dims: (attrs["rotary_dim"] as number | undefined) ?? 0,
  pairs: (attrs["pairs"] as string).includes("2i") ? "interleaved" : "halves",
});

const ropeNames = [
  "rotary_halves",
  "rotary_halves_later",
  "rotary_neighbours",
  "rotary_neighbours_partial",
  "rotary_halves_partial",
];

const ropes = ropeNames.map((name): OpCase<"rope"> => {
  const found = positions.get(name)!;
  return {
    about: `transformers: ${name}`,
    operands: { x: found.tensor("q"), positions: found.tensor("positions") },
    attrs: ropeAttributes(found),
    expected: [found.tensor("y")],
    tolerance,
  };
});

const quarterTurn = { theta: 1, pairs: "interleaved" } as const;

export const linearCases: CasesOf<keyof typeof linearOps> = {
  matmul: [
    {
      about: about(matmul),
      operands: { a: matmul.tensor("a"), b: matmul.tensor("b") },
      expected: [matmul.tensor("y")],
      tolerance,
    },
    {
      about: "one matrix for a batch, transposed: rows times rows",
      operands: { a: counting([2, 1, 2]), b: f32([2, 2], [1, 10, 100, 1000]) },
      attrs: { transpose_b: true },
      expected: [f32([2, 1, 2], [10, 1000, 32, 3200])],
    },
  ],
  linear: linears.flatMap((found) => {
    const operands = {
      x: found.tensor("x"),
      weight: found.tensor("param.weight"),
      bias: found.optional("param.bias"),
    };
    const expected = [found.tensor("y")];
    return [
      { about: about(found), operands, expected, tolerance },
      {
        about: `${about(found)}, weight [in, out]`,
        operands: { ...operands, weight: transposed(operands.weight) },
        attrs: { layout: "in_out" as const },
        expected,
        tolerance,
      },
    ];
  }),
  linear_epilogue: [
    {
      // [1, 2] · [[1, 0], [0, 1], [1, 1]]ᵀ = [1, 2, 3]; plus bias, times 2, plus the residual.
      about: "bias, a number and a residual",
      operands: {
        x: f32([1, 2], [1, 2]),
        weight: f32([3, 2], [1, 0, 0, 1, 1, 1]),
        extras: [f32([3], [10, 20, 30]), f32([1, 3], [0.5, 0.25, 0.125])],
      },
      attrs: {
        epilogue: {
          steps: [
            {
              op: "add",
              args: [
                { kind: "input", index: 0 },
                { kind: "input", index: 1 },
              ],
            },
            {
              op: "mul",
              args: [
                { kind: "step", index: 0 },
                { kind: "number", value: 2 },
              ],
            },
            {
              op: "add",
              args: [
                { kind: "step", index: 1 },
                { kind: "input", index: 2 },
              ],
            },
          ],
        },
      },
      expected: [f32([1, 3], [22.5, 44.25, 66.125])],
    },
  ],
  embedding: [
    {
      about: about(embedding),
      operands: { table: embedding.tensor("param.weight"), ids: embedding.tensor("ids") },
      expected: [embedding.tensor("y")],
    },
  ],
  conv2d: [
    ...named(["conv2d_0", "conv2d_1", "conv2d_2", "conv2d_3", "conv2d_4"]).map((found): OpCase<"conv2d"> => {
      const [stride, padding] = [found.attrs["stride"] as number, found.attrs["padding"] as number];
      return {
        about: about(found),
        operands: {
          x: found.tensor("x"),
          weight: found.tensor("param.weight"),
          bias: found.optional("param.bias"),
        },
        attrs: { stride: [stride, stride], padding: [padding, padding] },
        expected: [found.tensor("y")],
        tolerance,
      };
    }),
    {
      about: "two groups: each output sees its own input",
      operands: {
        x: f32([1, 2, 1, 2], [1, 2, 3, 4]),
        weight: f32([2, 1, 1, 2], [1, 10, 100, 1000]),
        bias: undefined,
      },
      attrs: { groups: 2 },
      expected: [f32([1, 2, 1, 1], [21, 4300])],
    },
  ],
  max_pool2d: named(["max_pool2d_0", "max_pool2d_1", "max_pool2d_2"]).map((found) => {
    const [kernel, stride, padding] = ["kernel", "stride", "padding"].map(
      (name) => found.attrs[name] as number,
    );
    return {
      about: about(found),
      operands: { x: found.tensor("x") },
      attrs: { kernel: [kernel!, kernel!], stride: [stride!, stride!], padding: [padding!, padding!] },
      expected: [found.tensor("y")],
    };
  }),
  rope: [
    ...ropes,
    {
      about: "position 1 turns (1, 0) by one radian; position 0 does not turn",
      operands: { x: f32([1, 1, 2, 2], [1, 0, 1, 0]), positions: undefined },
      attrs: quarterTurn,
      // cos 1 and sin 1 to 16 digits.
      expected: [f32([1, 1, 2, 2], [1, 0, 0.5403023058681398, 0.8414709848078965])],
      tolerance: 1e-15,
    },
    {
      about: "heads last, positions of each item of the batch",
      operands: { x: f32([2, 1, 2, 2], [1, 0, 0, 1, 1, 0, 0, 1]), positions: i32([2, 1], [0, 1]) },
      attrs: { ...quarterTurn, layout: "heads_last" },
      expected: [
        f32(
          [2, 1, 2, 2],
          [1, 0, 0, 1, 0.5403023058681398, 0.8414709848078965, -0.8414709848078965, 0.5403023058681398],
        ),
      ],
      tolerance: 1e-15,
    },
  ],
  attend: [
    ...["full", "causal", "one_query", "grouped", "one_kv_head", "scale", "scale_one", "mask", "bias"].map(
      (name) => attend(`sdpa_${name}`),
    ),
    attend("sdpa_causal_late_queries"),
    attend("sdpa_causal_late_queries", { causal: true }, false),
    attendHeadsLast("sdpa_grouped"),
    attendHeadsLast("sdpa_bias"),
    {
      about: "a window of two sees itself and the key before",
      // Equal scores: the result is the mean of the values that are seen.
      operands: {
        q: f32([1, 1, 3, 1], [0, 0, 0]),
        k: counting([1, 1, 3, 1]),
        v: f32([1, 1, 3, 1], [1, 3, 5]),
        bias: undefined,
        mask: undefined,
      },
      attrs: { scale: 1, causal: true, window: 2 },
      expected: [f32([1, 1, 3, 1], [1, 2, 4])],
      tolerance: 1e-15,
    },
    {
      about:
        "a soft cap before the softmax: 2 · tanh(ln 3 / 2 · 2 / 2) = 2 · (3 - 1) / (3 + 1) = 1 for a score of ln 3",
      // Scores 2·tanh(ln(3)/2) = 1 and 0: weights e/(1+e) and 1/(1+e) on the values 1 and 0.
      operands: {
        q: f32([1, 1, 1, 1], [1]),
        k: f32([1, 1, 2, 1], [Math.log(3), 0]),
        v: f32([1, 1, 2, 1], [1, 0]),
        bias: undefined,
        mask: undefined,
      },
      attrs: { scale: 1, softcap: 2 },
      expected: [f32([1, 1, 1, 1], [Math.E / (1 + Math.E)])],
      tolerance: 1e-15,
    },
    {
      about: "ALiBi of one head has slope 2^-8: weights 1 and e^(-1/256)",
      operands: {
        q: f32([1, 1, 2, 1], [0, 0]),
        k: counting([1, 1, 2, 1]),
        v: f32([1, 1, 2, 1], [0, 1]),
        bias: undefined,
        mask: undefined,
      },
      attrs: { scale: 1, causal: true, alibi: true },
      expected: [f32([1, 1, 2, 1], [0, 1 / (1 + Math.exp(-1 / 256))])],
      tolerance: 1e-15,
    },
    {
      about: "a row that sees nothing is zero, and NaN behind a mask stays hidden",
      operands: {
        q: f32([1, 1, 2, 1], [1, 1]),
        k: f32([1, 1, 1, 1], [NaN]),
        v: f32([1, 1, 1, 1], [NaN]),
        bias: undefined,
        mask: { dtype: "bool", shape: [1, 1, 2, 1], data: Uint8Array.of(0, 0) },
      },
      attrs: { scale: 1 },
      expected: [f32([1, 1, 2, 1], [0, 0])],
    },
  ],
  routed_linear: [...goldenCases("routed").values()].map((found) => ({
    about: about(found),
    operands: { x: found.tensor("x"), weight: found.tensor("weight"), chosen: found.tensor("chosen") },
    attrs: { layout: found.attrs["layout"] as "out_in" | "in_out" },
    expected: [found.tensor("y")],
    tolerance,
  })),
  linear_attend: [...recurrent.values()].filter(({ kind }) => kind === "linear attention").map(linearAttend),
};
