import { createHash } from "node:crypto";
import { openCheckpoint } from "../../checkpoint/files/open.ts";
import { toFloat32 } from "../../checkpoint/stored.ts";
import { matchWeights } from "../../run/weights.ts";
import type { TrainingState } from "../../train/engine.ts";
import type { TrainableModel } from "../../train/program.ts";
import type { WeightChoice } from "../run/chosen.ts";
import { orStop, stop } from "../stop.ts";

/** Weights that a training begins with, and what tells them from others. */
export interface FirstWeights {
  readonly state: TrainingState;
  readonly hash: string;
}

type FirstChoice = Pick<WeightChoice, "weights" | "prefix" | "ignore">;

/** Ends the command where an option is given that says how to read weights, and none are read. */
export function requireFirstWeights({ weights, prefix, ignore }: FirstChoice): void {
  const idle = prefix !== undefined ? "--prefix" : ignore !== undefined ? "--ignore" : undefined;
  if (weights === undefined && idle !== undefined)
    stop("E804", `${idle} is for the tensors of a checkpoint, and none is read`, "name one with --weights");
}

/** Reads `--weights`, undefined without it; what does not fit ends the command. */
export function readFirstWeights({ train }: TrainableModel, options: FirstChoice): FirstWeights | undefined {
  if (options.weights === undefined) return undefined;
  const weights = orStop(matchWeights(train.graph, orStop(openCheckpoint(options.weights)), options));
  try {
    const hash = createHash("sha256");
    const state: Record<string, TrainingState[string]> = {};
    for (const [name, tensor] of weights.tensors) {
      const data = toFloat32(tensor.read());
      hash.update(name).update(data);
      state[name] = { shape: tensor.shape, data };
    }
    return { state, hash: hash.digest("hex") };
  } finally {
    weights.close();
  }
}
