import type { StepOptions } from "../../autodiff/train/step.ts";
import type { File } from "../../language/ast.ts";
import { parse } from "../../language/parse.ts";
import type { LowerOptions } from "../../lower/lower.ts";
import { isError } from "../../support/diagnostic.ts";
import { lowerForTraining, type TrainableModel } from "../../train/program.ts";
import { settingsOf, stepOptionsOf } from "../../train/settings.ts";
import type { Out } from "../out.ts";
import { lowerOptions, readModelFile, type ModelOptions } from "../source.ts";
import { orStop, showDiagnostics, stop, Stop } from "../stop.ts";

/** A model, and the step that its `train` section asks for. */
export interface LoadedTraining {
  readonly model: TrainableModel;
  readonly options: StepOptions;
}

/** Reads a model that is to be trained; its mistakes end the command. */
export function loadTraining(path: string, options: ModelOptions, out: Out): LoadedTraining {
  const { file, diagnostics } = parse(readModelFile(path));
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  const model = lowerTrainable(file, lowerOptions(options), out);
  // How long a training goes on does not change its step.
  return { model, options: stepOptionsOf(orStop(settingsOf(model.train, 1, { steps: 1 }))) };
}

/** The model with its `train` section, which it must have. */
export function lowerTrainable(file: File, lowering: LowerOptions, out: Out): TrainableModel {
  const { model, diagnostics } = lowerForTraining(file, lowering);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  if (model !== undefined) return model;
  return stop(
    "E850",
    `${file.source.name}: the model has no \`train\` section: nothing says what its loss is`,
    "for example `train { target next: i32[B, T]; loss (logits, next) -> cross_entropy; optimizer adamw(lr: 1e-3); steps 1000 }`, a line each",
  );
}
