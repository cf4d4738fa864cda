import type { Command } from "../command.ts";
import { modelArgument } from "../source.ts";
import type { Out } from "../out.ts";
import { requireTaken } from "../targets.ts";
import { trainOptions, type TrainOptions } from "../train/options.ts";
import { asBegun } from "../train/again.ts";
import { defaultFolder } from "../train/folder.ts";
import { prepareTraining } from "../train/prepare.ts";
import { requireEvaluations, samplerOf } from "../train/sampler.ts";
import { requireFirstWeights } from "../train/start.ts";
import { train } from "../train/run.ts";

export const command: Command = {
  arguments: [modelArgument],
  options: trainOptions,
  examples: [
    [
      "lmg train examples/chars.lmg --data input.txt -o runs/chars",
      "a language model, a token for each character",
    ],
    [
      "lmg train examples/digits.lmg --data image=digits-images.idx.gz --data label=digits-labels.idx.gz",
      "a classifier, on arrays",
    ],
    [
      'lmg train examples/chars.lmg --data input.txt --patience 5 --sample "ROMEO:"',
      "until five evaluations in a row learn no more, with a text at each",
    ],
    ["lmg train runs/chars", "go on with a run that was stopped, or for longer with --steps"],
    ["lmg train model.lmg --data input.txt --steps 500 --lr 3e-4 --seed 1", "over what the model says"],
  ],
  async run([named], given: TrainOptions, out: Out) {
    const { path, options } = asBegun(named!, given);
    requireTaken(options, options.target === "interpreter" ? [] : [options.target]);
    requireFirstWeights(options);
    const prepared = prepareTraining(path, options, out);
    const folder = options.out ?? defaultFolder(prepared.model.training.name, options.set);
    if (prepared.training.settings.patience !== undefined)
      requireEvaluations("patience compares losses", prepared.training);
    const sampler = samplerOf(prepared, options);
    await train({ folder, prepared, options, sampler }, out);
  },
};
