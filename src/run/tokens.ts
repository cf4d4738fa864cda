import { Problem } from "../checkpoint/problem.ts";
import type { Graph, Input } from "../ir/graph.ts";
import { constantDim, dim, sameDim } from "../tensor/dim.ts";
import { isFloat, isInteger } from "../tensor/dtype.ts";
import { hostTensor, type HostTensor } from "../tensor/host.ts";
import type { TensorType } from "../tensor/type.ts";

/** Rows of token ids, [B, T]. */
export type Rows = readonly (readonly number[])[];

/** The input that takes token ids: the one called `tokens`, or the only one of whole numbers that must be given. */
export function tokenInput(graph: Graph, help = "give arrays with --input name=file"): Input | Problem {
  const found = findTokenInput(graph);
  if (found !== undefined) return found;
  const texts = wholeInputs(graph).map(({ name }) => `\`${name}\``);
  if (texts.length < 2) return new Problem("E813", "the model has no input for token ids", help);
  return new Problem("E813", `the model reads more than one text: ${texts.join(", ")}`, help);
}

/** A text that is read whole, [B, S], and the one that is written about it, [B, T]. */
export interface TwoTexts {
  readonly source: Input;
  readonly tokens: Input;
}

/** Of two inputs of token ids that along whose positions an output runs, and the other; undefined where that is not so. */
export function twoTexts(graph: Graph, output: string): TwoTexts | undefined {
  const [a, b, ...others] = wholeInputs(graph);
  const positions = graph.outputs.find(({ name }) => name === output)?.value.type.shape[1];
  if (a === undefined || b === undefined || others.length > 0 || positions === undefined) return undefined;
  const isAlong = ({ value: { type } }: Input): boolean =>
    type.shape.length === 2 && sameDim(type.shape[1], positions);
  if (isAlong(a) === isAlong(b)) return undefined;
  const [source, tokens] = isAlong(b) ? [a, b] : [b, a];
  return source.value.type.shape.length === 2 ? { source, tokens } : undefined;
}

/** Those of whole numbers that must be given. */
const wholeInputs = (graph: Graph): readonly Input[] =>
  graph.inputs.filter(({ value, fill }) => isInteger(value.type.dtype) && fill === undefined);

/** The same; undefined without one. */
export function findTokenInput(graph: Graph): Input | undefined {
  const named = graph.inputs.find(({ name, value }) => name === "tokens" && isInteger(value.type.dtype));
  const whole = wholeInputs(graph);
  return named ?? (whole.length === 1 ? whole[0] : undefined);
}

/**
 * Whether the last axis of an output is the vocabulary, so that its values are logits: as long as the table that the
 * tokens index or, in a model without one, long enough for a tokenizer of `size` tokens.
 */
export function isOverVocabulary(graph: Graph, { dtype, shape }: TensorType, size: number): boolean {
  const input = findTokenInput(graph);
  const width = constantDim(shape.at(-1) ?? dim(1));
  if (input === undefined || width === undefined || shape.length < 2 || !isFloat(dtype)) return false;
  const rows = tableRows(graph, input);
  return rows === Infinity ? width >= size : width === rows;
}

/** Token ids [B, T] as a tensor for an input; each must be in the vocabulary: the rows of the table that it indexes. */
export function tokenTensor(graph: Graph, input: Input, rows: Rows): HostTensor | Problem {
  const foreign = foreignToken(tableRows(graph, input), rows);
  if (foreign !== undefined) return foreign;
  const length = rows[0]!.length;
  const limit = contextOf(graph, input);
  if (length > limit)
    return new Problem(
      "E815",
      `${length} tokens are too many: the model reads at most ${limit}`,
      "give fewer; `lmg generate` reads the last of a long text",
    );
  const rank = input.value.type.shape.length;
  if (rank === 1 && rows.length === 1) return hostTensor("i32", [length], rows[0]!);
  return hostTensor("i32", [rows.length, length], rows.flat());
}

function foreignToken(vocabulary: number, rows: Rows): Problem | undefined {
  for (const [b, row] of rows.entries()) {
    const t = row.findIndex((id) => id >= vocabulary);
    if (t >= 0)
      return new Problem(
        "E814",
        `token ${row[t]} at position ${t}${rows.length > 1 ? ` of row ${b}` : ""} is not in the vocabulary: the model has ids 0 to ${vocabulary - 1}`,
      );
  }
  return undefined;
}

/** The rows of the table that an input indexes; Infinity if it indexes none. */
export function tableRows(graph: Graph, input: Input): number {
  for (const node of graph.nodes)
    if (node.op === "embedding" && node.operands.ids === input.value)
      return constantDim(node.operands.table.type.shape[0]!) ?? Infinity;
  return Infinity;
}

/** The longest sequence that an input takes. */
export function contextOf(graph: Graph, input: Input): number {
  const length = input.value.type.shape.at(-1)!;
  const symbol = graph.symbols.find(({ name }) => name === length.key);
  return symbol === undefined ? (constantDim(length) ?? Infinity) : (symbol.max ?? Infinity);
}
