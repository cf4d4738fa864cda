import type { JsonObject } from "../../checkpoint/json.ts";
import type { File } from "../../language/ast.ts";
import { targets } from "../../emit/targets.ts";
import type { Target } from "../../kernels/target.ts";
import { parse } from "../../language/parse.ts";
import { lower, type LowerOptions } from "../../lower/lower.ts";
import type { NamedData } from "../../lower/train/train.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import { openData } from "../../train/data/open.ts";
import type { DataSource } from "../../train/data/source.ts";
import { fixedBatch, wantedOf } from "../../train/data/wanted.ts";
import { trainingProgram, type TrainableModel } from "../../train/program.ts";
import type { TrainingTarget } from "../../train/engines.ts";
import { seedOf, settingsOf, stepOptionsOf, type SettingOverrides } from "../../train/settings.ts";
import type { Training } from "../../train/trainer.ts";
import type { Out } from "../out.ts";
import { lowerOptions, readModelFile } from "../source.ts";
import { orStop, showDiagnostics, Stop } from "../stop.ts";
import { readData, readValidation, tokenizerOf } from "./data.ts";
import { lowerTrainable } from "./model.ts";
import { batchOf, cadenceOf, contextOf, observeEveryOf, overridesOf, type Cadence } from "./numbers.ts";
import type { TrainOptions } from "./options.ts";

/** Everything that a command line says of a training, read and checked. */
export interface ReadTraining {
  /** Of the model's text, as the user wrote it. */
  readonly path: string;
  readonly model: TrainableModel;
  readonly training: Omit<Training, "program">;
  readonly cadence: Cadence;
  readonly batch: number;
  readonly tokenizer: TextTokenizer | undefined;
  /** What its tokenizer_config.json says. */
  readonly tokenizerConfig: JsonObject;
  /** The model's own file first, then those that it uses. */
  readonly sources: readonly Source[];
  readonly data: readonly DataSource[];
  readonly validation: number | readonly DataSource[] | undefined;
  /** What the model was lowered of, and how. */
  readonly file: File;
  readonly lowering: LowerOptions;
}

/** The same, compiled. */
export interface PreparedTraining extends ReadTraining {
  readonly training: Training;
}

/** Where neither the command line nor the model, with its `batch` or its types, says how large a batch is. */
const DEFAULT_BATCH = 32;

/** Reads model and data, and compiles the step; every mistake ends the command. */
export const prepareTraining = (path: string, options: TrainOptions, out: Out): PreparedTraining =>
  compiled(readTraining(path, options, out), options, out);

function compiled(read: ReadTraining, options: TrainOptions, out: Out): PreparedTraining {
  const { settings, batches } = read.training;
  const observeEvery = observeEveryOf(options);
  const { program, diagnostics } = trainingProgram(
    read.model,
    { ...stepOptionsOf(settings), observe: observeEvery !== undefined },
    madeFor(options.target),
  );
  if (program === undefined) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  return { ...read, training: { program, settings, batches, observeEvery } };
}

/** Reads model and data; every mistake that does not come from the gradients ends the command. */
export function readTraining(path: string, options: TrainOptions, out: Out): ReadTraining {
  const overrides = overridesOf(options);
  const { file, lowering: asked, used } = readModel(path, options);
  const data = readData(options, dataInModel(file, asked, options), path);
  const { tokenizer, config: tokenizerConfig = {} } = tokenizerOf(data, options) ?? {};
  const lowering = { ...withVocabulary(file, asked, tokenizer, options, out), writeConfig: true };
  const model = lowerTrainable(file, lowering, out);
  const validation = readValidation(options.validation);
  const sources = [file.source, ...used.values()];
  const read = { path, model, tokenizer, tokenizerConfig, sources, data, validation, file, lowering };
  return { ...read, ...trainedAs(read, overrides, options) };
}

/** What of a training is read once, whatever its rate and its seed. */
type ReadOnce = Omit<ReadTraining, "training" | "cadence" | "batch">;

