import { noOrigin, type Graph, type Value } from "../ir/graph.ts";
import { onlyResult } from "../ir/node.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { Backward } from "./backward.ts";
import { differentiate } from "./differentiate.ts";

/** What a probe measures of one residual edge, as names of the graph's outputs. */
export interface EdgeProbe {
  /** The index in the graph's table of edges. */
  readonly edge: number;
  /** The root mean square of the stream after the edge. */
  readonly activation: string;
  /** The norm of the loss's gradient with respect to it. */
  readonly gradient: string;
}

export interface ProbeGraph {
  /** The graph with its own outputs and two scalars an edge. */
  readonly graph: Graph;
  readonly edges: readonly EdgeProbe[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Measures what each residual edge passes on, forward and back: activation and gradient by depth. Edges on which the loss
 * does not depend are left out.
 */
export function probeEdges(source: Graph): ProbeGraph {
  const losses = source.outputs.filter(({ name }) => name === "loss").map(({ value }) => value);
  const wrt = source.parameters.filter(({ trainable }) => trainable).map(({ value }) => value);
  const streams = source.nodes.flatMap((node) =>
    node.op === "residual" ? [{ edge: node.attrs.edge, stream: onlyResult(node) }] : [],
  );
  const { graph, cotangents, diagnostics } = differentiate(source, losses, [
    ...wrt,
    ...streams.map(({ stream }) => stream),
  ]);
  const b = new Backward(new Set());
  b.origin = noOrigin;
  const edges: EdgeProbe[] = [];
  const outputs = streams.flatMap(({ edge, stream }) => {
    const gradient = cotangents.get(stream);
    if (gradient === undefined) return [];
    const names = { edge, activation: `edge.${edge}.activation`, gradient: `edge.${edge}.gradient` };
    edges.push(names);
    return [
      { name: names.activation, value: rootOf(b, "reduce_mean", stream), span: undefined },
      { name: names.gradient, value: rootOf(b, "reduce_sum", gradient), span: undefined },
    ];
  });
  return {
    graph: { ...graph, nodes: [...graph.nodes, ...b.nodes], outputs: [...graph.outputs, ...outputs] },
    edges,
    diagnostics,
  };
}

/** The root of the mean, or of the sum, of the squares of all elements. */
function rootOf(b: Backward, op: "reduce_mean" | "reduce_sum", x: Value): Value {
  const axes = [...x.type.shape.keys()];
  return b.unary("sqrt", b.emit(op, { x: b.square(x) }, { axes }));
}
