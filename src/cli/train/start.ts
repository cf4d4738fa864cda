import { createHash } from "node:crypto";
import { toFloat32 } from "../../checkpoint/stored.ts";
import type { TrainingState } from "../../train/engine.ts";
import type { TrainableModel } from "../../train/program.ts";
import { openWeights } from "../run/weights.ts";

/** Weights that a training begins with, and what tells them from others. */
export interface FirstWeights {
  readonly state: TrainingState;
  readonly hash: string;
}

/** Reads `--weights`; what does not fit ends the command. */
export function readFirstWeights({ train }: TrainableModel, path: string): FirstWeights {
  const weights = openWeights(train.graph, path, {});
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
