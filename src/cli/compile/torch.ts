import { exportTorch } from "../../export/torch/export.ts";
import { parse } from "../../language/parse.ts";
import { lower, type LowerOptions } from "../../lower/lower.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { lowerForTraining } from "../../train/program.ts";
import { runFiles, modelCopies } from "../train/folder.ts";
import { lowerOptions } from "../source.ts";
import { showDiagnostics, Stop } from "../stop.ts";
import { version } from "../version.ts";
import type { ExportFiles } from "./exported.ts";
import { refusalDiagnostic } from "./refusal.ts";

/** model.py, and with a `train` section train.py and what makes its results a run of lmg. */
export const exportFiles: ExportFiles = async (source, options, out) => {
  const { file, diagnostics: syntax } = parse(source);
  if (syntax.some(isError)) throw new Stop(syntax);
  const { lowering, sources } = withSources(source, lowerOptions(source.name, options));
  const { model: trained, diagnostics } = lowerForTraining(file, lowering);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  const model = trained?.training ?? lower(file, { ...lowering, training: true }).model!;
  const made = await Promise.resolve(
    exportTorch({ graph: model.graph, train: trained, source: source.name, version: version() }),
  );
  if ("reason" in made) throw new Stop([refusalDiagnostic("PyTorch", made)]);
  if (trained === undefined) return made;
  const copies = modelCopies(sources);
  const set = model.parameters.flatMap(({ name, value, from }) =>
    from === "default" ? [] : [[name, value]],
  );
  const run = { path: copies[0]!.path, model: model.name, set: Object.fromEntries(set) as object };
  return [...made, ...copies, { path: runFiles.run, text: `${JSON.stringify(run, null, 2)}\n` }];
};

/** The model's own file, and those that its `use` lines bring. */
function withSources(source: Source, lowering: LowerOptions) {
  const sources: Source[] = [source];
  const resolveUse: LowerOptions["resolveUse"] = (wanted, from) => {
    const found = lowering.resolveUse?.(wanted, from);
    if (found !== undefined && "text" in found && !sources.some(({ name }) => name === found.name))
      sources.push(found);
    return found;
  };
  return { lowering: { ...lowering, resolveUse }, sources };
}
