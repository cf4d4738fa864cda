import { describe, expect, test } from "vitest";
import type { ConfigObject } from "../../src/lower/config/file.ts";
import { harmlessKeys } from "../../src/lower/config/harmless.ts";
import type { LowerOptions } from "../../src/lower/lower.ts";
import { irOf, messages, modelOf } from "./support.ts";

/** A model with a config section of these lines; it speaks for "tiny" and "small". */
const model = (lines: string, parameters = "width = 8"): string => `model m(${parameters}) {
  config for "tiny", "small" {
    ${lines}
  }
  input x: f32[B, 8]
  output x
}`;

const read = (
  lines: string,
  parameters: string,
  config: ConfigObject,
  options: LowerOptions = {},
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    modelOf(model(lines, parameters), { config, ...options }).parameters.map(({ name, value }) => [
      name,
      value,
    ]),
  );

/** What is said of a config, without the excerpts. */
const said = (text: string, config: ConfigObject, options: LowerOptions = {}): readonly string[] =>
  messages(text, { config, configName: "ckpt/config.json", ...options })
    .split("\n")
    .filter((line) => /: (?:error|warning)\[|^ {2}help: /.test(line))
    .map((line) => line.replace(/^model\.lmg:\d+:\d+: /, ""));

describe("every key of a config is read, or the config is refused", () => {
  test("a key that no line reads is named with its value, the file and what to do", () => {
    expect(
      messages(model("width = hidden_size"), {
        config: { hidden_size: 4, clip_qkv: 8.5 },
        configName: "a/b.json",
      }),
    ).toMatchInlineSnapshot(`
      "
      model.lmg:2:3: error[E546]: a/b.json: \`m\` does not read \`clip_qkv\` (8.5)
        2 |   config for "tiny", "small" {
          |   ^^^^^^ no line reads this
        help: it may change what the checkpoint computes: read it in the config section, say \`neutral clip_qkv\` there, or pass over it with \`--ignore-config clip_qkv\`
      "
    `);
  });

  test("several are one message, long values are cut, and many keys are counted", () => {
    const many = Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`key${index}`, index]));
    expect(said(model(""), { a: "x".repeat(100), b: [1, 2, 3, 4, 5, 6, 7, 8, 9], ...many }))
      .toMatchInlineSnapshot(`
        [
          "error[E546]: ckpt/config.json: \`m\` does not read \`a\` ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…), \`b\` ([1, 2, 3, 4, 5, 6, 7, 8, …]), \`key0\` (0), \`key1\` (1), \`key2\` (2), \`key3\` (3), \`key4\` (4), \`key5\` (5), \`key6\` (6), \`key7\` (7), \`key8\` (8), \`key9\` (9), \`key10\` (10), \`key11\` (11), \`key12\` (12), \`key13\` (13), \`key14\` (14), \`key15\` (15), \`key16\` (16), \`key17\` (17) and 5 more",
          "  help: each may change what the checkpoint computes: read it in the config section, say \`neutral a\` there, or pass over it with \`--ignore-config a\`",
        ]
      `);
  });

  test("parts of an object are keys; one that no line knows a part of is one key, with all that it holds", () => {
    const lines = "width = rope.theta else rope.base";
    expect(said(model(lines), { rope: { theta: 4, kind: "yarn" }, other_config: { bits: 4, on: true } }))
      .toMatchInlineSnapshot(`
      [
        "error[E546]: ckpt/config.json: \`m\` does not read \`rope.kind\` ("yarn") and \`other_config\` (an object)",
        "  help: each may change what the checkpoint computes: read it in the config section, say \`neutral rope.kind\` there, or pass over it with \`--ignore-config rope.kind\`",
      ]
    `);
  });

  test("an empty object and a null in the place of one say nothing", () => {
    expect(read("width = rope.theta", "width = 8", { rope: null, pruned_heads: {} })).toEqual({ width: "8" });
    expect(said(model("width = rope.theta"), { rope: 5 })[0]).toContain("does not read `rope` (5)");
    expect(said(model("width = rope.theta"), { pruned_heads: { "0": [1] } })[0]).toContain("`pruned_heads`");
  });

  test("a key with a dot in its name is no part of an object, and `__proto__` a key like any other", () => {
    const config = JSON.parse('{"rope.theta": 4, "__proto__": 3, "rope": {"theta": 2}}') as ConfigObject;
    expect(said(model("width = rope.theta"), config)[0]).toContain(
      "does not read `rope\\.theta` (4) and `__proto__` (3)",
    );
  });

  test("a number that JSON has no word for is named as Python writes it", () => {
    expect(said(model(""), { limit: [0, Infinity], x: NaN })[0]).toContain(
      "`limit` ([0, Infinity]) and `x` (NaN)",
    );
    expect(said(model("width = w", "width = 8.0"), { w: -Infinity })).toMatchInlineSnapshot(`
      [
        "error[E551]: ckpt/config.json: \`w\` is -Infinity, and \`width\` takes a number",
      ]
    `);
    expect(said(model("width = 2 * w", "width = 8.0"), { w: NaN })).toMatchInlineSnapshot(`
      [
        "error[E544]: ckpt/config.json: \`w\` is NaN, which no model computes with",
        "  help: \`w\` is NaN",
      ]
    `);
  });

  test("what changes no number of any family is let through, each with a reason; a null only where that is one", () => {
    for (const { because, keys, where, at = ["anything", 3, null] } of harmlessKeys) {
      expect(because.length).toBeGreaterThan(20);
      for (const key of keys)
        for (const value of where === undefined ? at : [{ quant_method: "gptq", bits: 4 }])
          expect(read("", "", { [key.replace("\\", "")]: value })).toEqual({});
    }
    const keys = harmlessKeys.flatMap((group) => group.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(said(model(""), { is_decoder: true })[0]).toContain("`is_decoder` (true)");
    expect(said(model(""), { unheard_of: null })[0]).toContain("`unheard_of` (null)");
  });

  test("what every config of transformers has is let through in a part of one too, and nothing else", () => {
    const lines = "width = part.width";
    expect(read(lines, "width = 8", { part: { width: 4, output_attentions: true, id2label: {} } })).toEqual({
      width: "4",
    });
    const sampled = said(model(lines), { part: { width: 4, top_k: 50 } });
    expect(sampled[0]).toContain("`part.top_k` (50)");
  });

  test("a model without a section reads none of it", () => {
    const text = "model m { input x: f32[B, 8]; output x }";
    expect(said(text, { hidden_size: 4, dtype: "float32", n: 1 })).toMatchInlineSnapshot(`
      [
        "error[E550]: ckpt/config.json has 2 keys that the model does not read, \`hidden_size\` and \`n\`: \`m\` has no \`config\` section",
        "  help: \`--ignore-config '*'\` passes over the file; parameters are set with --set",
      ]
    `);
    expect(said(text, { dtype: "float32" })).toEqual([]);
  });
});

