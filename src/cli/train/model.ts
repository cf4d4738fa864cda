import { trainingStep, type StepOptions } from "../../autodiff/train/step.ts";
import type { Graph } from "../../ir/graph.ts";
import type { File } from "../../language/ast.ts";
import { parse } from "../../language/parse.ts";
import type { LowerOptions } from "../../lower/lower.ts";
import type { PassOptions } from "../../passes/pipeline.ts";
import type { Plan } from "../../plan/plan.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { lowerForTraining, planStep, type TrainableModel } from "../../train/program.ts";
import { settingsOf, stepOptionsOf } from "../../train/settings.ts";
import type { Out } from "../out.ts";
import { lowerOptions, type ModelOptions } from "../source.ts";
import { orStop, showDiagnostics, stop, Stop } from "../stop.ts";

/** A model, and the step that its `train` section asks for. */
export interface LoadedTraining {
  readonly model: TrainableModel;
  readonly options: StepOptions;
}

/** Reads a model that is to be trained; its mistakes end the command. */
export function loadTraining(source: Source, options: ModelOptions, out: Out): LoadedTraining {
  if (options.output !== undefined)
    stop(
      "E804",
      "--output chooses outputs of the model, but a training reads what its losses read",
      "leave it out",
    );
  const { file, diagnostics } = parse(source);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  const model = lowerTrainable(file, lowerOptions(source.name, options), out);
  // How long a training goes on does not change its step.
  return { model, options: stepOptionsOf(orStop(settingsOf(model.train, { perEpoch: 1 }, { steps: 1 }))) };
}

/** The training step of a model, as other commands have the model itself. */
export function loadStep(
  source: Source,
  options: ModelOptions,
  out: Out,
  { observe, target }: Pick<PassOptions, "observe" | "target">,
): {
  readonly model: TrainableModel;
  readonly options: StepOptions;
  readonly lowered: Graph;
  readonly graph: Graph;
  readonly plan: Plan;
} {
  const { model, options: step } = loadTraining(source, options, out);
  const { update, diagnostics } = trainingStep(model.train.graph, step);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  const passes = {
    fuse: options.fuse ?? true,
    verify: true,
    ...(observe && { observe }),
    ...(target && { target }),
  };
  const { graph, plan } = planStep(update, passes);
  return { model, options: step, lowered: update, graph, plan };
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
