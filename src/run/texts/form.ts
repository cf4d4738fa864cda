import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import { listWords } from "../../support/text.ts";
import { denseLayer, readNorm, type VectorLayer } from "./layers.ts";
import { Members, orUnfit, reading, Unfit, within, type CheckpointFiles } from "./files.ts";
import { isPooling, poolings, type Pooling } from "./pooling.ts";

/** How a folder makes vectors of texts: what sentence-transformers reads from modules.json and the folders that it names. */
export interface EmbeddingForm {
  /** The folder of the model itself within the checkpoint's: `""`, or as its first module says. */
  readonly model: string;
  /** Their vectors stand one behind the other. */
  readonly pooling: readonly Pooling[];
  /** Whether the tokens of a prompt are pooled too. */
  readonly withPrompt: boolean;
  /** What is done to a vector after that. */
  readonly layers: readonly VectorLayer[];
  /** The most tokens of a text, if the folder says it. */
  readonly longest: number | undefined;
  readonly lowerCase: boolean;
  /** What is put in front of texts, by its name. */
  readonly prompts: ReadonlyMap<string, string>;
  /** The name of the one that is taken where none is asked for. */
  readonly defaultPrompt: string | undefined;
  /** The file that says so, as messages name it. */
  readonly promptFile: string;
  /** How two vectors are compared. */
  readonly similarity: Similarity;
  /** False for a folder without a modules.json: then the mean of all tokens is what most models of vectors take. */
  readonly isStated: boolean;
}

export const similarities = ["cosine", "dot"] as const;

export type Similarity = (typeof similarities)[number];

const SETTINGS = "config_sentence_transformers.json";

/** Reads the form of a folder, whole: a module that is not known makes other vectors, and is a problem. */
export const embeddingForm = (files: CheckpointFiles): EmbeddingForm | Problem =>
  reading(() => {
    const modules = orUnfit(files.list("modules.json"));
    const settings = readSettings(files);
    if (modules === undefined)
      return { ...settings, ...plain, ...readReading(files, ""), model: "", isStated: false };
    return {
      ...settings,
      ...readModules(
        modules.map((module) => readModule(files, module)),
        files,
      ),
      isStated: true,
    };
  });

/** The mean of all tokens and nothing more. */
const plain = { pooling: ["mean"], withPrompt: true, layers: [] } as const satisfies Partial<EmbeddingForm>;

/** A module of modules.json: the name of its class, and the folder of its files. */
interface Module {
  readonly kind: string;
  readonly path: string;
}

function readModule(files: CheckpointFiles, module: unknown): Module {
  const [type, path] = isJsonObject(module as JsonObject)
    ? ["type", "path"].map((key) => ownValue(module as JsonObject, key))
    : [];
  if (typeof type !== "string" || typeof path !== "string" || /^\/|(^|\/)\.\.(\/|$)/.test(path))
    throw new Unfit(
      new Problem(
        "E745",
        `${files.nameOf("modules.json")}: expected a list of modules with \`type\`, a text, and \`path\`, a folder beside it`,
      ),
    );
  return { kind: type.split(".").at(-1)!, path };
}

type Steps = Pick<EmbeddingForm, "model" | "pooling" | "withPrompt" | "layers" | "longest" | "lowerCase">;

function readModules(modules: readonly Module[], files: CheckpointFiles): Steps {
  const [first, second, ...others] = modules;
  if (first?.kind !== "Transformer" || second?.kind !== "Pooling")
    return refuseModules(modules, files, "a Transformer and a Pooling behind it");
  return {
    model: first.path,
    ...readReading(files, first.path),
    ...readPooling(new Members(files, within(second.path, "config.json"))),
    layers: others.flatMap((module) => readLayer(module, modules, files)),
  };
}

function refuseModules(modules: readonly Module[], files: CheckpointFiles, expected: string): never {
  throw new Unfit(
    new Problem(
      "E745",
      `${files.nameOf("modules.json")}: expected ${expected}, found ${listWords(modules.map(({ kind }) => quote(kind))) || "no module"}`,
      "lmg knows Transformer, Pooling, Dense, LayerNorm, Normalize and Dropout; a Transformer alone gives classes, for `lmg classify` and `lmg rerank`",
    ),
  );
}