describe("the section says which checkpoints it speaks for", () => {
  test("another family is refused, with the example that is for it", () => {
    expect(messages(model(""), { config: { model_type: "qwen3", x: 1 } })).toMatchInlineSnapshot(`
      "
      model.lmg:2:14: error[E547]: config.json: \`model_type\` is "qwen3", and this section speaks for "tiny" or "small"
        2 |   config for "tiny", "small" {
          |              ^^^^^^ what this model computes
        help: examples/qwen3.lmg is for it; \`--ignore-config model_type\` reads the file all the same
      "
    `);
    expect(said(model(""), { model_type: "brontosaurus" })).toMatchInlineSnapshot(`
      [
        "error[E547]: ckpt/config.json: \`model_type\` is "brontosaurus", and this section speaks for "tiny" or "small"",
        "  help: another family computes something else from the same weights; \`--ignore-config model_type\` reads the file all the same",
      ]
    `);
  });

  test("its own, and a file that says nothing, are read", () => {
    for (const type of ["tiny", "small", null, ""])
      expect(read("width = w", "width = 8", { model_type: type, w: 3 })).toEqual({ width: "3" });
    expect(read("width = w", "width = 8", { w: 3 })).toEqual({ width: "3" });
    expect(said(model(""), { model_type: "Tiny" })[0]).toContain('`model_type` is "Tiny"');
    expect(said(model(""), { model_type: ["tiny"] })[0]).toContain('`model_type` is ["tiny"]');
  });

  test("a section that speaks for none reads a `model_type` like any key", () => {
    const text = model("").replace('for "tiny", "small" ', "");
    expect(said(text, { model_type: "tiny" })).toMatchInlineSnapshot(`
      [
        "error[E546]: ckpt/config.json: \`m\` does not read \`model_type\` ("tiny")",
        "  help: say which checkpoints the section speaks for: \`config for "tiny" { … }\`",
      ]
    `);
    expect(
      said(text.replace("{\n    \n", '{\n assert model_type == "tiny", "no"\n'), { model_type: "tiny" }),
    ).toEqual([]);
  });

  test("there is one section", () => {
    const text = "model m(a = 1) { config { a = x }; config { a = y }; input x: f32[B]; output x }";
    expect(said(text, { x: 1 })).toMatchInlineSnapshot(`
      [
        "error[E552]: there are two \`config\` sections",
        "  help: write the lines in one; a line may depend on \`model_type\`",
      ]
    `);
  });
});

