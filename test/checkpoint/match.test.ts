import { describe, expect, test } from "vitest";
import { stopTokens } from "../../src/checkpoint/config.ts";
import { matchParameters, type CheckpointTensor, type Match } from "../../src/checkpoint/match.ts";
import { parseShardIndex } from "../../src/checkpoint/shards.ts";
import { toFloat32, toStored } from "../../src/checkpoint/stored.ts";
import type { Parameter } from "../../src/ir/graph.ts";
import { makeValue } from "../../src/ir/node.ts";
import { hostTensor, sizeOf } from "../../src/tensor/host.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { expectValue, messageOf } from "./fixtures.ts";

const parameter = (name: string, ...shape: number[]): Parameter => ({
  name,
  value: makeValue(tensorType("f32", ...shape)),
  init: { kind: "constant", value: 0 },
  trainable: true,
  span: undefined,
});

/** A tensor whose elements are all `fill`. */
const tensor = (shape: readonly number[], fill = 0): CheckpointTensor => ({
  dtype: "f32",
  shape,
  read: () => toStored(hostTensor("f32", shape, new Array<number>(sizeOf(shape)).fill(fill))),
});

const match = (
  parameters: readonly Parameter[],
  tensors: Readonly<Record<string, CheckpointTensor>>,
): string[] | Match => {
  const result = matchParameters(parameters, new Map(Object.entries(tensors)), "m.safetensors");
  return "tensors" in result ? result : result.map(messageOf);
};

const model = [parameter("wte.weight", 4, 2), parameter("ln_f.weight", 2)];
const fitting = { "wte.weight": tensor([4, 2], 3), "ln_f.weight": tensor([2], 1) };

test("norms may have the older names of their parameters", () => {
  const old = { "ln.gamma": tensor([2], 1), "ln.beta": tensor([2], 0) };
  const { tensors, ignored } = match([parameter("ln.weight", 2), parameter("ln.bias", 2)], old) as Match;
  expect([...tensors]).toStrictEqual([
    ["ln.weight", old["ln.gamma"]],
    ["ln.bias", old["ln.beta"]],
  ]);
  expect(ignored).toEqual([]);
});

test("every parameter gets the tensor of its name", () => {
  const { tensors, ignored } = match(model, fitting) as Match;
  expect([...tensors]).toStrictEqual(Object.entries(fitting));
  expect(ignored).toStrictEqual([]);
});