/** `sentence_bert_config.json`: how texts are read. */
function readReading(files: CheckpointFiles, folder: string): Pick<EmbeddingForm, "longest" | "lowerCase"> {
  const members = new Members(files, within(folder, "sentence_bert_config.json"));
  const task = members.text("transformer_task") ?? "feature-extraction";
  if (task !== "feature-extraction")
    members.refuse(
      "transformer_task",
      "`feature-extraction`",
      "`lmg classify` and `lmg rerank` read classifiers",
    );
  const output =
    pathIn(members.value("modality_config"), ["text", "method_output_name"]) ?? "last_hidden_state";
  if (output !== "last_hidden_state")
    members.refuse("modality_config", "the `last_hidden_state` of texts, which is pooled");
  return { longest: members.count("max_seq_length"), lowerCase: members.truth("do_lower_case") ?? false };
}

/** What stands in an object at a path of keys; undefined where there is nothing. */
const pathIn = (value: JsonValue | undefined, keys: readonly string[]): JsonValue | undefined =>
  keys.reduce((found, key) => (isJsonObject(found) ? ownValue(found, key) : undefined), value);

/** In the order in which they are put together, which is no other than that of sentence-transformers. */
const POOLING_KEYS: readonly (readonly [key: string, pooling: Pooling])[] = [
  ["pooling_mode_cls_token", "cls"],
  ["pooling_mode_max_tokens", "max"],
  ["pooling_mode_mean_tokens", "mean"],
  ["pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"],
  ["pooling_mode_weightedmean_tokens", "weightedmean"],
  ["pooling_mode_lasttoken", "lasttoken"],
];

function readPooling(members: Members): Pick<EmbeddingForm, "pooling" | "withPrompt"> {
  const expected = `one of ${listWords(poolings, "or")}, or a list of them`;
  const given = members.value("pooling_mode");
  const named = Array.isArray(given) ? (given as readonly unknown[]) : [given];
  if (given !== undefined && (named.length === 0 || !named.every(isPooling)))
    members.refuse("pooling_mode", expected);
  const flagged = POOLING_KEYS.filter(([key]) => members.truth(key) === true).map(([, pooling]) => pooling);
  const pooling = given === undefined ? flagged : (named as readonly Pooling[]);
  return {
    pooling: pooling.length === 0 ? plain.pooling : pooling,
    withPrompt: members.truth("include_prompt") ?? true,
  };
}

function readLayer(module: Module, all: readonly Module[], files: CheckpointFiles): readonly VectorLayer[] {
  const members = new Members(files, within(module.path, "config.json"));
  for (const key of ["module_input_name", "module_output_name"])
    if (members.has(key) && members.text(key) !== "sentence_embedding")
      members.refuse(key, "`sentence_embedding`: lmg makes one vector of a text");
  switch (module.kind) {
    case "Normalize":
      return [{ kind: "normalize" }];
    case "Dense":
      return [denseLayer(members, files, module.path)];
    case "LayerNorm":
      return [readNorm(files, module.path)];
    // It drops nothing but while training.
    case "Dropout":
      return [];
    default:
      return refuseModules(all, files, "Dense, LayerNorm, Normalize or Dropout behind the Pooling");
  }
}

function readSettings(
  files: CheckpointFiles,
): Pick<EmbeddingForm, "prompts" | "defaultPrompt" | "promptFile" | "similarity"> {
  const members = new Members(files, SETTINGS);
  const prompts = members.texts("prompts");
  const defaultPrompt = members.text("default_prompt_name");
  if (defaultPrompt !== undefined && !prompts.has(defaultPrompt))
    members.refuse("default_prompt_name", "one of `prompts`");
  const name = members.text("similarity_fn_name") ?? "cosine";
  const similarity =
    similarities.find((known) => known === name) ??
    members.refuse("similarity_fn_name", listWords(similarities, "or"));
  return { prompts, defaultPrompt, promptFile: files.nameOf(SETTINGS), similarity };
}
