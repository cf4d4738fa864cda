import { exportJax } from "../../export/jax/export.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import { isError } from "../../support/diagnostic.ts";
import { lowerForTraining } from "../../train/program.ts";
import { lowerOptions } from "../source.ts";
import { showDiagnostics, Stop } from "../stop.ts";
import { version } from "../version.ts";
import type { ExportFiles } from "./exported.ts";
import { refusalDiagnostic } from "./refusal.ts";

/** model.py, with the step of a training where the model has a `train` section. */
export const exportFiles: ExportFiles = async (source, options, out) => {
  const { file, diagnostics: syntax } = parse(source);
  if (syntax.some(isError)) throw new Stop(syntax);
  const lowering = lowerOptions(source.name, options);
  const { model: train, diagnostics } = lowerForTraining(file, lowering);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  const model = train?.training ?? lower(file, { ...lowering, training: true }).model!;
  const made = await Promise.resolve(
    exportJax({ graph: model.graph, train, source: source.name, version: version() }),
  );
  if ("reason" in made) throw new Stop([refusalDiagnostic("JAX", made)]);
  return made;
};
