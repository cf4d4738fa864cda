import { noOrigin, type Graph, type Node, type NodeOf, type Value } from "../ir/graph.ts";
import { onlyResult } from "../ir/node.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { Backward } from "./backward.ts";
import { differentiate } from "./differentiate.ts";
import { edgeForms, type EdgeForm } from "./probe-form.ts";

/**
 * What a probe measures of one residual edge y = post(skip · s + branch · f), as names of the graph's outputs. The sizes
 * of values are root mean squares over all elements.
 */
export interface EdgeProbe {
  /** The index in the graph's table of edges. */
  readonly edge: number;
  readonly form: EdgeForm;
  /** The size of y, the stream after the edge and its post norm. */
  readonly activation: string;
  /** The norm of the loss's gradient with respect to y. */
  readonly gradient: string;
  /** The size of s, what the edge carries, before its gain. */
  readonly source: string;
  /** The size of f, what comes out of the branch, after its out norm and before its gain. */
  readonly branch: string;
  /** The size of skip · s + branch · f. */
  readonly sum: string;
  readonly skipGain: GainProbe;
  readonly branchGain: GainProbe;
}

/** A gain: a number times the size of a tensor, if there is one. */
export interface GainProbe {
  readonly scale: number;
  readonly tensor: string | undefined;
}

export interface ProbeGraph {
  /** The graph with its own outputs and the measures of the edges, a scalar each. */
  readonly graph: Graph;
  readonly edges: readonly EdgeProbe[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Measures what each residual edge passes on, forward and back: activation and gradient by depth. Edges on which the loss
 * does not depend are left out. Linear in the nodes.
 */
export function probeEdges(source: Graph): ProbeGraph {
  const losses = source.outputs.filter(({ name }) => name === "loss").map(({ value }) => value);
  const wrt = source.parameters.filter(({ trainable }) => trainable).map(({ value }) => value);
  const joins = source.nodes.filter((node): node is NodeOf<"residual"> => node.op === "residual");
  const results = edgeResults(source.nodes);
  const { graph, cotangents, diagnostics } = differentiate(source, losses, [
    ...wrt,
    ...joins.map(({ attrs }) => results.get(attrs.edge)!),
  ]);
  const writer = new ProbeWriter();
  const reached = joins.filter(({ attrs }) => cotangents.has(results.get(attrs.edge)!));
  const forms = edgeForms(source, reached, results);
  const edges = reached.map((join, index): EdgeProbe => {
    const result = results.get(join.attrs.edge)!;
    return { ...writer.probe(join, result, cotangents.get(result)!), form: forms[index]! };
  });
  const nodes = [...graph.nodes, ...writer.b.nodes];
  return { graph: { ...graph, nodes, outputs: [...graph.outputs, ...writer.outputs] }, edges, diagnostics };
}

/** What each edge ends with: its post norm, else its join. */
export function edgeResults(nodes: readonly Node[]): ReadonlyMap<number, Value> {
  const results = new Map<number, Value>();
  for (const node of nodes) {
    if (node.op === "residual") results.set(node.attrs.edge, onlyResult(node));
    for (const { edge, role } of node.origin.edges) if (role === "post") results.set(edge, node.results[0]!);
  }
  return results;
}

/** Writes the nodes that measure, and gives the measures names. */
class ProbeWriter {
  readonly b = new Backward(new Set());
  readonly outputs: Graph["outputs"][number][] = [];

  constructor() {
    this.b.origin = noOrigin;
  }

  probe(join: NodeOf<"residual">, result: Value, gradient: Value): Omit<EdgeProbe, "form"> {
    const { source, branches, source_gain, branch_gain } = join.operands;
    const { edge, source_scale, branch_scale } = join.attrs;
    const name = (what: string): string => `edge.${edge}.${what}`;
    const added = branches.reduce((x, y) => this.b.add(x, y));
    return {
      edge,
      activation: this.#output(name("activation"), "reduce_mean", result),
      gradient: this.#output(name("gradient"), "reduce_sum", gradient),
      source: this.#output(name("source"), "reduce_mean", source),
      branch: this.#output(name("branch"), "reduce_mean", added),
      sum: this.#output(name("sum"), "reduce_mean", onlyResult(join)),
      skipGain: this.#gain(name("skip_gain"), source_scale, source_gain),
      branchGain: this.#gain(name("branch_gain"), branch_scale, branch_gain),
    };
  }

  #gain(name: string, scale: number, gain: Value | undefined): GainProbe {
    return { scale, tensor: gain && this.#output(name, "reduce_mean", gain) };
  }

  /** The root of the mean, or of the sum, of the squares of all elements, as an output. */
  #output(name: string, op: "reduce_mean" | "reduce_sum", x: Value): string {
    const axes = [...x.type.shape.keys()];
    const value = this.b.unary("sqrt", this.b.emit(op, { x: this.b.square(x) }, { axes }));
    this.outputs.push({ name, value, span: undefined });
    return name;
  }
}
