import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configText, floatKeys } from "../../src/checkpoint/config.ts";
import { silentKeys } from "../../src/families/defaults.ts";
import { familyModel } from "../../src/families/models.ts";
import { parse } from "../../src/language/parse.ts";
import { isConfigObject, type ConfigObject } from "../../src/lower/config/file.ts";
import { firstDifference } from "../../src/lower/config/written/difference.ts";
import { noTokens, publishConfig, type PublishOptions } from "../../src/lower/config/written/publish.ts";
import { lower, type LowerOptions } from "../../src/lower/lower.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import type { Source } from "../../src/support/source.ts";

/* The `config` section of each family read backwards: what is written says of the model what the checkpoint's own file did. */

const roots = ["test/golden/families", "test/golden/hf"];
/** Families whose published files bring the code of their class with them: transformers has none. */
const withoutClass: ReadonlySet<string> = new Set(["exaone", "internlm3", "iquestcoder"]);

const checkpoints = roots
  .flatMap((root) => readdirSync(root).map((name) => [name, `${root}/${name}`] as const))
  .filter(([name]) => !withoutClass.has(name));

const configIn = (folder: string): ConfigObject => {
  const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8")) as ConfigObject;
  const text = config["text_config"];
  return isConfigObject(text) ? text : config;
};

/** The keys of a golden config, dots and all, whose numbers are floats in Python. */
const floatsIn = (folder: string): ReadonlySet<string> =>
  new Set(
    [...floatKeys(readFileSync(`${folder}/config.json`, "utf8"))].map((key) =>
      key.replace(/^text_config\./, ""),
    ),
  );

