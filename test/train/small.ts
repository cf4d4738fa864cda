import { parse } from "../../src/language/parse.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import type { Batches } from "../../src/train/data/batches.ts";
import { lowerForTraining, trainingProgram } from "../../src/train/program.ts";
import {
  settingsOf,
  stepOptionsOf,
  type SettingOverrides,
  type TrainingSettings,
} from "../../src/train/settings.ts";
import type { Training } from "../../src/train/trainer.ts";

/**
 * A classifier with all that a training keeps: batch norm, dropout, moments. No bias before the batch norm: its gradient
 * is zero but for rounding, of which Adam makes full steps.
 */
export const classifier = `
model small(hidden = 8) {
  input x: f32[B, 6]
  fc0: linear(hidden, bias: false) -> bn: batchnorm -> relu -> dropout(0.1)
  residual pre ln: layernorm { fc1: linear(hidden) -> relu }
  fc2: linear(3)
  output logits: f32[B, 3]
  train {
    target y: i32[B]
    loss (logits, y) -> cross_entropy
    metric (logits, y) -> accuracy
    optimizer adamw(lr: 1e-2, decay: 0.1)
    schedule cosine(warmup: 3, floor: 0.1)
    clip 1.0
    steps 12
    seed 7
  }
}
`;

/** Rows whose class is the largest of their first three numbers; validation in two batches of unequal size. */
export function rowBatches(size = 4): Batches {
  const batchOf = (name: string, rows: number) => {
    const x = randomTensor([rows, 6], new RandomStream(1, name));
    const y = Array.from({ length: rows }, (_, row) => {
      const first = Array.from(x.data.subarray(6 * row, 6 * row + 3));
      return first.indexOf(Math.max(...first));
    });
    return { x, y: hostTensor("i32", [rows], y) };
  };
  return {
    description: "rows",
    perEpoch: 5,
    validationBatches: 2,
    unit: "samples",
    size,
    at: (index) => batchOf(`batch ${index}`, size),
    *validation(limit = Infinity) {
      for (const [index, rows] of [4, 2].entries())
        if (index < limit) yield { tensors: batchOf(`validation ${index}`, rows), weight: rows };
    },
  };
}

/** The training that a text describes. */
export function trainingOf(
  text: string,
  overrides: SettingOverrides = {},
  batches: Batches = rowBatches(),
  chosen: Partial<Pick<TrainingSettings, "optimizer" | "decay">> = {},
): Training {
  const { file, diagnostics } = parse({ name: "model.lmg", text });
  const { model, diagnostics: more } = lowerForTraining(file, {});
  if (model === undefined)
    throw new Error([...diagnostics, ...more].map((each) => showDiagnostic(each)).join("\n"));
  const found = settingsOf(model.train, batches, overrides);
  if (found instanceof Problem) throw new Error(found.message);
  const settings = { ...found, ...chosen };
  const { program, diagnostics: last } = trainingProgram(model, stepOptionsOf(settings));
  if (program === undefined) throw new Error(last.map((each) => showDiagnostic(each)).join("\n"));
  return { program, settings, batches };
}
