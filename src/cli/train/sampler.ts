import type { TargetName } from "../../emit/targets.ts";
import { dawnAdapter } from "../../run/dawn.ts";
import type { TrainingTarget } from "../../train/engines.ts";
import { textSampler, type TextSampler } from "../../train/samples.ts";
import { orStop, stop } from "../stop.ts";
import { threadsOf } from "../targets.ts";
import type { TrainOptions } from "./options.ts";
import type { ReadTraining } from "./prepare.ts";

/** What `--sample` asks for; undefined without it. A model that writes no texts ends the command. */
export function samplerOf(
  { model, tokenizer, training }: ReadTraining,
  options: TrainOptions,
): TextSampler | undefined {
  const { sample: prompt, sampleEvery, target, dawn } = options;
  if (prompt === undefined) {
    if (sampleEvery !== undefined)
      stop(
        "E804",
        "--sample-every is for the texts of --sample, and none is asked for",
        "give a prompt with --sample",
      );
    return undefined;
  }
  requireEvaluations("--sample writes a text", training);
  return orStop(
    textSampler(model, tokenizer, {
      prompt,
      target: modulesOf(target),
      seed: training.settings.seed,
      adapter: dawnAdapter(dawn),
      threads: threadsOf(options),
    }),
  );
}

/** What writes the texts of a training that the interpreter runs, which has no state to go on from. */
const modulesOf = (target: TrainingTarget): TargetName => (target === "interpreter" ? "ts" : target);

/** Ends the command where something is to be done at evaluations, and there are none. */
export function requireEvaluations(what: string, { batches }: ReadTraining["training"]): void {
  if (batches.validationBatches === 0)
    stop(
      "E804",
      `${what} at evaluations, and there is no validation part`,
      "leave it out, or keep a part of the data with --validation",
    );
}