describe("null is none, and never a default", () => {
  const lines =
    "cap = final_cap else 30.0; heads = kv_heads else all_heads; all = all_heads; eps = eps else 0.5";
  const parameters = "cap: float | none = 50.0, heads = 1, all = 1, eps = 0.1";
  const base = { final_cap: 3, kv_heads: 2, all_heads: 4, eps: 0.25 };

  test("a parameter that may be none is none", () => {
    expect(read(lines, parameters, { ...base, final_cap: null })).toMatchObject({ cap: "none" });
    expect(read(lines, parameters, { kv_heads: 2, all_heads: 4 })).toMatchObject({ cap: "30" });
  });

  test("for another one a key that follows holds, but neither a constant nor the default", () => {
    expect(read(lines, parameters, { ...base, kv_heads: null })).toMatchObject({ heads: "4" });
    expect(said(model(lines, parameters), { ...base, eps: null })).toMatchInlineSnapshot(`
      [
        "error[E551]: ckpt/config.json: \`eps\` is null, and \`eps\` takes a number",
        "  help: null means none, never a default",
      ]
    `);
    expect(said(model(lines, parameters), { ...base, all_heads: null })).toMatchInlineSnapshot(`
      [
        "error[E551]: ckpt/config.json: \`all_heads\` is null, and \`all\` takes a whole number",
        "  help: null means none, never a default",
      ]
    `);
    expect(said(model("on = on else true", "on = true"), { on: null })[0]).toContain("`on` is null");
  });
});

describe("spellings", () => {
  const lines = "theta = rope_theta else rope.theta else 1.0";

  test("that agree are read, both of them", () => {
    expect(read(lines, "theta = 5.0", { rope: { theta: 2 } })).toEqual({ theta: "2" });
    expect(read(lines, "theta = 5.0", { rope_theta: 2, rope: { theta: 2 } })).toEqual({ theta: "2" });
  });

  test("that disagree are refused", () => {
    expect(said(model(lines, "theta = 5.0"), { rope_theta: 2, rope: { theta: 3 } })).toMatchInlineSnapshot(`
      [
        "error[E549]: ckpt/config.json: \`rope.theta\` is 3, but another key makes \`theta\` 2",
        "  help: leave one of them out; \`--ignore-config rope.theta\` passes over this one",
      ]
    `);
  });

  test("may be replaced by what is computed from keys that other lines read", () => {
    const both = "width = width else dim / heads; dim = dim; heads = heads";
    const parameters = "width = 1, dim = 1, heads = 1";
    expect(read(both, parameters, { dim: 8, heads: 2 })).toMatchObject({ width: "4" });
    expect(read(both, parameters, { width: 3, dim: 8, heads: 2 })).toMatchObject({ width: "3" });
  });
});

