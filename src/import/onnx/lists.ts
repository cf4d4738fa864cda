import { toStored } from "../../checkpoint/stored.ts";
import type { Node, NodeOf, Parameter } from "../../ir/graph.ts";
import { makeNode, makeValue } from "../../ir/node.ts";
import { constantDim } from "../../tensor/dim.ts";
import { NoForm, type ConvertedGraph } from "./graph.ts";
import { Unique } from "./write/labels.ts";

/** Whole numbers that float32 has all of. */
const MOST = 2 ** 24;

/**
 * Lists of numbers in a file that no rule has made words of, as masks that are drawn by hand: a text has none, so each becomes a
 * tensor beside the weights, of f32, and is read as what it was of. Throws NoForm for numbers that float32 has not.
 */
export function storedLists({ graph, tensors }: ConvertedGraph): ConvertedGraph {
  const names = new Unique(graph.parameters.map(({ name }) => name));
  const parameters: Parameter[] = [];
  const stored = new Map(tensors);
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    if (node.op !== "constant") return [node];
    const [list] = node.results;
    const { dtype, shape } = list!.type;
    if (dtype !== "f32" && node.attrs.values.some((each) => Math.abs(each) > MOST))
      throw new NoForm("a list of whole numbers of more than 24 bits");
    const name = names.take(nameOf(node));
    const value = dtype === "f32" ? list! : makeValue({ dtype: "f32", shape });
    parameters.push({ name, value, init: { kind: "constant", value: 0 }, trainable: true, span: undefined });
    const data = Float64Array.from(node.attrs.values);
    stored.set(name, toStored({ dtype: "f32", shape: shape.map((size) => constantDim(size)!), data }));
    if (value === list) return [];
    const made = makeNode("cast", { x: value }, { dtype }, node.origin);
    return [{ ...made, results: node.results }];
  });
  if (parameters.length === 0) return { graph, tensors };
  return { graph: { ...graph, nodes, parameters: [...graph.parameters, ...parameters] }, tensors: stored };
}

const nameOf = ({ origin, results }: NodeOf<"constant">): string => {
  const what = results[0]!.type.dtype === "bool" ? "mask" : "list";
  return origin.label === "" ? what : `${origin.label}.${what}`;
};
