import { isConfigObject, type ConfigValue, type Entry } from "./file.ts";

interface HarmlessKeys {
  /** Why no number of a run depends on them. */
  readonly because: string;
  readonly keys: readonly string[];
  /** They are attributes of every config of transformers, also of those that stand in another. */
  readonly ofParts?: true;
  /** The only values of which that is true; any if not given. */
  readonly at?: readonly ConfigValue[];
  /** The same, where values are many. */
  readonly where?: (value: ConfigValue) => boolean;
}

/** Whose tensors `../../checkpoint/quantized` reads. */
const quantizationMethods: readonly ConfigValue[] = ["awq", "compressed-tensors", "fp8", "gptq", "mxfp4"];

/**
 * Whether weights alone are quantized, in a way that is read: where activations are by scales of the checkpoint, a run would give
 * other numbers. Those that are rounded as they come are rounded for speed: as they are, they are nearer to what was trained.
 */
function quantizesWeightsOnly(config: ConfigValue): boolean {
  if (!isConfigObject(config) || !quantizationMethods.includes(config["quant_method"] ?? null)) return false;
  if ((config["activation_scheme"] ?? "dynamic") !== "dynamic") return false;
  const groups = config["config_groups"] ?? {};
  return (
    isConfigObject(groups) &&
    Object.values(groups).every(
      (group) => isConfigObject(group) && isUnscaled(group["input_activations"] ?? null),
    )
  );
}

const isUnscaled = (activations: ConfigValue): boolean =>
  activations === null || (isConfigObject(activations) && activations["dynamic"] === true);

/**
 * Keys of a config.json that change no logit of any family, so that no section has to speak of them. A key that changes a
 * number in some family does not belong here: the sections of the others call it neutral.
 */
export const harmlessKeys: readonly HarmlessKeys[] = [
  {
    because:
      "they name the model, its files, its tasks and who wrote them; `model_type` says what it computes",
    ofParts: true,
    keys: [
      "_commit_hash",
      "_name_or_path",
      "architectures",
      "auto_map",
      "finetuning_task",
      "id2label",
      "label2id",
      "name_or_path",
      "num_labels",
      "prefix",
      "problem_type",
      "task_specific_params",
      "tokenizer_class",
      // The dot is the key's own.
      String.raw`transformers\.js_config`,
      "transformers_version",
      "unsloth_fixed",
      "unsloth_version",
    ],
  },
  {
    because: "they say how scores of pairs are shown, for whoever ranks by them",
    keys: ["sbert_ce_default_activation_function", "sentence_transformers"],
  },
  {
    because: "they are ids of tokens, for whoever makes the input or ends a text",
    keys: [
      "bos_token_id",
      "cls_token_id",
      "decoder_start_token_id",
      "eos_token_id",
      "mask_token_id",
      "pad_token_id",
      "sep_token_id",
      "unk_token_id",
    ],
  },
  {
    because: "it is how long the texts are that the tokenizer makes",
    keys: ["model_max_length"],
  },
  {
    because: "they are the precision that the weights were stored or trained in; lmg computes in its own",
    ofParts: true,
    keys: ["dtype", "torch_dtype", "use_bfloat16"],
  },
  {
    because: "it says how the weights are stored, which lmg sees by their tensors",
    keys: ["quantization_config"],
    where: quantizesWeightsOnly,
  },
  {
    because: "they drop something while training, and nothing in a run",
    keys: [
      "activation_dropout",
      "attention_dropout",
      "attention_probs_dropout_prob",
      "attn_pdrop",
      "classif_dropout",
      "classifier_dropout",
      "classifier_dropout_prob",
      "decoder_layerdrop",
      "dropout",
      "dropout_rate",
      "emb_pdrop",
      "embd_pdrop",
      "embed_dropout",
      "embedding_dropout",
      "encoder_layerdrop",
      "hidden_dropout",
      "hidden_dropout_prob",
      "layerdrop",
      "mlp_dropout",
      "qa_dropout",
      "resid_dropout",
      "resid_pdrop",
      "residual_dropout",
      "seq_classif_dropout",
      "summary_first_dropout",
      "summary_last_dropout",
    ],
  },
  {
    because: "they say how weights begin that are not loaded",
    keys: ["init_std", "initializer_cutoff_factor", "initializer_factor", "initializer_range"],
  },
  {
    because: "they are losses and noise of a training that spreads tokens over experts",
    keys: [
      "aux_loss_alpha",
      "output_router_logits",
      "router_aux_loss_coef",
      "router_jitter_noise",
      "seq_aux",
    ],
  },
  {
    because: "they choose how the same values are computed, kept or handed out",
    ofParts: true,
    keys: [
      "_attn_implementation",
      "_attn_implementation_autoset",
      "attention_softmax_in_fp32",
      "attn_implementation",
      "bias_dropout_fusion",
      "cache_implementation",
      "chunk_size_feed_forward",
      "gradient_checkpointing",
      "masked_softmax_fusion",
      "output_attentions",
      "output_hidden_states",
      "output_past",
      "output_scores",
      "pretraining_tp",
      "return_dict",
      "return_dict_in_generate",
      "scale_attention_softmax_in_fp32",
      "slow_but_exact",
      "tf_legacy_loss",
      "torchscript",
      "use_cache",
    ],
  },
  {
    because:
      "they are a classifier's head on top of the model, which a language model's head takes no part in",
    keys: ["summary_activation", "summary_proj_to_labels", "summary_type", "summary_use_proj"],
  },
  {
    because:
      "they ask for a way of drawing tokens from the logits, for which `lmg run` has options of its own",
    keys: [
      "bad_words_ids",
      "begin_suppress_tokens",
      "diversity_penalty",
      "do_sample",
      "early_stopping",
      "encoder_no_repeat_ngram_size",
      "exponential_decay_length_penalty",
      "forced_bos_token_id",
      "forced_eos_token_id",
      "length_penalty",
      "max_length",
      "min_length",
      "no_repeat_ngram_size",
      "num_beam_groups",
      "num_beams",
      "num_return_sequences",
      "remove_invalid_values",
      "repetition_penalty",
      "suppress_tokens",
      "temperature",
      "top_k",
      "top_p",
      "typical_p",
    ],
  },
  {
    because: "they say that the model is no encoder beside a decoder, as every config of old wrote",
    ofParts: true,
    keys: ["add_cross_attention", "is_decoder", "is_encoder_decoder", "tie_encoder_decoder"],
    at: [false],
  },
  {
    because: "without a value they ask for nothing",
    keys: ["cross_attention_hidden_size"],
    at: [null],
  },
];

const byKey: ReadonlyMap<string, HarmlessKeys> = new Map(
  harmlessKeys.flatMap((group) => group.keys.map((key) => [key, group] as const)),
);

/** Whether a key of any config changes nothing at the value that it has. */
export function isHarmless({ key, value }: Entry): boolean {
  const ofPart = byKey.get(key.slice(key.lastIndexOf(".") + 1));
  const group = byKey.get(key) ?? (ofPart?.ofParts === true ? ofPart : undefined);
  if (group === undefined) return false;
  return (group.at?.includes(value) ?? true) && (group.where?.(value) ?? true);
}
