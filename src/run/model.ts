import { Problem } from "../checkpoint/problem.ts";
import type { Graph } from "../ir/graph.ts";
import type { HostTensor } from "../tensor/host.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Engine, Tensors } from "./engine.ts";
import { missingInput } from "./inputs.ts";
import { likeliest, type Candidate } from "./candidates.ts";
import type { TextDecoder } from "./text-decoder.ts";
import { isOverVocabulary, tokenInput, tokenTensor, type Rows } from "./tokens.ts";

/** A model that is ready to run. */
export interface RunnableModel {
  /** As it was lowered: its inputs and outputs, and what they are for. */
  readonly graph: Graph;
  readonly engine: Engine;
  /** Arrays that every run is given, beside token ids. */
  readonly inputs?: Tensors | undefined;
  /** The output that tokens are taken from; found if left off. */
  readonly output?: string | undefined;
  readonly tokenizer?: Tokenizer | undefined;
  /** What goes on with a text without reading all of it again; if left off, the engine runs it whole for each token. */
  readonly decoder?: TextDecoder | undefined;
}

/** All inputs of a run on rows of token ids [B, T]; one that must be given and is not is a problem. */
export function inputsWith({ graph, inputs = new Map() }: RunnableModel, rows?: Rows): Tensors | Problem {
  const given = new Map(inputs);
  if (rows !== undefined) {
    const input = tokenInput(graph);
    if (input instanceof Problem) return input;
    if (given.has(input.name))
      return new Problem(
        "E803",
        `the input \`${input.name}\` is given by --input, and by --tokens or --prompt too`,
      );
    const tokens = tokenTensor(graph, input, rows);
    if (tokens instanceof Problem) return tokens;
    given.set(input.name, tokens);
  }
  return missingInput(graph, given) ?? given;
}

/** Runs the model once: all of its outputs by name. */
export async function runModel(model: RunnableModel, rows?: Rows): Promise<Tensors | Problem> {
  const inputs = inputsWith(model, rows);
  return inputs instanceof Problem ? inputs : model.engine.run(inputs);
}

/** The output that tokens are taken from: the one that is named, else the first of logits [B, T, V], or of three axes. */
export function outputOf({ graph, output, tokenizer }: Omit<RunnableModel, "engine">): string {
  const rows = graph.outputs.filter(({ value }) => value.type.shape.length >= 3);
  const logits = rows.find(({ value }) => isOverVocabulary(graph, value.type, tokenizer?.size ?? 0));
  return output ?? (logits ?? rows[0] ?? graph.outputs[0]!).name;
}

/** Whether what `outputOf` names are logits over the vocabulary. */
export function hasLogits(model: Omit<RunnableModel, "engine">): boolean {
  const { graph, tokenizer } = model;
  const { value } = graph.outputs.find(({ name }) => name === outputOf(model))!;
  return isOverVocabulary(graph, value.type, tokenizer?.size ?? 0);
}

/** The likeliest next tokens after the last position of logits [.., T, V]. */
export const nextTokens = (logits: HostTensor, count: number): readonly Candidate[] =>
  likeliest(lastRow(logits), count);

/** The last row of logits [.., T, V]: those of the last position of the last sequence. */
export function lastRow({ data, shape }: HostTensor): Float64Array {
  const width = shape.at(-1)!;
  return Float64Array.from(data.subarray(data.length - width));
}
