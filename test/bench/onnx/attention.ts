import type { NodeOf, Value } from "../../../src/ir/graph.ts";
import { constantDim } from "../../../src/tensor/dim.ts";
import type { Exporter } from "./exporter.ts";
import { MICROSOFT } from "./writer.ts";

/** What a hidden score becomes: the least of float32, as transformers has it. */
const HIDDEN = -3.4028234663852886e38;

/** ONNX's number of int32. */
const INT32 = 6;

/** Attention over q, k, v [B, T, H, K] with as many heads of keys as of queries, causal or with a mask of keys. */
export function attend(exporter: Exporter, node: NodeOf<"attend">): string {
  const { q, k, v, bias, mask } = node.operands;
  const { layout, window, softcap, alibi } = node.attrs;
  const isPlain = bias === undefined && window === undefined && softcap === 0 && !alibi;
  if (!isPlain || layout !== "heads_last" || q.type.shape[2]!.key !== k.type.shape[2]!.key)
    throw new Error("attention of this kind has no form in ONNX here");
  return exporter.form === "fused"
    ? fusedAttend(exporter, node, [q, k, v], mask)
    : plainAttend(exporter, node, [q, k, v], mask);
}

/** Q Kᵀ, a mask, softmax and V as the ops that they are. */
function plainAttend(
  exporter: Exporter,
  { attrs: { causal, scale } }: NodeOf<"attend">,
  [q, k, v]: readonly [Value, Value, Value],
  mask: Value | undefined,
): string {
  const { onnx } = exporter;
  const turned = (value: Value, perm: readonly number[]): string =>
    onnx.one("Transpose", [exporter.name(value)], { perm });
  const factor = exporter.once(`scale ${scale}`, () => onnx.floats([], [scale]));
  const scaled = onnx.one("Mul", [turned(q, [0, 2, 1, 3]), factor]);
  let scores = onnx.one("MatMul", [scaled, turned(k, [0, 2, 3, 1])]);
  if (causal) scores = onnx.one("Add", [scores, causalMask(exporter, q, k)]);
  if (mask !== undefined) scores = onnx.one("Add", [scores, additiveMask(exporter, mask)]);
  const shares = onnx.one("Softmax", [scores], { axis: -1 });
  return onnx.one("Transpose", [onnx.one("MatMul", [shares, turned(v, [0, 2, 1, 3])])], {
    perm: [0, 2, 1, 3],
  });
}

/** [T, S]: hidden above the diagonal. */
function causalMask(exporter: Exporter, q: Value, k: Value): string {
  const { onnx } = exporter;
  const sizes = [q, k].map(({ type }) => type.shape[1]!);
  return exporter.once(`causal ${sizes.map(({ key }) => key).join()}`, () => {
    const shape = onnx.one("Concat", sizes.map(exporter.extent), { axis: 0 });
    const all = onnx.one("Expand", [onnx.floats([], [HIDDEN]), shape]);
    return onnx.one("Trilu", [all, onnx.int(1)], { upper: 1 });
  });
}

const additiveMask = (exporter: Exporter, mask: Value): string =>
  exporter.once(`mask ${exporter.name(mask)}`, () => {
    const [zero, hidden] = [0, HIDDEN].map((value) => exporter.onnx.floats([], [value]));
    return exporter.onnx.one("Where", [exporter.name(mask), zero!, hidden!]);
  });

/** onnxruntime's MultiHeadAttention, which takes [B, T, H · K]. */
function fusedAttend(
  exporter: Exporter,
  node: NodeOf<"attend">,
  values: readonly Value[],
  mask: Value | undefined,
): string {
  const { onnx } = exporter;
  const [, , heads, width] = values[0]!.type.shape.map((size) => constantDim(size));
  const [q, k, v] = values.map((value) => headsJoined(exporter, value));
  const operands = mask === undefined ? [q!, k!, v!] : [q!, k!, v!, "", paddingOf(exporter, mask)];
  const out = onnx.one(
    "MultiHeadAttention",
    operands,
    { num_heads: heads!, scale: { float: node.attrs.scale }, unidirectional: node.attrs.causal ? 1 : 0 },
    MICROSOFT,
  );
  return onnx.one("Reshape", [out, onnx.ints(0, 0, heads!, width!)]);
}

/** A mask [B, 1, 1, S] as onnxruntime takes it: i32[B, S], 1 for what is seen. */
const paddingOf = (exporter: Exporter, mask: Value): string =>
  exporter.once(`padding ${exporter.name(mask)}`, () => {
    const { onnx } = exporter;
    return onnx.one("Cast", [onnx.one("Reshape", [exporter.name(mask), onnx.ints(0, -1)])], { to: INT32 });
  });

/** [B, T, H, K] as [B, T, H · K]: what it was before it was split into heads, if that is how it came to be. */
function headsJoined(exporter: Exporter, value: Value): string {
  const before = exporter.producer(value);
  if (before?.op === "reshape" && before.operands.x.type.shape.length === 3)
    return exporter.name(before.operands.x);
  return exporter.onnx.one("Reshape", [exporter.name(value), exporter.onnx.ints(0, 0, -1)]);
}

/** Rotary positions 0, 1, … of x [B, T, H, K], pairs (i, i + K / 2). */
export function rope(exporter: Exporter, node: NodeOf<"rope">): string {
  const { x, positions } = node.operands;
  const { theta, dims, pairs, scaling, layout } = node.attrs;
  const isPlain = positions === undefined && dims === 0 && pairs === "halves" && scaling === "none";
  if (!isPlain || layout !== "heads_last") throw new Error("a turn of this kind has no form in ONNX here");
  const { onnx } = exporter;
  const [heads, width] = x.type.shape.slice(2).map((size) => constantDim(size)!);
  const half = width! / 2;
  const table = (part: (angle: number) => number): readonly number[] =>
    Array.from({ length: POSITIONS * half }, (_, at) =>
      part(Math.floor(at / half) * theta ** (-(at % half) / half)),
    );
  const [cos, sin] = ([Math.cos, Math.sin] as const).map((part) =>
    exporter.once(`${part.name} ${theta} ${width}`, () => onnx.floats([POSITIONS, half], table(part))),
  );
  if (exporter.form === "fused") {
    const inputs = [headsJoined(exporter, x), onnx.ints(0), cos!, sin!];
    const turned = onnx.one("RotaryEmbedding", inputs, { num_heads: heads! }, MICROSOFT);
    return onnx.one("Reshape", [turned, onnx.ints(0, 0, heads!, width!)]);
  }
  // [T, 1, K / 2], beside [B, T, H, K / 2].
  const [c, s] = [cos!, sin!].map((name) =>
    exporter.once(`rows ${name}`, () => {
      const rows = onnx.one("Slice", [name, onnx.ints(0), exporter.extent(x.type.shape[1]!), onnx.ints(0)]);
      return onnx.one("Unsqueeze", [rows, onnx.ints(1)]);
    }),
  );
  const [low, high] = onnx.add("Split", [exporter.name(x)], { axis: 3, num_outputs: 2 }, { results: 2 });
  const mul = (a: string, b: string): string => onnx.one("Mul", [a, b]);
  const first = onnx.one("Sub", [mul(low!, c!), mul(high!, s!)]);
  const second = onnx.one("Add", [mul(high!, c!), mul(low!, s!)]);
  return onnx.one("Concat", [first, second], { axis: 3 });
}

/** How many positions the tables of angles have. */
const POSITIONS = 1024;
