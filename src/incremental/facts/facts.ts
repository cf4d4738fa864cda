import type { Graph, Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { invariant } from "../../support/invariant.ts";
import { cornersOf } from "./above.ts";
import { affineOf } from "./affine.ts";
import { plainFact, Positions, type Axes, type Fact, type FactContext, type Reach } from "./fact.ts";
import { knownOf } from "./known.ts";
import { inputRuns, runsOf } from "./runs.ts";

/** What is known of every value of a graph over the positions `symbol`: one walk forward. */
export class Facts {
  readonly positions: Positions;
  readonly #facts = new Map<Value, Fact>();

  constructor(graph: Graph, symbol: string) {
    this.positions = new Positions(graph, symbol);
    for (const { value } of graph.parameters) this.#facts.set(value, plainFact);
    for (const { value } of graph.inputs) this.#facts.set(value, this.#inputFact(value));
    const context: FactContext = { positions: this.positions, factOf: (value) => this.of(value) };
    for (const node of graph.nodes)
      for (const result of node.results) this.#facts.set(result, factOf(node, result, context));
  }

  of(value: Value): Fact {
    const fact = this.#facts.get(value);
    invariant(fact !== undefined, "a fact is asked of a value of another graph");
    return fact;
  }

  #inputFact(value: Value): Fact {
    const axes = inputRuns(value, this.positions);
    const hasPositions = axes.size > 0;
    return {
      ...plainFact,
      axes,
      reach: { tokens: hasPositions, context: !hasPositions, newest: false, length: hasPositions },
    };
  }
}

function factOf(node: Node, result: Value, context: FactContext): Fact {
  const { factOf: of } = context;
  const axes = runsOf(node, result, context);
  const known = knownOf(node, of);
  const affine = affineOf(node, axes, known, of);
  // What is one number is made again wherever it is read: nothing reaches it.
  if (known !== undefined) return { axes, reach: plainFact.reach, known, affine, corners: [] };
  return {
    axes,
    reach: reachOf(node, result, axes, context),
    known,
    affine,
    corners: cornersOf(node, axes, of),
  };
}

function reachOf(node: Node, result: Value, axes: Axes, { positions, factOf: of }: FactContext): Reach {
  const reaches = operandValues(node).map((value) => of(value).reach);
  return {
    tokens: reaches.some(({ tokens }) => tokens),
    context: reaches.some(({ context }) => context) || result.type.shape.some(positions.isForeign),
    newest: reaches.some(({ newest }) => newest) || isNewest(node, axes, positions),
    length: reaches.some(({ length }) => length) || axes.size > 0 || positions.areIn(node),
  };
}

/** A cut whose place moves with the number of positions, and whose size does not. */
const isNewest = (node: Node, axes: Axes, positions: Positions): boolean =>
  node.op === "slice" && !axes.has(node.attrs.axis) && positions.isIn(node.attrs.start);
