import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { compile } from "../../src/compile.ts";
import { parse } from "../../src/language/parse.ts";
import { familySources } from "../../src/families/sources.generated.ts";
import type { ConfigObject, ConfigValue } from "../../src/lower/config/file.ts";
import { spanText, type Source } from "../../src/support/source.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { linesOf } from "./sections.ts";

/** The config of a golden, which its example reads (`goldens.test.ts`), with some keys otherwise. */
const configOf = (golden: string, changes: ConfigObject): ConfigObject => ({
  ...orThrow(readJsonFile(`test/golden/hf/${golden}/config.json`)),
  ...changes,
});

/** What a user reads who runs the example with that config. */
function complaint(example: string, config: ConfigObject, ignoreConfig: readonly string[] = []): string {
  const source = { name: `${example}.lmg`, text: readFileSync(`examples/${example}.lmg`, "utf8") };
  const { diagnostics, plan } = compile(source, { config, ignoreConfig });
  if (plan !== undefined) return "";
  return diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n");
}

const rope = (parameters: ConfigObject): ConfigObject => ({
  rope_parameters: { rope_theta: 10000, ...parameters },
});
const yarn = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 16 };
const longrope = { rope_type: "longrope", factor: 4, original_max_position_embeddings: 16 };

/** Example, golden, the keys that are changed, and what the message must say: the key, and its value where it has one. */
type Row = readonly [string, string, ConfigObject, readonly string[]];

/** Another family has tensors of the same names and computes something else from them. */
const families: readonly Row[] = [
  ["llama", "llama", { model_type: "qwen2" }, ["`model_type`", '"qwen2"']],
  ["llama", "llama", { model_type: "smollm3", no_rope_layers: [1, 0] }, ["`model_type`", '"smollm3"']],
  ["llama", "llama", { model_type: "granite" }, ["`model_type`", '"granite"', "granite.lmg"]],
  ["llama", "llama", { model_type: "mixtral", num_local_experts: 8 }, ["`model_type`", '"mixtral"']],
  ["llama", "llama", { model_type: "phi3" }, ["`model_type`", '"phi3"']],
  ["llama", "llama", { model_type: "gemma" }, ["`model_type`", '"gemma"']],
  ["llama", "qwen3", {}, ["`model_type`", '"qwen3"', "qwen3.lmg"]],
  ["qwen3", "qwen3", { model_type: "qwen3_moe", num_experts: 8 }, ["`model_type`", '"qwen3_moe"']],
  ["olmo2", "olmo2", { model_type: "olmo3" }, ["`model_type`", '"olmo3"']],
  ["gemma2", "gemma2", { model_type: "gemma3_text" }, ["`model_type`", '"gemma3_text"']],
  ["cohere", "cohere", { model_type: "cohere2" }, ["`model_type`", '"cohere2"']],
  ["bert", "bert", { model_type: "roberta" }, ["`model_type`", '"roberta"']],
  ["gpt2", "gpt2", { model_type: "gpt_neo" }, ["`model_type`", '"gpt_neo"']],
  ["gptj", "gptj", { model_type: "codegen" }, ["`model_type`", '"codegen"']],
  ["neox", "neox", { model_type: "gpt_neox_japanese" }, ["`model_type`", '"gpt_neox_japanese"']],
];

