import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../json.ts";
import { Problem, quote } from "../problem.ts";

/** What an adapter_config.json says of a LoRA (Hu et al. 2021), as PEFT writes it. */
export interface LoraConfig {
  /** The weights are stored [in, out], as GPT-2's. */
  readonly fanInFanOut: boolean;
  /** What B A is multiplied by for the module of a name. */
  readonly scaleOf: (module: string) => number;
  /** How the names of modules end that were trained whole, and take the place of the model's: the head of a classifier. */
  readonly wholeModules: readonly string[];
  /** It was trained with a head for classes on the model. */
  readonly isClassifier: boolean;
}

/** Keys that say how the adapter came about, or name what its tensors say. */
const neutral: ReadonlySet<string> = new Set([
  ...["peft_type", "peft_version", "auto_mapping", "base_model_name_or_path", "revision", "task_type"],
  ...["inference_mode", "init_lora_weights", "loftq_config", "eva_config", "corda_config", "lora_dropout"],
  ...["target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"],
  ...["r", "rank_pattern", "lora_alpha", "alpha_pattern", "use_rslora", "fan_in_fan_out", "modules_to_save"],
  ...["megatron_config", "megatron_core", "ensure_weight_tying", "runtime_config", "qalora_group_size"],
]);

/** Of the others the values that change nothing; any other is another computation. */
const only: Readonly<Record<string, readonly JsonValue[]>> = {
  bias: ["none"],
  use_dora: [false],
  use_qalora: [false],
  lora_bias: [false],
  layer_replication: [null],
  trainable_token_indices: [null],
  target_parameters: [null],
};

/** Why another value is not merged, where the key alone does not say it. */
const reasons: Readonly<Record<string, string>> = {
  target_parameters:
    "a LoRA of parameters that are no module's weight, as of experts in one stack, is not merged",
};

/** The config of an adapter that can be merged into the weights; a Problem for every other kind, by its key. */
export function readLoraConfig(config: JsonObject, name: string): LoraConfig | Problem {
  const kind = ownValue(config, "peft_type");
  if (kind !== "LORA") return refuse(name, "peft_type", kind, "LoRA alone is merged");
  for (const [key, value] of Object.entries(config)) {
    if (neutral.has(key)) continue;
    const isMissing = value === null || (Array.isArray(value) && value.length === 0);
    if (!(Object.hasOwn(only, key) && (only[key]!.includes(value) || isMissing)))
      return refuse(name, key, value, reasons[key] ?? "this is not merged");
  }
  const [rank, alpha] = [ownValue(config, "r"), ownValue(config, "lora_alpha")];
  if (!isPositive(rank)) return refuse(name, "r", rank, "a rank is a number above 0");
  if (typeof alpha !== "number") return refuse(name, "lora_alpha", alpha, "it is a number");
  const ranks = patternsOf(ownValue(config, "rank_pattern"));
  const alphas = patternsOf(ownValue(config, "alpha_pattern"));
  if (ranks === undefined)
    return refuse(name, "rank_pattern", config["rank_pattern"], "it has a number a name");
  if (alphas === undefined)
    return refuse(name, "alpha_pattern", config["alpha_pattern"], "it has a number a name");
  const whole = ownValue(config, "modules_to_save") ?? [];
  if (!isNames(whole)) return refuse(name, "modules_to_save", whole, "it is a list of names");
  const stabilized = ownValue(config, "use_rslora") === true;
  return {
    fanInFanOut: ownValue(config, "fan_in_fan_out") === true,
    scaleOf: (module) => {
      const r = ranks(module) ?? rank;
      return (alphas(module) ?? alpha) / (stabilized ? Math.sqrt(r) : r);
    },
    wholeModules: whole,
    isClassifier: ownValue(config, "task_type") === "SEQ_CLS",
  };
}

const isNames = (value: JsonValue): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

const isPositive = (value: JsonValue | undefined): value is number => typeof value === "number" && value > 0;

/** `rank_pattern` and `alpha_pattern`: the end of a module's name, or a regular expression for it, with its number. */
function patternsOf(value: JsonValue | undefined): ((module: string) => number | undefined) | undefined {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  if (!entries.every(([, number]) => isPositive(number))) return undefined;
  return (module) => {
    const found = entries.find(([pattern]) => endsAs(module, pattern));
    return found === undefined ? undefined : (found[1] as number);
  };
}

function endsAs(module: string, pattern: string): boolean {
  try {
    return new RegExp(`(^|\\.)(?:${pattern})$`).test(module);
  } catch {
    return module === pattern || module.endsWith(`.${pattern}`);
  }
}

const refuse = (name: string, key: string, value: JsonValue | undefined, why: string): Problem =>
  new Problem(
    "E738",
    `${name}: ${quote(key)} is ${value === undefined ? "missing" : JSON.stringify(value)}: ${why}`,
    "merge it with PEFT (`merge_and_unload`), and save what that gives",
  );
