import { orThrow } from "../../src/checkpoint/problem.ts";
import { targets } from "../../src/emit/targets.ts";
import { parse } from "../../src/language/parse.ts";
import { trainingEngines } from "../../src/train/engines.ts";
import { openData } from "../../src/train/data/open.ts";
import { isText, textOf, type DataSource } from "../../src/train/data/source.ts";
import { fixedBatch, wantedOf } from "../../src/train/data/wanted.ts";
import { lowerForTraining, trainingProgram, type TrainableModel } from "../../src/train/program.ts";
import { seedOf, settingsOf, stepOptionsOf } from "../../src/train/settings.ts";
import { isFiniteStep, Trainer, type Training } from "../../src/train/trainer.ts";
import { tokenizerFor } from "../../src/text/tokenizer-for.ts";
import type { TextTokenizer } from "../../src/text/tokenizer.ts";
import type { Serving } from "../calls.ts";
import type { WritingCall } from "./generate.ts";
import { optionsOf, sourceOf, type ModelText, type PageEngine } from "../model.ts";

export interface TrainingRequest {
  readonly of: ModelText;
  readonly data: readonly DataSource[];
  /** Updates; as the text says if none are said. */
  readonly steps: number | undefined;
  readonly target: PageEngine;
}

/** What is told of a training as it goes on. */
export type TrainingNews =
  | { readonly kind: "began"; readonly data: string }
  | { readonly kind: "steps"; readonly losses: readonly number[]; readonly perSecond: number };

export interface Trained {
  readonly steps: number;
  readonly perSecond: number;
  /** The loss on what is kept for validation. */
  readonly validation: number | undefined;
}

export type TrainCalls = {
  readonly train: { request: TrainingRequest; result: Trained; news: TrainingNews };
  readonly write: WritingCall;
};

/** Milliseconds between two times that the page is told of steps. */
const TOLD = 80;
/** Batches of the validation part that a training ends with. */
const VALIDATION = 10;

export const training: Serving<TrainCalls> = {
  write: async (request, tell) => (await import("./generate.ts")).write(request, tell),
  async train(request, tell) {
    const prepared = prepare(request);
    const trainer = await Trainer.open(prepared, await trainingEngines[request.target]());
    const { steps } = prepared.settings;
    tell({ kind: "began", data: prepared.batches.description });
    try {
      const start = performance.now();
      const perSecond = (): number => (1000 * trainer.step) / (performance.now() - start);
      let [losses, told]: [number[], number] = [[], start];
      while (trainer.step < steps) {
        const report = await trainer.advance();
        losses.push(report.measures["loss"]!);
        const isLast = trainer.step === steps || !isFiniteStep(report);
        if (isLast || performance.now() - told > TOLD) {
          tell({ kind: "steps", losses, perSecond: perSecond() });
          [losses, told] = [[], performance.now()];
        }
        if (isLast) break;
      }
      const rate = perSecond();
      const validation = await trainer.evaluate(VALIDATION);
      return { steps: trainer.step, perSecond: rate, validation: validation?.["loss"] };
    } finally {
      trainer.close();
    }
  },
};

/** The parameter that has the size of the vocabulary, where the data decides that. */
const VOCABULARY = "vocab";

/** As `lmg train` prepares it: the data decides the vocabulary, the text the rest. */
function prepare({ of, data, steps, target }: TrainingRequest): Training {
  const tokenizer = tokenizerOf(data);
  const model = lowered(withVocabulary(of, tokenizer));
  const { train } = model;
  const wanted = wantedOf(train.graph, train.targets);
  const batches = orThrow(
    openData(data, wanted, {
      batch: train.batch ?? fixedBatch(wanted) ?? 32,
      seed: seedOf(train, {}),
      tokenizer,
      augment: train.augment,
    }),
  );
  const settings = orThrow(settingsOf(train, batches, { steps }));
  const { program, diagnostics } = trainingProgram(model, stepOptionsOf(settings), {
    target: targets[target].target({}),
    verify: false,
  });
  if (program === undefined) throw new Error(diagnostics[0]!.message);
  return { program, settings, batches };
}

function tokenizerOf(data: readonly DataSource[]): TextTokenizer | undefined {
  const text = data.find(isText);
  if (text === undefined) return undefined;
  return orThrow(tokenizerFor(orThrow(textOf(text)), { kind: "characters" }, text.name));
}

function withVocabulary(of: ModelText, tokenizer: TextTokenizer | undefined): ModelText {
  const isGiven =
    Object.hasOwn(of.settings, VOCABULARY) || !new RegExp(`\\b${VOCABULARY}\\s*=`).test(of.text);
  if (tokenizer === undefined || isGiven) return of;
  return { ...of, settings: { ...of.settings, [VOCABULARY]: String(tokenizer.size) } };
}

function lowered(of: ModelText): TrainableModel {
  const { file } = parse(sourceOf(of));
  const { model, diagnostics } = lowerForTraining(file, optionsOf(of));
  if (model !== undefined) return model;
  throw new Error(
    diagnostics[0]?.message ?? "the model has no `train` section, which says what it is to learn, and how",
  );
}
