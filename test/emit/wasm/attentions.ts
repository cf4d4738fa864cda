import { evaluateAttend } from "../../../src/ops/evaluate/attend.ts";
import { evaluateAttendGrad } from "../../../src/ops/evaluate/gradient-attend.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import { planOf } from "../../plan/graphs.ts";

/** An attention by its sizes; `bias` and `mask` are shapes of what stretches to [B, H, T, S]. */
export interface Attention {
  readonly batch?: number;
  readonly heads?: number;
  readonly keyHeads?: number;
  readonly queries: number;
  readonly keys?: number;
  readonly width: number;
  readonly valueWidth?: number;
  readonly causal?: boolean;
  readonly window?: number | undefined;
  readonly softcap?: number;
  readonly alibi?: boolean;
  readonly scale?: number;
  readonly bias?: readonly number[] | undefined;
  readonly mask?: readonly number[] | undefined;
  /** How q, k and v lie: dense, or as parts of the columns of one [B, T, D] (with as many keys as queries). */
  readonly lies?: "heads_first" | "heads_last" | "columns";
  /** Whether batch and rows are known at run time only. */
  readonly symbolic?: boolean;
  /** Whether the gradient also gives two numbers a query row. */
  readonly observe?: boolean;
  readonly seed?: number;
}

type Filled = Required<Omit<Attention, "window" | "bias" | "mask">> & Attention;

const filled = (given: Attention): Filled => ({
  batch: 1,
  heads: 1,
  keyHeads: given.heads ?? 1,
  keys: given.queries,
  valueWidth: given.width,
  causal: false,
  softcap: 0,
  alibi: false,
  scale: given.width ** -0.5,
  lies: "heads_first",
  symbolic: false,
  observe: false,
  seed: 1,
  ...given,
});

export const attributesOf = (given: Attention) => {
  const { causal, window, softcap, alibi, scale, lies, observe } = filled(given);
  const layout = lies === "heads_first" ? ("heads_first" as const) : ("heads_last" as const);
  return { causal, window, softcap, alibi, scale, layout, observe };
};

type Names = "q" | "k" | "v" | "grad" | "bias" | "mask";
export type Operands = { [N in Names]: HostTensor };

/** Random operands; floats are float32. */
export function operandsOf(given: Attention): Operands {
  const { batch, heads, keyHeads, queries, keys, width, valueWidth, lies, bias, mask, seed } = filled(given);
  const shape = (ofHeads: number, rows: number, columns: number): number[] =>
    lies === "heads_first" ? [batch, ofHeads, rows, columns] : [batch, rows, ofHeads, columns];
  const random = (name: string, of: readonly number[]): HostTensor => {
    const stream = new RandomStream(seed, name);
    const values = Array.from({ length: sizeOf(of) }, () => Math.fround(2 * stream.uniform() - 1));
    return hostTensor("f32", [...of], values);
  };
  const stream = new RandomStream(seed, "mask");
  const seen = Array.from({ length: sizeOf(mask ?? []) }, () => Number(stream.uniform() < 0.7));
  return {
    q: random("q", shape(heads, queries, width)),
    k: random("k", shape(keyHeads, keys, width)),
    v: random("v", shape(keyHeads, keys, valueWidth)),
    grad: random("grad", shape(heads, queries, valueWidth)),
    bias: random("bias", bias ?? []),
    mask: hostTensor("bool", [...(mask ?? [])], seen),
  };
}

/** What the op's record says, in float64. */
export function expectedOf(
  op: "attend" | "attend_grad",
  given: Attention,
  operands: Operands,
): readonly HostTensor[] {
  const { grad, bias, mask, ...rest } = operands;
  const all = {
    ...rest,
    bias: given.bias === undefined ? undefined : bias,
    mask: given.mask === undefined ? undefined : mask,
  };
  const attrs = attributesOf(given);
  return op === "attend" ? [evaluateAttend(all, attrs)] : evaluateAttendGrad({ grad, ...all }, attrs);
}

