import { formOf } from "../../../ir/alike.ts";
import type { Graph, Node, Value } from "../../../ir/graph.ts";
import { keepOutputs } from "../../../ir/keep-outputs.ts";
import { showPlace } from "../../../support/source.ts";
import { listWords } from "../../../support/text.ts";
import { showType } from "../../../tensor/type.ts";

/**
 * What a model computes otherwise than another one, in words; undefined if the outputs that the other has are made by the same nodes
 * of the same inputs and parameters. Where parameters begin is no matter, nor are outputs that the other has not.
 */
export function firstDifference(model: Graph, other: Graph): string | undefined {
  const names = new Set(other.outputs.map(({ name }) => name));
  const lacking = [...names].find((name) => !model.outputs.some((output) => output.name === name));
  if (lacking !== undefined) return `it has no output \`${lacking}\``;
  const [own, theirs] = [model, other].map((graph) => keepOutputs(graph, names).graph) as [Graph, Graph];
  return parametersDiffer(own, theirs) ?? nodesDiffer(own, theirs);
}

function parametersDiffer(own: Graph, theirs: Graph): string | undefined {
  const shapes = ({ parameters }: Graph) =>
    new Map(parameters.map(({ name, value }) => [name, showType(value.type)]));
  const [left, right] = [shapes(own), shapes(theirs)];
  const only = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>) =>
    [...a.keys()].filter((name) => !b.has(name));
  const [more, fewer] = [only(left, right), only(right, left)];
  if (more.length > 0) return `it has the weight ${few(more)}`;
  if (fewer.length > 0) return `it has no weight ${few(fewer)}`;
  for (const [name, shape] of left)
    if (right.get(name) !== shape) return `\`${name}\` is ${shape} in place of ${right.get(name)!}`;
  return undefined;
}

/** Names to be listed before the rest is counted. */
const MOST_NAMES = 3;

function few(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => `\`${name}\``);
  const rest = names.length - shown.length;
  return listWords(rest > 0 ? [...shown, `${rest} more`] : shown);
}

function nodesDiffer(own: Graph, theirs: Graph): string | undefined {
  const [left, right] = [own, theirs].map(formIn) as [ReturnType<typeof formIn>, ReturnType<typeof formIn>];
  const at = left.lines.findIndex((line, index) => line !== right.lines[index]);
  if (at >= 0) return describeNode(own.nodes[at]!, right.ops[at]);
  if (left.lines.length < right.lines.length)
    return `it ends before its \`${right.ops[left.lines.length]!}\``;
  const names = left.names.findIndex((name, index) => name !== right.names[index]);
  return names < 0
    ? undefined
    : `it reads \`${left.names[names]!}\` where \`${right.names[names] ?? "nothing"}\` is read`;
}

/** The nodes as text, and what they read and give by name, in order. */
function formIn(graph: Graph) {
  const parameters = new Map(graph.parameters.map(({ value, name }) => [value, name]));
  const inputs = new Map(graph.inputs.map(({ value, name }) => [value, name]));
  const form = formOf(graph.nodes, (value) => parameters.has(value));
  const places = new Map<Value, string>();
  for (const [index, { results }] of graph.nodes.entries())
    for (const [result, value] of results.entries()) places.set(value, `${index}.${result}`);
  const named = (value: Value): string =>
    parameters.get(value) ?? inputs.get(value) ?? places.get(value) ?? "";
  return {
    lines: form.key === "" ? [] : form.key.split("\n"),
    ops: graph.nodes.map(({ op }) => op),
    names: [
      ...form.parameters.map(named),
      ...form.inputs.map(named),
      ...[...graph.outputs]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, value }) => `${name} ${named(value)}`),
    ],
  };
}

function describeNode({ op, origin }: Node, instead: string | undefined): string {
  const place = origin.spans.at(-1);
  const name = origin.label === "" ? "" : ` of \`${origin.label}\``;
  const where = place === undefined ? "" : ` (${showPlace(place)})`;
  return instead === undefined || instead === op
    ? `\`${op}\`${name}${where} is another there`
    : `\`${op}\`${name}${where} stands where \`${instead}\` does`;
}
