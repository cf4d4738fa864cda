import { familyFile } from "../../../families/families.ts";
import { familyModel } from "../../../families/models.ts";
import type { File } from "../../../language/ast.ts";
import { parse } from "../../../language/parse.ts";
import { isError } from "../../../support/diagnostic.ts";
import { showPlace } from "../../../support/source.ts";
import { lower, type LoweredModel, type LowerOptions } from "../../lower.ts";
import { showMeaning } from "../../values/meaning.ts";
import type { ConfigObject } from "../file.ts";
import { extraOfClass } from "./class.ts";
import { firstDifference } from "./difference.ts";
import { configOf, keysOfConfig, keyValue, type Keys, type WrittenConfig } from "./keys.ts";
import type { WrittenSection } from "./write.ts";

/** A config.json by which others load the model. */
export interface PublishedConfig extends WrittenConfig {
  readonly family: string;
  readonly architecture: string;
}

/** Why there is none. */
export interface Unpublished {
  readonly because: string;
  readonly help: string;
}

/** What is known of a model beside its text. */
export interface PublishOptions {
  /** The file and the options with which the model was lowered. */
  readonly file: File;
  readonly options: LowerOptions;
  /** Keys that no section reads, such as ids of tokens: those that the config has not. */
  readonly extra?: Readonly<Record<string, string | number | boolean | null>>;
  /** Keys that are left out where the family refuses them. */
  readonly perhaps?: Readonly<Record<string, string | number | boolean | null>>;
  /** The config that the model was read with, which is kept where it still says what the model is. */
  readonly given?: { readonly config: ConfigObject; readonly floats: ReadonlySet<string> };
}

/** Ids of tokens that a model of other tokens has not: without them transformers takes those of the family, and a text may end at a letter. */
export const noTokens = { eos_token_id: null, pad_token_id: null } as const;

/** What may be done with a model that is not what its architecture computes. */
const changed = "a model of any form has code of its own for PyTorch: `lmg compile --target torch`";

/** Keys of a given config that are not true of weights as lmg writes them, and code that is not in the folder. */
const leftOut: readonly string[] = ["auto_map", "dtype", "quantization_config", "torch_dtype"];

/**
 * The config.json of a model that says which architecture publishes it, or why there is none. What is written was read again: the
 * family's own model with this config is the same graph, with the same names of parameters, so that who loads it by the
 * architecture computes what lmg does.
 */
export function publishConfig(model: LoweredModel, publish: PublishOptions): PublishedConfig | Unpublished {
  const sections = model.written;
  if (sections.length === 0)
    return {
      because: `\`${model.name}\` names no architecture that publishes such models`,
      help:
        'where transformers has a class for it, name that in the model: `config for "llama" { architecture LlamaForCausalLM; … }`; ' +
        changed,
    };
  const givenType = publish.given?.config["model_type"];
  const inOrder = [...sections].sort(
    (a, b) => Number(b.family === givenType) - Number(a.family === givenType),
  );
  let first: Unpublished | undefined;
  for (const section of inOrder) {
    const found = publishAs(section, model, publish);
    if ("config" in found) return found;
    first ??= found;
  }
  return first!;
}

function publishAs(
  section: WrittenSection,
  model: LoweredModel,
  publish: PublishOptions,
): PublishedConfig | Unpublished {
  const { family, unsaid } = section;
  const architecture = classOf(section);
  let first: Unpublished | undefined;
  for (const keys of candidates(section, publish)) {
    const written = configOf(keys);
    const refusal = refusalOf(written.config, family, architecture, model, publish);
    if (refusal === undefined) return { ...written, family, architecture };
    first ??= refusal;
  }
  const [line] = unsaid;
  if (line === undefined) return first!;
  return {
    because: `no key of a ${family} config says that \`${line.parameter}\` is ${showMeaning(line.value)}${line.line === undefined ? "" : ` (${showPlace(line.line.span)})`}`,
    help: changed,
  };
}