describe("neutral keys", () => {
  const lines =
    'neutral speed, window = none | 0, rope.share = 1.0, act = "silu" | "swish", kinds = ["a", "b"]';

  test("are let through at the values that are named, or at any where none is", () => {
    for (const speed of [1, null, "fast", { x: [1] }]) expect(read(lines, "", { speed })).toEqual({});
    const named = { window: null, rope: { share: 1 }, act: "swish", kinds: ["a", "b"] };
    expect(read(lines, "", named)).toEqual({});
    expect(read(lines, "", { window: 0 })).toEqual({});
  });

  test("are refused at another value", () => {
    expect(messages(model(lines, ""), { config: { window: 8 } })).toMatchInlineSnapshot(`
      "
      model.lmg:3:20: error[E548]: config.json: \`window\` is 8, and \`m\` computes with \`none\` or \`0\` only
        3 |     neutral speed, window = none | 0, rope.share = 1.0, act = "silu" | "swish", kinds = ["a", "b"]
          |                    ^^^^^^^^^^^^^^^^^
        help: \`--ignore-config window\` passes over it, if it changes nothing
      "
    `);
    for (const config of [
      { window: false },
      { act: null },
      { act: "gelu" },
      { rope: { share: 0.5 } },
      { kinds: ["a"] },
    ])
      expect(said(model(lines, ""), config)[0]).toContain("error[E548]");
  });

  test("are named by a key", () => {
    expect(said(model("neutral layers[0] = 1", ""), {})).toMatchInlineSnapshot(`
      [
        "error[E554]: after \`neutral\` stands a key of the config",
        "  help: its name, with dots for nested ones",
      ]
    `);
  });
});

describe("a block with a section of its own", () => {
  const text = `model m(turn: layer = turned, act: layer = relu) {
    config { turn = turned(base: 3) else none; act = chosen(hidden_act); assert depth == 1, "one" }
    input x: f32[B, 8]
    turn -> act
    output y
  }
  block turned(base = 1, theta: int = base, kind: slow | fast = slow) {
    config { theta = rope_theta else rope.theta; kind = rope.kind }
    input x: [..]
    stream * theta
  }
  block chosen(kind: silu | relu) {
    input x: [..]
    if kind == silu { silu } else { relu }
  }`;
  const parameters = (config: ConfigObject) =>
    Object.fromEntries(
      modelOf(text, { config: { depth: 1, hidden_act: "silu", ...config } }).parameters.map(
        ({ name, value }) => [name, value],
      ),
    );

  test("takes from the same file what it is not given", () => {
    expect(parameters({ rope: { theta: 5, kind: "fast" } })).toEqual({
      turn: "turned(base: 3, theta: 5, kind: fast)",
      act: "chosen(kind: silu)",
    });
    expect(parameters({ rope_theta: 7 })).toMatchObject({ turn: "turned(base: 3, theta: 7)" });
    expect(parameters({})).toMatchObject({ turn: "turned(base: 3)" });
  });

  test("its keys count as read, and its mistakes are those of the line that takes it", () => {
    const config = { depth: 1, hidden_act: "silu" };
    expect(said(text, { ...config, rope: { theta: 5, share: 0.5 } })[0]).toContain(
      "does not read `rope.share` (0.5)",
    );
    expect(messages(text, { config: { ...config, rope: { kind: "mad" } } })).toMatchInlineSnapshot(`
      "
      model.lmg:8:57: error[E551]: config.json: \`rope.kind\` is "mad", and \`kind\` takes one of slow, fast
        8 |     config { theta = rope_theta else rope.theta; kind = rope.kind }
          |                                                         ^^^^^^^^^
        2 |     config { turn = turned(base: 3) else none; act = chosen(hidden_act); assert depth == 1, "one" }
          |                     ^^^^^^^^^^^^^^^ called here
      "
    `);
    expect(said(text, { ...config, hidden_act: "xielu" })).toMatchInlineSnapshot(`
      [
        "error[E306]: ckpt/config.json: \`kind\` of \`chosen\` takes one of silu, relu, got the text "xielu"",
        "  help: \`hidden_act\` is "xielu"",
      ]
    `);
  });

  test("and so do the layers that it is given, however deep", () => {
    const whole = `model m(part: layer = outer) {
      config { part = outer(first: scaled(more: 2), second: inner(only: scaled())) }
      input x: f32[B, 4]
      part
      output y
    }
    block outer(first: layer = none, second: layer = none) {
      input x: [.., D]
      "": first
      "": second
    }
    block inner(only: layer = none, times = 1) {
      config { times = repeats }
      input x: [.., D]
      "": only
      stream * times
    }
    block scaled(by = 1, more = 0) {
      config { by = factor; more = extra }
      input x: [.., D]
      stream * by + more
    }`;
    const part = (config: ConfigObject) => modelOf(whole, { config }).parameters[0]!.value;
    // What a line says is not asked of the file.
    expect(part({ factor: 5, extra: 7, repeats: 3 })).toBe(
      "outer(first: scaled(by: 5, more: 2), second: inner(only: scaled(by: 5, more: 7), times: 3))",
    );
    expect(part({ factor: 5 })).toBe(
      "outer(first: scaled(by: 5, more: 2), second: inner(only: scaled(by: 5)))",
    );
    expect(said(whole, { factor: "much" })[0]).toContain('`factor` is "much"');
    expect(said(whole, { factor: 5, other: 1 })[0]).toContain("does not read `other` (1)");
  });

  test("may not read itself", () => {
    const circle = `model m(a: layer = b) { config { a = b() }; input x: f32[B]; output x }
      block b(c: layer = none) { config { c = b() }; input x: [..] }`;
    expect(said(circle, {})).toMatchInlineSnapshot(`
      [
        "error[E553]: the config section of \`b\` reads itself",
      ]
    `);
  });
});

