import type { Graph } from "../../ir/graph.ts";
import type { File } from "../../language/ast.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import { isError, sortDiagnostics } from "../../support/diagnostic.ts";
import { plural } from "../../support/text.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { elementsOf, showType } from "../../tensor/type.ts";
import type { Command } from "../command.ts";
import { showCount } from "../numbers.ts";
import type { Out } from "../out.ts";
import {
  lowerOptions,
  modelOrRunArgument,
  modelOptions,
  passOptions,
  readModelFile,
  type ModelOptions,
} from "../source.ts";
import { withTrainedModel } from "../run/trained.ts";
import { showDiagnostics, Stop } from "../stop.ts";

interface CheckOptions extends ModelOptions {
  readonly json?: true;
}

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    { flags: "--json", description: "the model's inputs, outputs and sizes as JSON" },
    ...passOptions.filter(({ flags }) => flags === "--check-passes"),
  ],
  examples: [
    ["lmg check model.lmg", "all mistakes and warnings at once, and a line that says what the model is"],
    ["lmg check model.lmg --set placement=post --set depth=2", "with other parameters"],
  ],
  async run([given], asked: CheckOptions, out) {
    const { path, options } = withTrainedModel(given!, asked);
    const source = readModelFile(path);
    const { file, diagnostics: syntax } = parse(source);
    if (syntax.some(isError)) throw new Stop(syntax);
    const models = modelsToCheck(file, options.model).map((name) =>
      lower(file, { ...lowerOptions(options), ...name, lint: true }),
    );
    const diagnostics = sortDiagnostics([...syntax, ...models.flatMap((model) => model.diagnostics)]);
    if (diagnostics.some(isError)) throw new Stop(diagnostics);
    showDiagnostics(diagnostics, out);
    const graphs = models.map(({ model }) => model!.graph);
    if (options.checkPasses === true) await checkPasses(graphs, out);
    const summaries = graphs.map(summarizeGraph);
    if (options.json === true) out.write(`${JSON.stringify(summaries, null, 2)}\n`);
    else for (const summary of summaries) out.write(showSummary(path, summary));
  },
};

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

interface Summary {
  readonly model: string;
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly optional: boolean }[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
  /** Elements of all parameters. */
  readonly parameters: number;
  readonly tensors: number;
  readonly edges: number;
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

function showSummary(path: string, { model, inputs, outputs, parameters, tensors, edges }: Summary): string {
  const flow = (values: readonly { name: string; type: string; optional?: boolean }[]): string =>
    values.map(({ name, type, optional }) => `${name}${optional === true ? "?" : ""}: ${type}`).join(", ");
  const sizes = `${showCount(parameters)} parameters in ${plural(tensors, "tensor")}, ${plural(edges, "residual edge")}`;
  return `${path}: ${model} is well-formed\n  ${flow(inputs)} -> ${flow(outputs)}\n  ${sizes}\n`;
}
