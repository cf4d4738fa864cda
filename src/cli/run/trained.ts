import { join } from "node:path";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { isJsonObject, ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { Problem, quotePath } from "../../checkpoint/problem.ts";
import type { Source } from "../../support/source.ts";
import { RUN_FILE } from "../project.ts";
import type { ModelOptions } from "../source.ts";
import { orStop, stop } from "../stop.ts";
import type { WeightChoice } from "./chosen.ts";
import { publishedModel } from "./published.ts";
import { readIfThere } from "./tokenizer-files.ts";

/** What run.json says of a run, as far as others need it to use its model. */
export interface TrainedRun {
  readonly folder: string;
  /** Path of the model's text. */
  readonly path: string;
  readonly model: string;
  /** Parameters of the model, as `--set` takes them. */
  readonly set: readonly string[];
}

const nameOfSetting = (setting: string): string => setting.split("=")[0]!.trim();

/** The run that a folder holds; undefined if there is no folder. */
function readRun(folder: string): TrainedRun | undefined {
  if (kindOfPath(folder) !== "folder") return undefined;
  const file = readIfThere(join(folder, RUN_FILE));
  if (file !== undefined) return orStop(trainedRun(folder, file));
  return stop(
    "E700",
    `${quotePath(folder)} is a folder without ${RUN_FILE} and config.json: it holds neither a run nor a checkpoint`,
    "name a .lmg file, a folder that `lmg train` wrote, or a published checkpoint",
  );
}

function trainedRun(folder: string, file: JsonObject): TrainedRun | Problem {
  const [path, model, set] = ["path", "model", "set"].map((name) => ownValue(file, name));
  const settings = isJsonObject(set) ? Object.entries(set) : undefined;
  const areTexts = settings?.every((entry): entry is [string, string] => typeof entry[1] === "string");
  if (typeof path !== "string" || typeof model !== "string" || !settings || areTexts !== true)
    return new Problem(
      "E853",
      `${quotePath(join(folder, RUN_FILE))} does not say which model was trained`,
      "`lmg train` writes this file",
    );
  return { folder, path: join(folder, path), model, set: settings.map((entry) => entry.join("=")) };
}

/** The model that an argument stands for, or where its text is, and the options with which it is read. */
export interface ModelChoice<Options> {
  readonly model: string | Source;
  readonly options: Options;
}

/**
 * A folder of `lmg train` stands for its model with the parameters that it was trained with, if no others are said; a published
 * checkpoint for the model of its family, with its config.
 */
export function withTrainedModel<Options extends ModelOptions>(
  path: string,
  options: Options,
): ModelChoice<Options> {
  const published = publishedModel(path);
  if (published !== undefined) return { model: published, options: { config: path, ...options } };
  const run = readRun(path);
  return run === undefined
    ? { model: path, options }
    : { model: run.path, options: modelOptionsOf(run, options) };
}

function modelOptionsOf<Options extends ModelOptions>(run: TrainedRun, options: Options): Options {
  const said = new Set((options.set ?? []).map(nameOfSetting));
  const set = [...run.set.filter((setting) => !said.has(nameOfSetting(setting))), ...(options.set ?? [])];
  return { ...options, model: options.model ?? run.model, set };
}

/** The same with the weights and the tokenizer that were trained or published. */
export function withTrainedRun<Options extends ModelOptions & WeightChoice & { readonly tokenizer?: string }>(
  path: string,
  options: Options,
): ModelChoice<Options> {
  const hasWeights = options.weights !== undefined || options.random !== undefined;
  const published = publishedModel(path);
  if (published !== undefined)
    return { model: published, options: publishedOptions(path, options, hasWeights) };
  const run = readRun(path);
  if (run === undefined) return { model: path, options };
  const hasTokenizer = kindOfPath(join(run.folder, "tokenizer.json")) === "file";
  const given = {
    ...modelOptionsOf(run, options),
    ...(options.tokenizer === undefined && hasTokenizer ? { tokenizer: run.folder } : {}),
  };
  return {
    model: run.path,
    options: hasWeights ? given : { ...given, weights: run.folder, ownWeights: true },
  };
}

/** With weights from elsewhere, the checkpoint still says how large its model is. */
const publishedOptions = <Options extends ModelOptions & WeightChoice>(
  path: string,
  options: Options,
  hasWeights: boolean,
): Options => (hasWeights ? { config: path, ...options } : { ...options, weights: path });