/** What is written of a model that is read with some options. */
function written(source: Source, options: LowerOptions, extra: PublishOptions["extra"] = {}) {
  const { file } = parse(source);
  const { model, diagnostics } = lower(file, { ...options, writeConfig: true });
  if (model === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return publishConfig(model, { file, options, extra });
}

/** Keys at any depth, dots and all. */
const flat = (config: ConfigObject, prefix = ""): [string, unknown][] =>
  Object.entries(config).flatMap(([key, value]) =>
    isConfigObject(value) ? flat(value, `${prefix}${key}.`) : [[prefix + key, value] as [string, unknown]],
  );

describe.each(checkpoints)("the config of %s", (_name, folder) => {
  const config = configIn(folder);
  const source = familyModel(config["model_type"] as string)!;

  test("is written again from the model's parameters alone", () => {
    // It is read again before it is given out: as the family's model it is the same graph.
    const found = written(source, { config });
    if (!("config" in found)) throw new Error(found.because);
    const before = new Map(flat(config));
    // What stood there as null is the number that null means; a family of several names is the first that says it all.
    const changed = flat(found.config).filter(
      ([key, value]) =>
        !["model_type", "architectures"].includes(key) &&
        before.has(key) &&
        before.get(key) !== null &&
        JSON.stringify(before.get(key)) !== JSON.stringify(value),
    );
    expect(changed).toEqual([]);
  });

  test("is in the keys and kinds of numbers that its class has, which has written the golden file", () => {
    const found = written(source, { config });
    if (!("config" in found)) throw new Error(found.because);
    const others = Object.entries(silentKeys(found.family)?.names ?? {}).flat(2);
    const own = new Set([...Object.keys(config), ...others, "num_labels"]);
    const kept = Object.fromEntries(Object.entries(found.config).filter(([key]) => own.has(key)));
    const [whole, read] = [config, kept].map((each) => lower(parse(source).file, { config: each }).model);
    expect(firstDifference(read!.graph, whole!.graph)).toBeUndefined();
    const floats = floatsIn(folder);
    const ofOtherKind = Object.entries(config).filter(
      ([key, value]) =>
        typeof value === "number" && key in found.config && floats.has(key) !== found.floats.has(key),
    );
    expect(ofOtherKind).toEqual([]);
  });
});

test.each([
  ["modernbert_decoder", -1],
  ["nomic_bert", -1],
  ["modernbert", null],
])("a model of other tokens has none to fill texts with, as the class of %s says it", (name, id) => {
  const config = configIn(`test/golden/families/${name}`);
  const found = written(familyModel(config["model_type"] as string)!, { config }, noTokens);
  expect(found).toMatchObject({ config: { pad_token_id: id, eos_token_id: null } });
});

const llama = familyModel("llama")!;
const small = { vocab: "40", dim: "16", hidden: "24", depth: "2", heads: "4" };

test("a model with a classifier's head is the class that has one", () => {
  const found = written(familyModel("bert")!, {
    settings: { vocab: "40", dim: "16", hidden: "24", depth: "1", heads: "4", labels: "3" },
  });
  expect(found).toMatchObject({
    architecture: "BertForSequenceClassification",
    config: { architectures: ["BertForSequenceClassification"], num_labels: 3 },
  });
});

test("what a model computes with is solved for: defaults, choices, activations by what they are", () => {
  const found = written(llama, {
    settings: { ...small, kv_heads: "2", act: "gelu(approx: tanh)", turn: "rope(theta: 5e5)", window: "8" },
  });
  expect(found).toMatchObject({
    family: "mistral",
    architecture: "MistralForCausalLM",
    config: {
      hidden_act: "gelu_new",
      num_key_value_heads: 2,
      rope_parameters: { rope_theta: 500000 },
      sliding_window: 8,
      head_dim: 4,
    },
  });
});

test("numbers of Python's other kind keep their point", () => {
  const found = written(familyModel("granite")!, {
    settings: { ...small, kv_heads: "2", embedding_multiplier: "12" },
  });
  if (!("config" in found)) throw new Error(found.because);
  const text = configText(found.config, found.floats);
  expect(text).toContain('"embedding_multiplier": 12.0');
  expect(text).toContain('"hidden_size": 16,');
  expect([...floatKeys(text)].sort()).toEqual([...found.floats].sort());
});

describe.each([
  ["mamba2", "num_heads", 8],
  ["deepseek_v3", "num_key_value_heads", 4],
  ["glm4_moe_lite", "num_key_value_heads", 4],
])("what a part of %s checks `%s` against", (name, key, value) => {
  const config = configIn(`test/golden/families/${name}`);
  const source = familyModel(config["model_type"] as string)!;

  test("says what the key is in a written config", () => {
    expect(written(source, { config })).toMatchObject({ config: { [key]: value } });
  });

  test("refuses a config without it, which transformers reads with a default of its own", () => {
    const without = Object.fromEntries(Object.entries(config).filter(([name]) => name !== key));
    const { model, diagnostics } = lower(parse(source).file, { config: without });
    expect(model).toBeUndefined();
    const said = diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n");
    expect(said).toContain(`\`${key}\`, which is missing, is `);
  });
});

test("a config that was given is kept as it is, and what was set besides takes its place", () => {
  const config = configIn("test/golden/families/qwen2");
  const { file } = parse(familyModel("qwen2")!);
  const publish = (settings: Record<string, string>) => {
    const options = { config, settings };
    const { model } = lower(file, { ...options, writeConfig: true });
    return publishConfig(model!, { file, options, given: { config, floats: new Set(["rms_norm_eps"]) } });
  };
  expect(publish({})).toMatchObject({ config });
  expect(publish({ depth: "1", kinds: '["full_attention"]' })).toMatchObject({
    config: { ...config, num_hidden_layers: 1, layer_types: ["full_attention"] },
  });
});

describe("a model that an architecture does not compute has no config", () => {
  const because = (from: string, to: string, settings: Record<string, string> = {}): string => {
    const text = llama.text.replace(from, to);
    expect(text).not.toBe(llama.text);
    const found = written({ name: "mine.lmg", text }, { settings: { ...small, ...settings } });
    return "because" in found ? found.because : "";
  };

  test("a norm that was moved is named with its line", () => {
    expect(because("residual pre input_layernorm", "residual out input_layernorm")).toMatch(
      /^it is no LlamaForCausalLM, as examples\/llama\.lmg has them: `linear` of `model\.layers\.0\.self_attn\.q_proj` \(mine\.lmg:\d+:\d+\) stands where `rms_norm` does$/,
    );
  });

  test("so is a weight that is not there, or another", () => {
    expect(because("self_attn: attention(", "attn: attention(")).toContain(
      "it has the weight `model.layers.0.attn.",
    );
    expect(
      because("unembed(model.embed_tokens) } else { lm_head", "unembed(model.embed_tokens) } else { head"),
    ).toContain("it has the weight `head.weight`");
  });

  test("an activation that has no name there is a line without keys", () => {
    expect(because("act: layer = silu", "act: layer = softplus")).toMatch(
      /^no key of a llama config says that `act` is softplus \(mine\.lmg:\d+:\d+\)$/,
    );
  });

  test("one without an architecture says so", () => {
    expect(because("architecture LlamaForCausalLM, MistralForCausalLM", "neutral nothing")).toBe(
      "`llama` names no architecture that publishes such models",
    );
  });
});

test("a section with an architecture is refused where it cannot be read backwards", () => {
  const check = (lines: string, families = ' for "tiny"') =>
    lower(
      parse({
        name: "tiny.lmg",
        text: `model tiny(dim = 8) {\n  config${families} {\n    ${lines}\n  }\n  input x: f32[B, dim]\n  linear(dim)\n}`,
      }).file,
    ).diagnostics.map(({ code }) => code);
  expect(check("architecture Tiny\n    dim = hidden_size % 7")).toEqual(["E557"]);
  expect(check("architecture Tiny\n    dim = width else hidden_size % 7")).toEqual([]);
  expect(check("architecture Tiny\n    dim = (2 * hidden_size if large == true else 8)")).toEqual([]);
  expect(check("architecture Tiny, Tinier\n    dim = width")).toEqual(["E556"]);
  expect(check("architecture Tiny\n    dim = width", "")).toEqual(["E556"]);
  expect(check("architecture Tiny\n    architecture Tiny\n    dim = width")).toEqual(["E556"]);
});