describe("a mistake in the body", () => {
  const body = (
    line: string,
  ): string => `model m(width = 8, depth = 1, half: int = width / 2, act: layer = silu) {
  config {
    width = hidden_size
    depth = layers else num_layers
    act = softcap(cap.size)
  }
  let inner = 2 * half
  input x: f32[B, 8]
  ${line}
  output y: f32[B, _]
}`;
  const config = { hidden_size: -4, num_layers: 2, cap: { size: 0.0 } };

  test.each([
    ["a parameter", "linear(width)", "`width`: `hidden_size` is -4; `--set width=…` says otherwise"],
    [
      "a `let` of a default of it",
      "linear(\n    inner\n  )",
      "`width`: `hidden_size` is -4; `--set width=…`",
    ],
    ["several", "linear(depth + width)", "`depth` and `width`: `num_layers` is 2 and `hidden_size` is -4"],
    ["a layer", "act", "`act`: `cap.size` is 0; `--set act=…` says otherwise"],
  ])("names the keys behind %s", (_, line, note) => {
    expect(messages(body(line), { config, configName: "ckpt/config.json" })).toContain(
      `help: ckpt/config.json gives ${note}`,
    );
  });

  test.each([
    ["a number of its own", "linear(-1)", {}],
    ["a parameter that is set", "linear(width)", { width: -2 }],
    ["what stands in the braces of the place", "residual { a: linear(depth) -> linear(3) }", {}],
  ])("names none for %s", (_, line, settings) => {
    const text = messages(body(line), { config, settings });
    expect(text).toContain("error[");
    expect(text).not.toContain("config.json gives");
  });
});

describe("keys that the user passes over", () => {
  test("are as if they did not stand there, and the output says so", () => {
    const config = { width: 4, window: 8, rope: { a: 1, b: 2 }, model_type: "other" };
    const options = { ignoreConfig: ["win*", "rope.b", "model_type"] };
    expect(said(model("width = width; neutral rope.a"), config, options)).toMatchInlineSnapshot(`
      [
        "warning[W204]: ckpt/config.json: \`window\` is 8, \`rope.b\` is 2 and \`model_type\` is "other", passed over as asked",
      ]
    `);
    expect(said(model("width = width else w"), { width: 4 }, { ignoreConfig: ["width"] })).toHaveLength(1);
    expect(said(model("width = width"), config, { ignoreConfig: ["*"] })).toHaveLength(1);
  });

  test("and that the file lacks are said too", () => {
    expect(said(model(""), {}, { ignoreConfig: ["windwo", "rope.*"] })).toMatchInlineSnapshot(`
      [
        "warning[W205]: ckpt/config.json has no key \`windwo\` or \`rope.*\`, which it was asked to pass over",
      ]
    `);
  });
});

