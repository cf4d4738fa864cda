import { Problem, quote } from "../../checkpoint/problem.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { makeValue, operandValues } from "../../ir/node.ts";
import { replaceValues } from "../../ir/walk.ts";
import { removeDeadNodes } from "../../passes/nodes.ts";
import { listWords, plural } from "../../support/text.ts";
import { convert, type Refusal } from "./convert.ts";
import { NoForm } from "./graph.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { onnxOps } from "./ops/table.ts";
import { storedLists } from "./lists.ts";
import { recognize } from "./recognize.ts";
import { turnMatrices } from "./turn.ts";
import { uncached } from "./uncached.ts";
import { labelsOf } from "./write/labels.ts";
import { writeModel } from "./write/model.ts";

/** An ONNX model as lmg has it. */
export interface ImportedOnnx {
  readonly text: string;
  /** Weights by the names of the text. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly edges: number;
  /** What inputs and outputs are called in the text, by their names in the file. */
  readonly names: ReadonlyMap<string, string>;
  readonly parameterNames: ReadonlyMap<Value, string>;
  /** The inputs of a cache, which the text is without. */
  readonly past: readonly string[];
  /** What the text is to mean. */
  readonly graph: Graph;
}

/** Writes an ONNX model as `.lmg`, with its weights by their new names; what lmg has no form for is listed, all at once. */
export function importOnnx(given: OnnxModel, name: string, file: string): ImportedOnnx | Problem {
  const read = uncached(given, file);
  if (read instanceof Problem) return read;
  const { model, past } = read;
  const converted = convert(model, past);
  if (!("graph" in converted)) return refused(converted, file);
  const recognized = turnMatrices(recognize(converted));
  if (recognized.graph.nodes.some(({ op }) => op === "extent"))
    return new Problem(
      "E776",
      `${file}: a size of an input is computed with as a number, for which lmg has no op`,
      forward,
    );
  const from = `the ONNX model ${quote(model.name)} of ${model.producer === "" ? "an exporter without a name" : model.producer}`;
  try {
    const { graph: made, tensors } = storedLists(recognized);
    const graph = truths(made);
    const labels = labelsOf(graph, tensors);
    return {
      ...writeModel(graph, labels, name, from),
      tensors: labels.tensors,
      past: past.map((input) => input.name),
      graph,
      parameterNames: labels.names,
    };
  } catch (error) {
    if (!(error instanceof NoForm)) throw error;
    return new Problem("E776", `${file}: lmg has no words for ${error.message}`, forward);
  }
}

const forward =
  "export the model in another form (`torch.onnx.export(…, dynamo=True)`), or write it: `lmg new` and `--weights` take its checkpoint";

/** The nodes that are not known, by op, with what of them, how many and the first by its name. */
function refused(refusals: readonly Refusal[], file: string): Problem {
  const groups = new Map<string, Refusal[]>();
  for (const refusal of refusals) {
    const { op, domain } = refusal.node;
    const key = `${domain === "" ? "" : `${domain}.`}${op}${refusal.what === undefined ? "" : ` with ${refusal.what}`}`;
    groups.set(key, [...(groups.get(key) ?? []), refusal]);
  }
  const lines = [...groups].map(([key, all]) => {
    const [{ node }] = all as [Refusal];
    return `${key} (${all.length > 1 ? `${plural(all.length, "node")}, the first ` : ""}${called(node)})`;
  });
  const shown = lines.length > 12 ? [...lines.slice(0, 12), `${lines.length - 12} more`] : lines;
  return new Problem(
    "E776",
    `${file}: lmg has no form for ${listWords(shown)}`,
    `${forward}. Ops that are imported: ${Object.keys(onnxOps).join(", ")}`,
  );
}

/** Exporters may leave nodes without names. */
const called = ({ name, outputs }: OnnxNode): string =>
  name === "" ? `which gives ${quote(outputs[0] ?? "")}` : quote(name);

/** Whole numbers that are read as truths alone, a mask of tokens, are an input of truths. */
function truths(graph: Graph): Graph {
  const same = new Map<Value, Value>();
  const inputs = graph.inputs.map((input) => {
    const users = graph.nodes.filter((node) => operandValues(node).includes(input.value));
    const isTruth =
      input.value.type.dtype === "i32" &&
      users.length > 0 &&
      users.every((node) => node.op === "cast" && node.attrs.dtype === "bool") &&
      !graph.outputs.some(({ value }) => value === input.value);
    if (!isTruth) return input;
    const value = makeValue({ ...input.value.type, dtype: "bool" }, input.name);
    for (const node of users) same.set(node.results[0]!, value);
    return { ...input, value };
  });
  if (same.size === 0) return graph;
  return removeDeadNodes(replaceValues({ ...graph, inputs }, same));
}
