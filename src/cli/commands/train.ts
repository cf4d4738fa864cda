import { join } from "node:path";
import type { Command } from "../command.ts";
import { modelArgument } from "../source.ts";
import type { Out } from "../out.ts";
import { requireShaders } from "../targets.ts";
import { trainOptions, type TrainOptions } from "../train/options.ts";
import { prepareTraining } from "../train/prepare.ts";
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
    ["lmg train model.lmg --data input.txt --steps 500 --lr 3e-4 --seed 1", "over what the model says"],
  ],
  async run([path], options: TrainOptions, out: Out) {
    requireShaders(options, options.target === "wgsl", "give --target wgsl too");
    requireFirstWeights(options);
    const prepared = prepareTraining(path!, options, out);
    const folder = options.out ?? join("runs", prepared.model.training.name);
    await train(prepared, folder, options, out);
  },
};