/** The data in its order, the settings and the times of one training of a model that is read. */
function trainedAs(
  { model, data, validation, tokenizer }: ReadOnce,
  overrides: SettingOverrides,
  options: TrainOptions,
): Pick<ReadTraining, "training" | "cadence" | "batch"> {
  const { train } = model;
  const wanted = wantedOf(train.graph, train.targets);
  const batch = batchOf(options) ?? train.batch ?? fixedBatch(wanted) ?? DEFAULT_BATCH;
  const seed = seedOf(train, overrides);
  const context = contextOf(options);
  const batches = orStop(
    openData(data, wanted, { batch, context, seed, validation, tokenizer, augment: train.augment }),
  );
  const settings = orStop(settingsOf(train, batches, overrides));
  const cadence = cadenceOf(options, settings.steps, settings.accumulate);
  return { training: { settings, batches }, cadence, batch };
}

/** The same program at another rate, with another seed: they are inputs and first state of it. All else must be as it was. */
export function preparedAgain(prepared: PreparedTraining, options: TrainOptions): PreparedTraining {
  const again = trainedAs(prepared, overridesOf(options), options);
  const { program, observeEvery } = prepared.training;
  return { ...prepared, ...again, training: { program, observeEvery, ...again.training } };
}

/** The interpreter runs what any target can. */
const madeFor = (target: TrainingTarget): { readonly target?: Target } =>
  target === "interpreter" ? {} : { target: targets[target].target({}) };

interface ReadModel {
  readonly file: File;
  readonly lowering: LowerOptions;
  /** The files that `use` lines brought, by path; filled as the model is lowered. */
  readonly used: ReadonlyMap<string, Source>;
}

function readModel(path: string, options: TrainOptions): ReadModel {
  const { file, diagnostics } = parse(readModelFile(path));
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  const used = new Map<string, Source>();
  const lowering = lowerOptions(path, options);
  const resolveUse: LowerOptions["resolveUse"] = (wanted, from) => {
    const found = lowering.resolveUse?.(wanted, from);
    if (found !== undefined && "text" in found) used.set(found.name, found);
    return found;
  };
  return { file, lowering: { ...lowering, resolveUse }, used };
}

/** The parameter that is set from the tokenizer if the user does not set it. */
const VOCABULARY = "vocab";

function takesVocabulary(file: File, { model, settings }: LowerOptions): boolean {
  const models = file.definitions.filter(({ kind }) => kind === "model");
  const chosen = models.find(({ name }) => model === undefined || name.text === model);
  const takes = chosen?.parameters.some(({ name }) => name.text === VOCABULARY) ?? false;
  return takes && !Object.hasOwn(settings ?? {}, VOCABULARY);
}

/** The settings with the size of the vocabulary, where the data decides it. */
function withVocabulary(
  file: File,
  lowering: LowerOptions,
  tokenizer: TextTokenizer | undefined,
  { config }: TrainOptions,
  out: Out,
): LowerOptions {
  if (tokenizer === undefined || config !== undefined || !takesVocabulary(file, lowering)) return lowering;
  out.note(`${VOCABULARY} = ${tokenizer.size}, as the data has ${tokenizer.description}\n`);
  return { ...lowering, settings: { ...lowering.settings, [VOCABULARY]: String(tokenizer.size) } };
}

/** The path that the `train` section gives. It is read before the size of the vocabulary is known, which any number stands for. */
function dataInModel(file: File, lowering: LowerOptions, { data }: TrainOptions): NamedData | undefined {
  if (data !== undefined) return undefined;
  const settings = takesVocabulary(file, lowering)
    ? { ...lowering.settings, [VOCABULARY]: "2" }
    : (lowering.settings ?? {});
  const { model, diagnostics } = lower(file, { ...lowering, settings });
  if (model === undefined) throw new Stop(diagnostics);
  return model.train?.data;
}
