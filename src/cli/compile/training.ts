import { trainingStep } from "../../autodiff/train/step.ts";
import type { EmittedFile } from "../../emit/module/file.ts";
import type { Target } from "../../kernels/target.ts";
import type { ProgramPlan } from "../../plan/plan.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { trainingNotes, writeInitialState } from "../../train/modules.ts";
import { trainingProgram } from "../../train/program.ts";
import { parseNumber } from "../arguments.ts";
import { requireSamePasses } from "../load.ts";
import type { Out } from "../out.ts";
import type { ModelOptions } from "../source.ts";
import { orStop, showDiagnostics, Stop } from "../stop.ts";
import { loadTraining } from "../train/model.ts";

interface TrainingFileOptions extends ModelOptions {
  readonly seed?: string;
}

/** What a training is written for, and what writes it. */
interface TrainingWriter<File> {
  readonly target: Target;
  readonly emit: (plan: ProgramPlan, notes: readonly string[]) => readonly File[];
}

/** The module of a training, and with a seed the state that it begins with. */
export async function trainingFiles<File extends EmittedFile>(
  source: Source,
  options: TrainingFileOptions,
  out: Out,
  { target, emit }: TrainingWriter<File>,
): Promise<readonly (File | { readonly path: string; readonly text: Uint8Array })[]> {
  const seed =
    options.seed === undefined
      ? undefined
      : orStop(parseNumber("--seed", options.seed, 0, 2 ** 31 - 1, true));
  const { model, options: step } = loadTraining(source, options, out);
  const { program, diagnostics } = trainingProgram(model, step, {
    fuse: options.fuse ?? true,
    verify: true,
    target,
  });
  if (program === undefined || diagnostics.some(isError)) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  if (options.checkPasses === true)
    await requireSamePasses(trainingStep(model.train.graph, step).update, options, out);
  const { name } = model.training;
  const training = { program, optimizer: step.optimizer, accumulate: step.accumulate ?? 1 };
  const modules = emit(program.plan, trainingNotes(training));
  if (seed === undefined) return modules;
  return [
    ...modules,
    { path: `${name}_state.safetensors`, text: writeInitialState(program, seed, step.after) },
  ];
}