/** Keys of other families, or of nobody, that would change what is computed. */
const strangers: readonly Row[] = [
  ["llama", "llama", { attention_multiplier: 0.2 }, ["`attention_multiplier`", "0.2"]],
  ["llama", "llama", { residual_multiplier: 0.22 }, ["`residual_multiplier`", "0.22"]],
  ["llama", "llama", { no_rope_layers: [1, 0] }, ["`no_rope_layers`", "[1, 0]"]],
  ["llama", "llama", { num_local_experts: 8 }, ["`num_local_experts`", "8"]],
  ["llama", "llama", { final_logit_softcapping: 30 }, ["`final_logit_softcapping`", "30"]],
  ["llama", "llama", { clip_qkv: 8 }, ["`clip_qkv`", "8"]],
  ["llama", "llama", { use_qk_norm: true }, ["`use_qk_norm`", "true"]],
  ["llama", "llama", { quantization_config: { bits: 4 } }, ["`quantization_config`"]],
  [
    "llama",
    "llama",
    { quantization_config: { quant_method: "bitsandbytes" } },
    ['(`quant_method` is "bitsandbytes")', "convert the checkpoint to f32, f16 or bf16"],
  ],
  [
    "llama",
    "llama",
    { quantization_config: { quant_method: "bitnet", quantization_mode: "offline" } },
    ["`quantization_config`", '(`quant_method` is "bitnet")', "convert the checkpoint to f32, f16 or bf16"],
  ],
  [
    "llama",
    "llama",
    { quantization_config: { quant_method: "fp8", activation_scheme: "static" } },
    ["`quantization_config`"],
  ],
  [
    "llama",
    "llama",
    {
      quantization_config: {
        quant_method: "compressed-tensors",
        config_groups: { a: { weights: { num_bits: 8 }, input_activations: { num_bits: 8 } } },
      },
    },
    ["`quantization_config`"],
  ],
  ["llama", "llama", { per_layer_config: { 0: { mlp_bias: true } } }, ["`per_layer_config`"]],
  ["llama", "llama", { is_encoder_decoder: true }, ["`is_encoder_decoder`", "true"]],
  ["llama", "llama", { something_new: 1 }, ["`something_new`", "1"]],
  ["qwen3", "qwen3", { mlp_bias: true }, ["`mlp_bias`", "true"]],
  ["olmo2", "olmo2", { clip_qkv: 8 }, ["`clip_qkv`", "8"]],
  ["olmo2", "olmo2", { layer_norm_type: "default" }, ["`layer_norm_type`", '"default"']],
  ["olmo2", "olmo2", { sliding_window: 4 }, ["`sliding_window`", "4"]],
  ["granite", "granite", { sliding_window: 4 }, ["`sliding_window`", "4"]],
  ["granite", "granite", { num_local_experts: 4 }, ["`num_local_experts`", "4"]],
  ["cohere", "cohere", { sliding_window: 4 }, ["`sliding_window`", "4"]],
  ["gpt2", "gpt2", { rotary_dim: 4 }, ["`rotary_dim`", "4"]],
  ["gpt2", "gpt2", { alibi: true }, ["`alibi`", "true"]],
  ["gptj", "gptj", { attention_bias: true }, ["`attention_bias`", "true"]],
  ["neox", "neox", { head_dim: 8 }, ["`head_dim`", "8"]],
  ["bert", "bert", { embedding_size: 12 }, ["`embedding_size`", "12"]],
];

/** Keys that the family has, at values that its example does not compute with. */
const values: readonly Row[] = [
  [
    "bert",
    "bert",
    { position_embedding_type: "relative_key" },
    ["`position_embedding_type`", '"relative_key"'],
  ],
  ["bert", "bert", { is_decoder: true }, ["`is_decoder`", "true"]],
  ["bert", "bert", { add_cross_attention: true }, ["`add_cross_attention`", "true"]],
  ["bert", "bert", { pruned_heads: { 0: [1] } }, ["`pruned_heads`"]],
  ["bert", "bert", { hidden_act: "xielu" }, ["`hidden_act`", "xielu"]],
  ["gpt2", "gpt2", { add_cross_attention: true }, ["`add_cross_attention`", "true"]],
  ["gpt2", "gpt2", { activation_function: "laplace" }, ["`activation_function`", "laplace"]],
  ["gpt2", "gpt2", { hidden_size: 32 }, ["`hidden_size`", "32"]],
  ["gpt2", "gpt2", { n_head: 5 }, ["24 channels", "5 heads"]],
  ["gptj", "gptj", { rotary_dim: null }, ["`rotary_dim`", "null"]],
  ["gptj", "gptj", { rotary_dim: 0 }, ["`rotary_dim`", "is 0"]],
  ["gptj", "gptj", { rotary: false }, ["`rotary`", "false"]],
  ["neox", "neox", { rope_theta: 500 }, ["`rope_theta`", "500"]],
  ["neox", "neox", { partial_rotary_factor: 0.5 }, ["`partial_rotary_factor`", "0.5"]],
  ["neox", "neox", { hidden_act: "sqrtsoftplus" }, ["`hidden_act`", "sqrtsoftplus"]],
  ["cohere", "cohere", { logit_scale: null }, ["`logit_scale`", "null"]],
  ["cohere", "cohere", { hidden_act: "prelu" }, ["`hidden_act`", "prelu"]],
  ["gemma2", "gemma2", { use_bidirectional_attention: true }, ["`use_bidirectional_attention`", "true"]],
  ["gemma2", "gemma2", { attn_logit_softcapping: 0 }, ["`softcap`", "got 0"]],
  ["gemma2", "gemma2", { final_logit_softcapping: 0 }, ["`softcap`", "got 0"]],
  ["gemma2", "gemma2", { sliding_window: null }, ["layer_types", "layer 0 has a window"]],
  ["gemma2", "gemma2", { hidden_activation: "laplace" }, ["`hidden_activation`", "laplace"]],
  ["granite", "granite", { attention_multiplier: null }, ["`attention_multiplier`", "null"]],
  ["llama", "llama", { sliding_window: 4 }, ["`sliding_window`", "4"]],
  ["llama", "mistral_window", { attention_bias: true }, ["`attention_bias`", "true"]],
  ["llama", "llama", { hidden_act: "xielu" }, ["`hidden_act`", "xielu"]],
  ["llama", "llama", { tie_word_embeddings: "yes" }, ["`tie_word_embeddings`", '"yes"']],
  ["llama", "llama", { num_attention_heads: 4.5 }, ["`num_attention_heads`", "4.5"]],
  ["llama", "llama", { rms_norm_eps: null }, ["`rms_norm_eps`", "null"]],
  [
    "qwen3",
    "qwen3",
    { layer_types: ["full_attention", "linear_attention"] },
    ["layer_types", "linear_attention"],
  ],
];