describe("`like` takes the lines of another section", () => {
  const more = `
block keys(width = 1, depth = 1) {
  config {
    width = hidden_size else d_model
    depth = n_layer
    missing = nothing
    neutral dropout
    assert act != "relu", "no {act}"
  }
  input x: [..]
}`;
  const like = (lines: string, parameters: string): string => model(lines, parameters) + more;
  const readLike = (lines: string, parameters: string, config: ConfigObject): readonly string[] =>
    modelOf(like(lines, parameters), { config }).parameters.map(({ name, value }) => `${name} = ${value}`);

  test("for the parameters that the model has and no line of its own gives, wherever that stands", () => {
    const config = { d_model: 4, n_layer: 3, dropout: 0.5 };
    expect(readLike("like keys", "width = 8, depth = 2", config)).toEqual(["width = 4", "depth = 3"]);
    expect(readLike("like keys\ndepth = n_layer + 1", "depth = 2, width = 8", config)).toEqual([
      "depth = 4",
      "width = 4",
    ]);
    expect(readLike("depth = layers\nlike keys\nneutral n_layer", "width = 8, depth = 2", config)).toEqual([
      "width = 4",
      "depth = 2",
    ]);
  });

  test("what it says of parameters that the model has not is not read, its checks are made", () => {
    expect(said(like("like keys", "width = 8"), { hidden_size: 4, n_layer: 3 })[0]).toContain(
      "`m` does not read `n_layer` (3)",
    );
    expect(said(like("like keys\nneutral act", "width = 8"), { act: "relu" })[0]).toContain("no relu");
    expect(said(like("like keys", "width = 8"), { act: "gelu" })[0]).toContain("`m` does not read `act`");
  });

  test("a name that is none, a definition without a section, a circle", () => {
    expect(said(like("like key", "width = 8"), {})).toEqual([
      "error[E555]: there is no model and no block called `key`",
      "  help: did you mean `keys`?",
    ]);
    expect(said(like("like ffn", "width = 8"), {})[0]).toBe(
      "error[E555]: the block `ffn` has no config section",
    );
    expect(said(like("like m", "width = 8"), {})).toEqual([
      "error[E553]: the config section of `m` reads itself",
    ]);
  });

  test("the library has the keys of most models", () => {
    const parameters = "dim = 1, kv_heads = 1, turn: layer = none, tied = true";
    const config = { hidden_size: 64, num_attention_heads: 4, rope_theta: 500 };
    const values = modelOf(model("like decoder_keys\nneutral num_attention_heads", parameters), { config });
    expect(values.parameters.map(({ value }) => value)).toEqual([
      "64",
      "4",
      "rotary(theta: 500, scaling: default)",
      "false",
    ]);
  });
});

test("a block that is read as one takes what the file is silent of from the parameter's default", () => {
  const text = `model m(part: layer = scaled(2.0, more: 3.0)) {
    config { part = scaled() }
    input x: f32[B, 4]
    part
    output y
  }
  block scaled(by: float, more = 1.0) {
    config { by = factor; more = extra }
    input x: [.., D]
    stream * by + more
  }`;
  const numbers = (config: ConfigObject) =>
    [...irOf(text, { config }).matchAll(/value: (\d)/g)].map(([, value]) => Number(value));
  expect(numbers({ factor: 5, extra: 7 })).toEqual([5, 7]);
  expect(numbers({ factor: 5 })).toEqual([5, 3]);
  expect(numbers({ extra: 7 })).toEqual([2, 7]);
});
