import { noOrigin, type Graph, type Node, type NodeOf, type Value } from "../ir/graph.ts";
import { onlyResult } from "../ir/node.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { Backward } from "./backward.ts";
import { lowerEdges } from "../passes/lower-edges.ts";
import { constantDim } from "../tensor/dim.ts";
import { isFloat } from "../tensor/dtype.ts";
import { differentiate, type Differentiation } from "./differentiate.ts";
import { withCuts } from "./probe-cuts.ts";
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
  /** The same along some of its ways, if paths were asked for. */
  readonly paths: PathProbe | undefined;
  /** The largest |y|. */
  readonly largest: string;
  /** The size of y in each lane, if it has lanes: [n]. */
  readonly lanes: string | undefined;
  /** The size of s, what the edge carries, before its gain. */
  readonly source: string;
  /** The size of f, what comes out of the branch, after its out norm and before its gain. */
  readonly branch: string;
  /** The size of skip · s + branch · f. */
  readonly sum: string;
  readonly skipGain: GainProbe;
  readonly branchGain: GainProbe;
}

/** Norms of the gradient with respect to y, as names of outputs. */
export interface PathProbe {
  /** Where no branch passes a gradient on: what is carried passes all of it. */
  readonly carried: string;
  /** Where the weights of attention are held fixed. */
  readonly held: string;
}

/** A value that the text names, by `as NAME`. */
export interface TapProbe {
  readonly name: string;
  readonly activation: string;
  /** Undefined if the loss does not depend on it. */
  readonly gradient: string | undefined;
  readonly largest: string;
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
  readonly taps: readonly TapProbe[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A value of the model that the text names, which is measured too. */
export interface Tap {
  readonly name: string;
  readonly value: Value;
}

export interface ProbeOptions {
  /** Also the gradients with the branches cut and with the weights of attention held: two more backward passes. */
  readonly paths?: boolean;
  readonly taps?: readonly Tap[];
}

/**
 * Measures what each residual edge passes on, forward and back: activation and gradient by depth. Edges on which the loss
 * does not depend are left out. Linear in the nodes.
 */
export function probeEdges(
  source: Graph,
  { paths = false, taps: named = [] }: ProbeOptions = {},
): ProbeGraph {
  const taps = namedIn(source, named);
  const losses = source.outputs.filter(({ name }) => name === "loss").map(({ value }) => value);
  const trained = source.parameters.filter(({ trainable }) => trainable).map(({ value }) => value);
  const joins = source.nodes.filter((node): node is NodeOf<"residual"> => node.op === "residual");
  const results = edgeResults(source.nodes);
  const seen = joins.map(({ attrs }) => results.get(attrs.edge)!);
  const wrt = [...trained, ...seen, ...taps.map(({ value }) => value)];
  const cut = paths ? withCuts(source) : undefined;
  const forward = lowerEdges.run(cut?.graph ?? source);
  const { graph, cotangents, diagnostics } = differentiate(forward, losses, wrt);
  const along = (cuts: ReadonlySet<Value>): Differentiation => differentiate(forward, losses, wrt, { cuts });
  const ways = cut && { carried: along(cut.branches), held: along(cut.softmax) };
  const writer = new ProbeWriter();
  const reached = joins.filter(({ attrs }) => cotangents.has(results.get(attrs.edge)!));
  const forms = edgeForms(source, reached, results);
  const edges = reached.map((join, index): EdgeProbe => {
    const result = results.get(join.attrs.edge)!;
    return {
      ...writer.probe(join, result, cotangents.get(result)!),
      paths: ways && writer.paths(join.attrs.edge, result, ways),
      form: forms[index]!,
    };
  });
  const measured = taps.map((tap, index) => writer.tap(tap, index, cotangents.get(tap.value)));
  const backward = [ways?.carried, ways?.held].flatMap(
    (way) => way?.graph.nodes.slice(forward.nodes.length) ?? [],
  );
  const nodes = [...graph.nodes, ...backward, ...writer.b.nodes];
  const outputs = [...graph.outputs, ...writer.outputs];
  return { graph: { ...graph, nodes, outputs }, edges, taps: measured, diagnostics };
}

/** Floats that the graph makes: outputs that nobody asked for take what they were made of with them. */
function namedIn({ nodes }: Graph, taps: readonly Tap[]): readonly Tap[] {
  const made = new Set(nodes.flatMap(({ results }) => results));
  return taps.filter(({ value }) => made.has(value) && isFloat(value.type.dtype));
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

  probe(join: NodeOf<"residual">, result: Value, gradient: Value): Omit<EdgeProbe, "form" | "paths"> {
    const { source, branches, source_gain, branch_gain } = join.operands;
    const { edge, source_scale, branch_scale } = join.attrs;
    const name = (what: string): string => `edge.${edge}.${what}`;
    const added = branches.reduce((x, y) => this.b.add(x, y));
    return {
      edge,
      activation: this.#output(name("activation"), "reduce_mean", result),
      gradient: this.#output(name("gradient"), "reduce_sum", gradient),
      largest: this.#largest(name("largest"), result),
      lanes: this.#lanes(name("lanes"), result),
      source: this.#output(name("source"), "reduce_mean", source),
      branch: this.#output(name("branch"), "reduce_mean", added),
      sum: this.#output(name("sum"), "reduce_mean", onlyResult(join)),
      skipGain: this.#gain(name("skip_gain"), source_scale, source_gain),
      branchGain: this.#gain(name("branch_gain"), branch_scale, branch_gain),
    };
  }

  /** A cut that lets nothing through leaves a gradient of zero. */
  paths(edge: number, result: Value, ways: Readonly<Record<keyof PathProbe, Differentiation>>): PathProbe {
    const gradientOf = (way: keyof PathProbe): string => {
      const gradient =
        ways[way].cotangents.get(result) ?? this.b.full(result.type.dtype, result.type.shape, 0);
      return this.#output(`edge.${edge}.gradient_${way}`, "reduce_sum", gradient);
    };
    return { carried: gradientOf("carried"), held: gradientOf("held") };
  }

  tap({ name, value }: Tap, index: number, gradient: Value | undefined): TapProbe {
    const output = (what: string): string => `tap.${index}.${what}`;
    return {
      name,
      activation: this.#output(output("activation"), "reduce_mean", value),
      gradient: gradient && this.#output(output("gradient"), "reduce_sum", gradient),
      largest: this.#largest(output("largest"), value),
    };
  }

  #largest(name: string, x: Value): string {
    const value = this.b.emit(
      "reduce_max",
      { x: this.b.unary("abs", x) },
      { axes: [...x.type.shape.keys()] },
    );
    this.outputs.push({ name, value, span: undefined });
    return name;
  }

  /** A stream [B, T, n, D] has n lanes: the root of the mean of squares in each. */
  #lanes(name: string, x: Value): string | undefined {
    const { shape } = x.type;
    if (shape.length !== 4 || constantDim(shape[2]!) === undefined) return undefined;
    const mean = this.b.emit("reduce_mean", { x: this.b.square(x) }, { axes: [0, 1, 3] });
    this.outputs.push({ name, value: this.b.unary("sqrt", mean), span: undefined });
    return name;
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