/** Rotary positions that transformers has and the layer has not, that contradict themselves, or that are nobody's. */
const ropes: readonly Row[] = [
  ["llama", "llama", rope({ rope_type: "axial" }), ["`rope_parameters.rope_type`", "axial"]],
  ["llama", "llama", rope({ rope_type: "su" }), ["`rope_parameters.rope_type`", "su"]],
  [
    "qwen3",
    "qwen3",
    rope({ rope_type: "default", mrope_section: [2, 2] }),
    ["`rope_parameters.mrope_section`"],
  ],
  ["llama", "llama", rope({ ...yarn, new_key: 2 }), ["`rope_parameters.new_key`", "2"]],
  [
    "gemma2",
    "gemma2",
    // One for all layers is read wherever transformers writes it; one for each kind of layer needs a model that has two.
    { rope_parameters: { full_attention: { rope_theta: 1e6 }, sliding_attention: { rope_theta: 1e4 } } },
    ["`rope_parameters.sliding_attention`"],
  ],
  ["llama", "llama", { rope_scaling: { type: "mrope", mrope_section: [2, 2] } }, ["`rope_scaling.", "mrope"]],
  ["llama", "llama", { rope_theta: 500 }, ["rope_theta`", "500"]],
  ["llama", "llama", { partial_rotary_factor: 0.5 }, ["`partial_rotary_factor`", "0.5"]],
  [
    "olmo2",
    "olmo2",
    rope({ rope_type: "default", partial_rotary_factor: 0.5 }),
    ["partial_rotary_factor`", "0.5"],
  ],
  ["granite", "granite", rope({ rope_type: "linear" }), ["linear", "`factor`"]],
  ["cohere", "cohere", rope({ rope_type: "linear", factor: 0.5 }), ["`factor`", "0.5"]],
  ["olmo2", "olmo2", rope({ rope_type: "linear", factor: 2, attention_factor: 2 }), ["`attention_factor`"]],
  ["llama", "llama", rope({ ...yarn, beta_fast: 1, beta_slow: 2 }), ["`beta_fast`", "1"]],
  ["llama", "llama", rope({ ...yarn, truncate: null }), ["`rope_parameters.truncate` is null"]],
  ["llama", "llama", rope({ ...yarn, beta_fast: null }), ["`rope_parameters.beta_fast` is null"]],
  ["llama", "llama", rope({ ...yarn, factor: "four" }), ["`rope_parameters.factor`", '"four"']],
  [
    "neox",
    "neox",
    rope({ rope_type: "default", partial_rotary_factor: 0.2 }),
    ["`partial_rotary_factor`", "0.2"],
  ],
  ["llama", "llama", rope({ ...longrope, short_factor: [1], long_factor: [2] }), ["`short_factor`", "1"]],
  ["llama", "llama", rope({ ...longrope, short_factor: [1, 1, 1, 1] }), ["`long_factor`"]],
  [
    "llama",
    "llama3",
    rope({ ...yarn, rope_type: "llama3", low_freq_factor: 4, high_freq_factor: 1 }),
    ["`high_freq_factor`", "1"],
  ],
];