/** How many classes a model's own head has, as `../classes.ts` reads it; none has 0. */
const LABELS = "num_labels";

/** The class that a section names; with a head of a classifier the one that transformers has for that. */
function classOf({ architecture, keys: [keys] }: WrittenSection): string {
  const labels = keys!.get(LABELS);
  const isClassifier = labels?.kind === "number" && labels.value > 0;
  return isClassifier ? architecture.replace(/For[A-Z]\w*$/, "ForSequenceClassification") : architecture;
}

const withoutHead = (keys: Keys): Keys => {
  const labels = keys.get(LABELS);
  return new Map(
    [...keys].filter(([key]) => key !== LABELS || (labels?.kind === "number" && labels.value > 0)),
  );
};

/** What a config may be, the best first: the one that was given, the same with what was changed, and what the section says alone. */
function candidates(
  section: WrittenSection,
  { given, extra = {}, perhaps = {} }: PublishOptions,
): readonly Keys[] {
  const { family } = section;
  const keys = section.keys.map(withoutHead);
  const constants: Keys = new Map([
    ["architectures", { kind: "list", items: [keyValue(classOf(section))] }],
    ["dtype", keyValue("float32")],
    ...Object.entries(extra).map(([key, value]) => [key, extraOfClass(family, key, value)] as const),
  ]);
  const more = Object.entries(perhaps).map(([key, value]) => [key, keyValue(value)] as const);
  // What is said of the model wins over what is said of the run.
  const all = [...keys.flatMap(byKindOfLayer), ...keys].flatMap((solved): readonly Keys[] => {
    const own = new Map([...constants, ...solved]);
    return more.length === 0 ? [own] : [new Map([...more, ...own]), own];
  });
  if (given === undefined || given.config["model_type"] !== family) return all;
  const kept = new Map(
    [...keysOfConfig(given.config, given.floats)].filter(([key]) => !leftOut.includes(key.split(".")[0]!)),
  );
  const named: Keys = new Map([...constants, ...kept]);
  return [named, ...keys.map((solved) => new Map([...named, ...solved])), ...all];
}

/**
 * Where one kind of layers has an object of its own within another (`rope_parameters.sliding_attention`), transformers wants what the object
 * says besides in one for the other kind: `rope_parameters.full_attention`. None where there is no such object.
 */
function byKindOfLayer(keys: Keys): readonly Keys[] {
  const kind = /^(\w+)\.sliding_attention\./;
  const objects = new Set([...keys.keys()].flatMap((key) => kind.exec(key)?.[1] ?? []));
  if (objects.size === 0) return [];
  const placed = (key: string): string => {
    const [object, part, ...more] = key.split(".");
    return objects.has(object!) && part !== undefined && more.length === 0
      ? `${object!}.full_attention.${part}`
      : key;
  };
  return [new Map([...keys].map(([key, value]) => [placed(key), value]))];
}

/** Why a config does not say what the model is; undefined if it does. */
function refusalOf(
  config: ConfigObject,
  family: string,
  architecture: string,
  model: LoweredModel,
  { file, options }: PublishOptions,
): Unpublished | undefined {
  const source = familyModel(family);
  const theirs = source === undefined ? file : parse(source).file;
  const { model: chosen, resolveUse } = options;
  const own = {
    ...(chosen === undefined ? {} : { model: chosen }),
    ...(resolveUse === undefined ? {} : { resolveUse }),
  };
  const { model: read, diagnostics } = lower(theirs, { ...(source === undefined ? own : {}), config });
  if (read === undefined) {
    const message = diagnostics.find(isError)?.message ?? "";
    return { because: `as ${architecture} its config is refused: ${message}`, help: changed };
  }
  const difference = firstDifference(model.graph, read.graph);
  if (difference === undefined) return undefined;
  const by = familyFile(family) ?? file.source.name;
  return { because: `it is no ${architecture}, as ${by} has them: ${difference}`, help: changed };
}