describe("a stack", () => {
  const stack = [parameter("h.0.experts.*.w1.weight", 3, 2, 2), parameter("norm.weight", 2)];
  const part = (fill: number) => tensor([2, 2], fill);
  const parts = {
    "norm.weight": tensor([2], 9),
    "h.0.experts.2.w1.weight": part(2),
    "h.0.experts.0.w1.weight": part(0),
    "h.0.experts.1.w1.weight": part(1),
  };

  test("is its parts one behind the other, read a part at a time, under any prefix", () => {
    const renamed = Object.entries(parts).map(([name, each]) => [`model.${name}`, each] as const);
    for (const given of [parts, Object.fromEntries(renamed)]) {
      const { tensors } = match(stack, given) as Match;
      const found = tensors.get("h.0.experts.*.w1.weight")!;
      expect(found.shape).toEqual([3, 2, 2]);
      expect([...toFloat32(found.read())]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
      expect([...toFloat32(found.readPart!(3, 9))]).toEqual([0, 1, 1, 1, 1, 2]);
      expect([...toFloat32(found.readPart!(9, 11))]).toEqual([2, 2]);
    }
  });

  test("may be there whole", () => {
    const whole = { "norm.weight": parts["norm.weight"], "h.0.experts.*.w1.weight": tensor([3, 2, 2], 4) };
    expect((match(stack, whole) as Match).tensors.size).toBe(2);
  });

  test("says which of its parts are missing, of another shape, or too many", () => {
    const named = Object.entries(parts);
    const incomplete = Object.fromEntries(named.filter(([name]) => name !== "h.0.experts.1.w1.weight"));
    expect(match(stack, incomplete)).toEqual([
      "E721 m.safetensors: 1 tensor of the model is missing: `h.0.experts.1.w1.weight`",
    ]);
    expect(match(stack, { ...parts, "h.0.experts.1.w1.weight": tensor([2, 3]) })).toEqual([
      expect.stringContaining("`h.0.experts.1.w1.weight` is [2, 3], the model has [2, 2]"),
    ]);
    expect(match(stack, { ...parts, "h.0.experts.3.w1.weight": part(3) })).toEqual([
      expect.stringContaining("1 tensor that the model does not have: `h.0.experts.3.w1.weight`"),
    ]);
    expect(match(stack, { "norm.weight": parts["norm.weight"] })).toEqual([
      expect.stringContaining("missing: `h.0.experts.*.w1.weight`"),
    ]);
  });
});

test("masks, position tables and rotary frequencies of published files are passed over", () => {
  const surplus = ["h.0.attn.bias", "h.11.attn.masked_bias", "model.layers.3.self_attn.rotary_emb.inv_freq"];
  const tensors = Object.fromEntries(surplus.map((name) => [name, tensor([1])]));
  expect((match(model, { ...fitting, ...tensors }) as Match).ignored).toStrictEqual(surplus);
});

test("a table of sinusoids is passed over, a learned one is not", () => {
  const shape = [3, 4];
  const rows = [0, 1, 2].flatMap((p) => [Math.sin(p), Math.sin(p / 100), Math.cos(p), Math.cos(p / 100)]);
  const table = (values: readonly number[]): CheckpointTensor => ({
    dtype: "f32",
    shape,
    read: () => toStored(hostTensor("f32", shape, values)),
  });
  const name = "model.encoder.embed_positions.weight";
  expect((match(model, { ...fitting, [name]: table(rows) }) as Match).ignored).toStrictEqual([name]);
  for (const other of [rows.with(5, 0.5), rows.with(11, NaN)])
    expect(match(model, { ...fitting, [name]: table(other) })).toEqual([expect.stringContaining(name)]);
  expect(match(model, { ...fitting, "encoder.positions.weight": table(rows) })).toHaveLength(1);
});

test("a head that repeats the tied table is passed over, one with other numbers is not", () => {
  expect((match(model, { ...fitting, "lm_head.weight": tensor([4, 2], 3) }) as Match).ignored).toStrictEqual([
    "lm_head.weight",
  ]);
  expect(match(model, { ...fitting, "lm_head.weight": tensor([4, 2], 4) })).toStrictEqual([
    "E723 m.safetensors: 1 tensor that the model does not have: `lm_head.weight` | `lm_head.weight` is a head of its own, and the model multiplies by its table instead, as `tie_word_embeddings: true` asks; with `false` in its config.json the checkpoint has the head, `--ignore lm_head.weight` passes over it",
  ]);
});

test("a surplus vector is never taken for a copy: a norm of ones would vanish unnoticed", () => {
  expect(match(model, { ...fitting, "q_norm.weight": tensor([2], 1) })).toStrictEqual([
    "E723 m.safetensors: 1 tensor that the model does not have: `q_norm.weight` | `--ignore PATTERN` passes over tensors that are not needed",
  ]);
});

describe("what does not fit is reported at once", () => {
  test("missing, misshapen and surplus, with the nearest name", () => {
    expect(match(model, { "wte.wieght": tensor([4, 2]), "ln_f.weight": tensor([3]) })).toStrictEqual([
      "E721 m.safetensors: 1 tensor of the model is missing: `wte.weight` | the checkpoint has `wte.wieght`; did you mean that for `wte.weight`?",
      "E722 m.safetensors: 1 tensor of another shape: `ln_f.weight` is [3], the model has [2] | do the sizes of the model fit this checkpoint? `--config` reads them from its config.json",
      "E723 m.safetensors: 1 tensor that the model does not have: `wte.wieght`",
    ]);
  });

  test("a long list is cut and counted", () => {
    const layers = Array.from({ length: 9 }, (_, i) => parameter(`h.${i}.w`, 1));
    expect(match(layers, {})).toStrictEqual([
      "E721 m.safetensors: 9 tensors of the model are missing: `h.0.w`, `h.1.w`, `h.2.w`, `h.3.w`, `h.4.w` and 4 more",
    ]);
  });

  test("sizes are compared axis by axis: a transposed matrix is of another shape", () => {
    expect(match([parameter("w", 4, 2)], { w: tensor([2, 4]) })).toStrictEqual([
      "E722 m.safetensors: 1 tensor of another shape: `w` is [2, 4], the model has [4, 2] | do the sizes of the model fit this checkpoint? `--config` reads them from its config.json",
    ]);
  });
});

describe("an index of shards", () => {
  test("says which file holds each tensor", () => {
    const text = `{"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}`;
    expect([...expectValue(parseShardIndex(text, "index"))]).toStrictEqual([
      ["a", "model-00001-of-00002.safetensors"],
      ["b", "model-00002-of-00002.safetensors"],
    ]);
  });

  test.each([
    [`{}`, "E709 index: expected an object `weight_map`, found undefined"],
    [
      `{"weight_map":{"a":"../secret.safetensors"}}`,
      "E709 index: `a` must name a .safetensors file of the same folder, found `../secret.safetensors`",
    ],
    [
      `{"weight_map":{"a":"pytorch_model.bin"}}`,
      "E709 index: `a` must name a .safetensors file of the same folder, found `pytorch_model.bin`",
    ],
    [`{"weight_map":{"a":3}}`, "E709 index: `a` must name a .safetensors file of the same folder, found 3"],
  ])("is refused if it is %s", (text, message) => {
    expect(messageOf(parseShardIndex(text, "index"))).toBe(message);
  });
});

test("generation stops at the ids of the first config that names some", () => {
  expect(stopTokens(undefined, { eos_token_id: 2 })).toStrictEqual(new Set([2]));
  expect(stopTokens({ eos_token_id: [7, 8] }, { eos_token_id: 2 })).toStrictEqual(new Set([7, 8]));
  expect(stopTokens({ eos_token_id: null }, {})).toStrictEqual(new Set());
});

test.each(["i8", "u8", "i16", "i32", "u32", "i64", "bool"] as const)(
  "whole numbers of dtype %s are refused for a float weight: their scales are not read",
  (dtype) => {
    const tensors = { ...fitting, "wte.weight": { ...fitting["wte.weight"], dtype } };
    expect(match(model, tensors as unknown as typeof fitting)).toEqual([
      `E725 m.safetensors: the model takes floats, but \`wte.weight\` is ${dtype}[4, 2]: whole numbers, whose scales it does not read | convert the checkpoint to f32, f16 or bf16, which multiplies quantized weights by their scales`,
    ]);
  },
);
