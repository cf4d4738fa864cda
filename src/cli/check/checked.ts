import type { Graph } from "../../ir/graph.ts";
import type { File } from "../../language/ast.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import { isError, sortDiagnostics, type Diagnostic } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { elementsOf, showType } from "../../tensor/type.ts";
import type { Out } from "../out.ts";
import { openPlace, type StdinOptions } from "../places.ts";
import { lowerOptions, type ModelOptions } from "../source.ts";
import { mistakesIn } from "../stop.ts";

/** What a check found in one file. */
export interface Checked {
  readonly path: string;
  /** Its models that are well-formed. */
  readonly models: readonly Summary[];
  /** Its blocks, for a file that has no model: they are checked where a model calls them. */
  readonly blocks: number | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** True if there is an error, whether or not it was told already of another file. */
  readonly failed: boolean;
}

/** What a well-formed model is. */
export interface Summary {
  readonly model: string;
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly optional: boolean }[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
  /** Elements of all parameters. */
  readonly parameters: number;
  readonly tensors: number;
  readonly edges: number;
}

const resultOf = (path: string, found: Partial<Checked> & Pick<Checked, "diagnostics">): Checked => ({
  path,
  models: [],
  blocks: undefined,
  failed: found.diagnostics.some(isError),
  ...found,
});

/** Checks every model of a file, or the one that is asked for; a mistake is part of what is found. */
export async function checkPlace(
  path: string,
  asked: ModelOptions & StdinOptions,
  out: Out,
): Promise<Checked> {
  try {
    const { source, options } = await openPlace(path, asked, out);
    return await checkSource(source, options, out);
  } catch (error) {
    const diagnostics = mistakesIn(error);
    if (diagnostics === undefined) throw error;
    return resultOf(path, { diagnostics });
  }
}

/** The same of a text that is read already. */
export async function checkSource(source: Source, options: ModelOptions, out: Out): Promise<Checked> {
  const path = source.name;
  const { file, diagnostics: syntax } = parse(source);
  if (syntax.some(isError)) return resultOf(path, { diagnostics: syntax });
  const { definitions } = file;
  const isLibrary = options.model === undefined && definitions.every(({ kind }) => kind === "block");
  if (isLibrary && definitions.length > 0)
    return resultOf(path, { blocks: definitions.length, diagnostics: syntax });
  const lowered = modelsToCheck(file, options.model).map((name) =>
    lower(file, { ...lowerOptions(path, options), ...name, lint: true }),
  );
  const diagnostics = sortDiagnostics([...syntax, ...lowered.flatMap((one) => one.diagnostics)]);
  const graphs = lowered.flatMap(({ model }) => (model === undefined ? [] : [model.graph]));
  if (options.checkPasses === true) await checkPasses(graphs, out);
  return resultOf(path, { models: graphs.map(summarizeGraph), diagnostics });
}

/** Passes are loaded only for this: a check of the text alone starts faster without them. */
async function checkPasses(graphs: readonly Graph[], out: Out): Promise<void> {
  const { requireSamePasses } = await import("../load.ts");
  for (const graph of graphs) await requireSamePasses(graph, {}, out);
}

/** The model that `--model` names, or every model of the file; without any the compiler says what is missing. */
function modelsToCheck(file: File, named: string | undefined): readonly { readonly model?: string }[] {
  if (named !== undefined) return [{ model: named }];
  const models = file.definitions.filter(({ kind }) => kind === "model");
  return models.length < 2 ? [{}] : models.map(({ name }) => ({ model: name.text }));
}

function summarizeGraph(graph: Graph): Summary {
  const elements = graph.parameters.map(({ value }) => evaluateDim(elementsOf(value.type), new Map()));
  return {
    model: graph.name,
    inputs: graph.inputs.map(({ name, value, fill }) => ({
      name,
      type: showType(value.type),
      optional: fill !== undefined,
    })),
    outputs: graph.outputs.map(({ name, value }) => ({ name, type: showType(value.type) })),
    parameters: elements.reduce((sum, size) => sum + size, 0),
    tensors: elements.length,
    edges: graph.edges.length,
  };
}
