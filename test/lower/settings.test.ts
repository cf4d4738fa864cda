import { describe, expect, test } from "vitest";
import { parse } from "../../src/language/parse.ts";
import { listDefinitions, listLayers, listLibrary } from "../../src/lower/layers/listing.ts";
import { graphOf, modelOf } from "./support.ts";

const text = `model m(width = 8, eps = 1e-5, heads: int = width / 2, placement = pre, act: layer = relu, kinds: list = none,
        name = "a", layout: in_out | out_in = out_in, deep = false) {
  config {
    width = hidden_size
    heads = num_heads else hidden_size / 4
    eps = norm.eps else 0.5
    deep = kind == "deep"
    kinds = layer_types
    act = activation
  }
  input x: f32[B, width]
  act
  output y
}`;

const values = (options: Parameters<typeof modelOf>[1] = {}): Record<string, string> =>
  Object.fromEntries(modelOf(text, options).parameters.map(({ name, value }) => [name, value]));

describe("settings", () => {
  test("without any, parameters are what their defaults say", () => {
    expect(values()).toEqual({
      width: "8",
      eps: "0.00001",
      heads: "4",
      placement: "pre",
      act: "relu",
      kinds: "none",
      name: "a",
      layout: "out_in",
      deep: "false",
    });
  });

  test("texts are read as .lmg writes the value, by the parameter's kind", () => {
    const settings = {
      width: "2 ^ 4",
      eps: "1e-6",
      placement: "none",
      act: "gelu(approx: tanh)",
      kinds: '["a", "b"]',
      name: "any text { at all",
      layout: "in_out",
      deep: "true",
    };
    expect(values({ settings })).toMatchObject({
      width: "16",
      eps: "0.000001",
      heads: "8",
      placement: "none",
      act: "gelu(approx: tanh)",
      kinds: "[a, b]",
      name: "any text { at all",
      layout: "in_out",
      deep: "true",
    });
    expect(graphOf(text, { settings }).nodes.map(({ op }) => op)).toEqual(["gelu_tanh"]);
  });

  test("values are taken as they are", () => {
    expect(values({ settings: { width: 4, deep: true, placement: "post", kinds: ["x"] } })).toMatchObject({
      width: "4",
      heads: "2",
      deep: "true",
      placement: "post",
      kinds: "[x]",
    });
  });

  test("`none` may be one of a parameter's words, and its default", () => {
    const choice = `model m(place: pre | none = none) {
      input x: f32[B, 4]
      residual place norm: rmsnorm { linear(4) }
      output y
    }`;
    const ops = (place?: string) =>
      graphOf(choice, place === undefined ? {} : { settings: { place } }).nodes.map(({ op }) => op);
    expect(ops()).toEqual(["linear", "residual"]);
    expect(ops("none")).toEqual(["linear", "residual"]);
    expect(ops("pre")).toEqual(["rms_norm", "linear", "residual"]);
  });

  test("a setting wins over the config, which wins over the default; each says so", () => {
    const { parameters } = modelOf(text, {
      settings: { eps: "0.25" },
      config: { hidden_size: 12, norm: { eps: 1e-3 } },
    });
    expect(parameters.slice(0, 4).map(({ name, value, from }) => [name, value, from])).toEqual([
      ["width", "12", "config"],
      ["eps", "0.25", "setting"],
      ["heads", "3", "config"],
      ["placement", "pre", "default"],
    ]);
  });
});

describe("a config", () => {
  test("gives what its keys hold; `else` holds where a key is missing or null", () => {
    expect(
      values({ config: { hidden_size: 16, num_heads: null, kind: "deep", layer_types: ["f", "s"] } }),
    ).toMatchObject({
      width: "16",
      heads: "4",
      eps: "0.5",
      deep: "true",
      kinds: "[f, s]",
    });
  });

  test("without the key and without `else` leaves the default", () => {
    expect(values({ config: {} })).toMatchObject({ width: "8", heads: "4", eps: "0.5", deep: "false" });
  });
});

describe("listings", () => {
  test("a file's definitions with their parameters and the comment above", () => {
    const { file } = parse({
      name: "m.lmg",
      text: `// Two layers.\n// Nothing more.\nmodel m(dim = 4, act = gelu, eps: float = 1e-5 * dim, mode: a | b = a) { input x: f32[B, dim]; input m: bool[B] = true }
block f(n: int, norm: layer = none) { input x: [.., D] }`,
    });
    expect(listDefinitions(file)).toMatchObject([
      {
        kind: "model",
        name: "m",
        doc: "Two layers.\nNothing more.",
        inputs: ["x", "m?"],
        owns: [],
        parameters: [
          { name: "dim", kind: "a whole number", default: "4" },
          { name: "act", kind: "a layer", default: "gelu" },
          { name: "eps", kind: "a number", default: "1e-5 * dim" },
          { name: "mode", kind: "one of a, b", default: "a" },
        ],
      },
      {
        kind: "block",
        name: "f",
        doc: "",
        inputs: ["x"],
        owns: [],
        parameters: [
          { name: "n", kind: "a whole number", default: undefined },
          { name: "norm", kind: "a layer", default: "none" },
        ],
      },
    ]);
  });

  test("every block of the library and every layer says what it does", () => {
    for (const { name, doc } of [...listLibrary(), ...listLayers()])
      expect(doc.length, name).toBeGreaterThan(10);
    expect(listLibrary().map(({ name }) => name)).toContain("attention");
    const linear = listLayers().find(({ name }) => name === "linear")!;
    expect(linear.parameters.map((parameter) => parameter.name)).toEqual(["n", "bias", "layout", "init"]);
    expect(linear.owns).toEqual(["weight", "bias"]);
  });
});