/** What only the body finds wrong: the message says where the number is from. */
const bodies: readonly Row[] = [
  ["gpt2", "gpt2", { n_head: 5 }, ["`heads`", "config.json", "`n_head` is 5"]],
  ["gpt2", "gpt2", { n_embd: 0 }, ["`dim`", "config.json", "`n_embd` is 0"]],
  ["gpt2", "gpt2", { n_layer: -1 }, ["`depth`", "config.json", "`n_layer` is -1"]],
  ["gpt2", "gpt2", { layer_norm_epsilon: -1 }, ["`eps`", "config.json", "`layer_norm_epsilon` is -1"]],
  ["gptj", "gptj", { n_inner: 0 }, ["`hidden`", "config.json", "`n_inner` is 0"]],
  ["gptj", "gptj", { rotary_dim: 5 }, ["config.json", "`rotary_dim` is 5"]],
  [
    "neox",
    "neox",
    rope({ rope_theta: 0, rope_type: "default", partial_rotary_factor: 0.25 }),
    ["config.json", "`rope_parameters.rope_theta` is 0"],
  ],
  ["bert", "bert", { max_position_embeddings: 0 }, ["config.json", "`max_position_embeddings` is 0"]],
  ["llama", "llama", { num_key_value_heads: 3 }, ["config.json", "`num_key_value_heads` is 3"]],
  ["qwen3", "qwen3", { head_dim: 5 }, ["config.json", "`head_dim` is 5"]],
];

describe.each([
  ["of another family", families],
  ["with another family's keys", strangers],
  ["with values that the example does not compute with", values],
  ["with rotary positions that are not its own", ropes],
  ["with numbers of which no model can be made", bodies],
])("a config %s is refused by name", (_, rows) => {
  test.each(rows.map((row) => [row[0], row[1], JSON.stringify(row[2]), row] as const))(
    "%s.lmg, %s: %s",
    (example, golden, _text, [, , changes, words]) => {
      const message = complaint(example, configOf(golden, changes));
      for (const word of words) expect(message).toContain(word);
    },
  );
});

/** The lists of a family that its section reads from a key: `kinds = layer_types`. */
const listsOf = (source: Source): readonly string[] => {
  const { file } = parse(source);
  return file.definitions.flatMap((definition) => {
    const { parameters } = definition;
    const lists = parameters.filter(({ kind }) => kind[0]?.text === "list").map(({ name }) => name.text);
    return linesOf([definition]).flatMap((line) =>
      line.kind === "key" && lists.includes(line.name.text)
        ? line.values.map(({ span }) => spanText(span))
        : [],
    );
  });
};

/** Keys whose lists name layers; in the others a layer has an element. */
const ofSomeLayers: ReadonlySet<string> = new Set(["mlp_only_layers", "moe_layers"]);

const lists = familySources.flatMap((source) =>
  listsOf(source)
    .filter((key) => !ofSomeLayers.has(key))
    .map((key) => [source.name, key, source] as const),
);

describe.each(lists)("%s reads the list `%s`, one element a layer", (name, key, source) => {
  const [folder, file] = name.split("/") as [string, string];
  const golden = `test/golden/${folder === "examples" ? "hf" : "families"}/${file.replace(".lmg", "")}`;
  const config: ConfigObject = orThrow(readJsonFile(`${golden}/config.json`));
  const depth = ["num_hidden_layers", "num_layers"].find((each) => each in config)!;

  test.each([
    ["shorter", -1],
    ["longer", 1],
  ])("%s than the model is deep, it is refused by name", (_, more) => {
    const count = Number(config[depth]) + more;
    const kinds = Array.from({ length: count }, () => (config[key] as readonly ConfigValue[])[0]!);
    const { diagnostics } = compile(source, { config: { ...config, [key]: kinds } });
    const message = diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n");
    expect(message).toContain(
      `config.json: \`${key}\` has ${count} elements and \`${depth}\` is ${Number(config[depth])}`,
    );
    expect(message).toContain(`\`${key}\` is [`);
  });
});

test("the lists of families were found", () => {
  const found = lists.map(([name, key]) => `${name} ${key}`);
  expect(found).toContain("examples/qwen3.lmg layer_types");
  expect(found).toContain("families/gpt_neo.lmg attention_layers");
  expect(found).toContain("families/smollm3.lmg no_rope_layers");
});

test("a key is passed over when the user asks for it, and said", () => {
  const config = configOf("gpt2", { something_new: 1, alibi: true });
  expect(complaint("gpt2", config)).toContain("`something_new` (1) and `alibi` (true)");
  expect(complaint("gpt2", config, ["something_new"])).not.toContain("does not read `something_new`");
  expect(complaint("gpt2", config, ["something_new"])).toContain("`alibi` (true)");
  expect(complaint("gpt2", config, ["something_new", "alibi"])).toBe("");
});