/** The plan of the op, what its inputs are, and the run-time dims. */
export function attentionPlan(op: "attend" | "attend_grad", given: Attention, operands: Operands) {
  const of = filled(given);
  const dims = new Map(
    of.symbolic
      ? [
          ["B", of.batch],
          ["T", of.queries],
          ["S", of.keys],
        ]
      : [],
  );
  const [batch, queries] = of.symbolic ? ["B", "T"] : [of.batch, of.queries];
  const keys = !of.symbolic ? of.keys : of.lies === "columns" ? "T" : "S";
  const { layout, ...attrs } = attributesOf(given);
  const type = (heads: number, rows: string | number, width: number): string =>
    layout === "heads_first"
      ? `f32[${batch}, ${heads}, ${rows}, ${width}]`
      : `f32[${batch}, ${rows}, ${heads}, ${width}]`;
  const types = {
    q: type(of.heads, queries, of.width),
    k: type(of.keyHeads, keys, of.width),
    v: type(of.keyHeads, keys, of.valueWidth),
    grad: type(of.heads, queries, of.valueWidth),
  };
  const stretched = (shape: readonly number[]): string =>
    shape
      .map((size, axis) => {
        const name = ["B", undefined, "T", keys][axis + 4 - shape.length];
        return of.symbolic && name !== undefined && size !== 1 ? name : size;
      })
      .join(", ");
  const isGrad = op === "attend_grad";
  const given_ = [
    ...(of.bias === undefined ? [] : [["bias", `f32[${stretched(of.bias)}]`] as const]),
    ...(of.mask === undefined ? [] : [["mask", `bool[${stretched(of.mask)}]`] as const]),
    ...(isGrad ? [["grad", types.grad] as const] : []),
  ];
  const columns = { q: of.heads * of.width, k: of.keyHeads * of.width, v: of.keyHeads * of.valueWidth };
  const all = columns.q + columns.k + columns.v;
  const parts = (["q", "k", "v"] as const).map((name, at) => {
    const start = [0, columns.q, columns.q + columns.k][at]!;
    const size = columns[name];
    return [
      `%${name}0: f32[${batch}, ${queries}, ${size}] = slice(x: %x, axis: 2, start: ${start}, size: ${size})`,
      `%${name}: ${types[name]} = reshape(x: %${name}0, shape: [${types[name].slice(4, -1)}])`,
    ].join("\n");
  });
  const inputs =
    of.lies === "columns" ? [] : (["q", "k", "v"] as const).map((name) => [name, types[name]] as const);
  const words = [
    ...["q", "k", "v", ...given_.map(([name]) => name)].map((name) => `${name}: %${name}`),
    `scale: ${attrs.scale}`,
    ...(attrs.causal ? ["causal: true"] : []),
    ...(attrs.window === undefined ? [] : [`window: ${attrs.window}`]),
    ...(attrs.softcap === 0 ? [] : [`softcap: ${attrs.softcap}`]),
    ...(attrs.alibi ? ["alibi: true"] : []),
    `layout: ${layout}`,
    ...(isGrad && attrs.observe ? ["observe: true"] : []),
  ];
  const ofRow = `f32[${batch}, ${of.heads}, ${queries}]`;
  const results = isGrad
    ? [
        ...[types.q, types.k, types.v],
        ...(of.bias === undefined ? [] : [`f32[${stretched(of.bias)}]`]),
        ...(attrs.observe ? [ofRow, ofRow] : []),
      ]
    : [types.grad];
  const plan: Plan = planOf(`
    ${of.symbolic ? `dim B\n dim T\n ${of.lies === "columns" ? "" : "dim S"}` : ""}
    ${of.lies === "columns" ? `input %x: f32[${batch}, ${queries}, ${all}]` : ""}
    ${[...inputs, ...given_].map(([name, text]) => `input %${name}: ${text}`).join("\n")}
    ${of.lies === "columns" ? parts.join("\n") : ""}
    ${results.map((text, i) => `%y${i}: ${text}`).join(", ")} = ${op}(${words.join(", ")})
    ${results.map((_, i) => `output y${i} = %y${i}`).join("\n")}`);
  return { plan, sizes: dims, inputs: { ...operands, x: joinedColumns(operands, columns) } };
}

/** q, k and v [B, T, H, K] side by side in each row. */
function joinedColumns(operands: Operands, columns: Readonly<Record<"q" | "k" | "v", number>>): HostTensor {
  const names = ["q", "k", "v"] as const;
  const rows = operands.q.data.length / columns.q;
  const values: number[] = [];
  for (let row = 0; row < rows; row++)
    for (const name of names)
      for (let i = 0; i < columns[name]; i++)
        values.push(Number(operands[name].data[row * columns[name] + i]));
  return hostTensor("f32", [rows, values.length / rows], values);
}
