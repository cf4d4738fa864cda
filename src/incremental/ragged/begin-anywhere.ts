import type { Graph, Node, Value } from "../../ir/graph.ts";
import { liveNodes } from "../../ir/keep-outputs.ts";
import { operandValues } from "../../ir/node.ts";
import { producersOf, resultValues } from "../../ir/walk.ts";
import { isCoreNode } from "../facts/along.ts";
import { Facts } from "../facts/facts.ts";
import { Refusal } from "../refusal.ts";
import { Apart } from "./apart.ts";
import type { Batch } from "./batch.ts";
import { Drifts } from "./drift.ts";
import { Fronts } from "./fronts.ts";
import { batchRuleOf } from "./rules.ts";
import { Texts, type Made } from "./texts.ts";

/** A graph whose texts may begin at places of their own, and the input that says where. */
export interface BegunAnywhere {
  readonly graph: Graph;
  readonly begins: string;
}

/**
 * The graph in which text b of a batch begins at position begins[b], behind padding: what it makes of that text is what the
 * graph makes of it alone. Positions are counted from there; rows before it are hidden from attention, sums and softmaxes,
 * are zeros to convolutions and recurrences, and are as those in front of the text to what shifts rows. What is made of them
 * means nothing.
 *
 * @throws Refusal
 */
export function beginAnywhere(graph: Graph, symbol: string): BegunAnywhere {
  const texts = new Texts(graph, symbol);
  return { graph: new Rewriting(graph, symbol, texts).graph(), begins: texts.begins.name };
}

class Rewriting {
  readonly #graph: Graph;
  readonly #facts: Facts;
  readonly #drifts: Drifts;
  readonly #apart: Apart;
  readonly #batch: Batch;
  readonly #made = new Map<Value, Made>();

  constructor(graph: Graph, symbol: string, texts: Texts) {
    this.#graph = graph;
    this.#facts = new Facts(graph, symbol);
    this.#drifts = new Drifts(graph, this.#facts);
    this.#apart = new Apart(graph, texts.batch.key);
    this.#batch = {
      texts,
      factOf: (value) => this.#facts.of(value),
      of: (value) => this.#made.get(value) ?? { value, isLifted: false },
      fronts: new Fronts(graph, this.#facts, this.#isOwn),
    };
    for (const { value } of graph.inputs)
      if (this.#facts.of(value).axes.size > 0 && texts.batchAxis(value.type.shape) === undefined)
        throw new Refusal("no_batch");
  }

  graph(): Graph {
    const { nodes, inputs } = this.#graph;
    const { texts } = this.#batch;
    const asked = this.#asked();
    for (const node of nodes) {
      texts.origin = node.origin;
      if (node.results.some((value) => asked.has(value))) this.#make(node);
      // What is alike for all texts, as distances are, is read as it is.
      texts.nodes.push(node);
    }
    const outputs = this.#graph.outputs.map((output) => ({ ...output, value: this.#whole(output.value) }));
    const graph = { ...this.#graph, inputs: [...inputs, texts.begins], outputs };
    return { ...graph, nodes: liveNodes(texts.nodes, resultValues(graph)) };
  }

  /** The values of which each text has its own, as far as outputs need them. */
  #asked(): ReadonlySet<Value> {
    const asked = new Set(this.#graph.outputs.map(({ value }) => value).filter(this.#isOwn));
    for (const node of this.#graph.nodes.toReversed())
      if (node.results.some((value) => asked.has(value)))
        for (const value of operandValues(node)) if (this.#isOwn(value)) asked.add(value);
    return asked;
  }

  /** Whether a text has its own: tokens reach it, or it changes where all positions are one further. */
  readonly #isOwn = (value: Value): boolean => {
    const { known, reach } = this.#facts.of(value);
    return known === undefined && (reach.tokens || (reach.length && this.#drifts.of(value) !== 0));
  };

  #make(node: Node): void {
    if (!isCoreNode(node)) throw new Refusal("not_core", node);
    this.#apart.require(node);
    const made = batchRuleOf(node, this.#batch);
    for (const [index, value] of node.results.entries()) this.#made.set(value, made[index]!);
  }

  #whole(output: Value): Value {
    const { value, isLifted } = this.#batch.of(output);
    if (isLifted) throw new Refusal("begins", producersOf(this.#graph).get(output)?.node, "an output");
    return value;
  }
}
