import type { Graph, Iteration, Node, Origin, Value } from "../ir/graph.ts";
import { makeNode, operandValues, withOperands } from "../ir/node.ts";
import { placeOf } from "../ir/outline.ts";
import type { Backward } from "./backward.ts";

/**
 * Which iterations of repeats keep nothing of their inside for the backward: those that the model marks `checkpoint`,
 * none, or each of a repeat that stands in no other one, those inside blocks of the library left out.
 */
export type Checkpoints = "marked" | "none" | "outermost";

/** Nodes that follow each other: those of one checkpointed iteration, or what stands between such iterations. */
export interface Run {
  readonly nodes: readonly Node[];
  readonly isIteration: boolean;
}

/** Cuts nodes at the checkpointed iterations that lie in `level` others of their kind. */
export function cutIterations(
  nodes: readonly Node[],
  level: number,
  checkpoints: Checkpoints,
): readonly Run[] {
  const runs: {
    readonly nodes: Node[];
    readonly isIteration: boolean;
    readonly place: string | undefined;
  }[] = [];
  for (const node of nodes) {
    const place = placeAt(node.origin, level, checkpoints);
    const run = runs.at(-1);
    if (run !== undefined && run.place === place) run.nodes.push(node);
    else runs.push({ nodes: [node], isIteration: place !== undefined, place });
  }
  return runs;
}

/** The checkpointed iteration at `level` around a node; undefined if it is in no such one. */
function placeAt(origin: Origin, level: number, checkpoints: Checkpoints): string | undefined {
  const isCheckpoint = (iteration: Iteration, depth: number): boolean =>
    checkpoints === "marked"
      ? iteration.checkpoint === true
      : checkpoints === "outermost" && depth === 0 && iteration.library !== true;
  const depths = [...origin.scope.keys()].filter((depth) => isCheckpoint(origin.scope[depth]!, depth));
  const depth = depths[level];
  return depth === undefined ? undefined : placeOf(origin, depth + 1);
}

/** The values that other runs read than the one that makes them. */
export function valuesThatLeave(runs: readonly Run[]): Set<Value> {
  const makers = new Map<Value, Run>();
  const leaving = new Set<Value>();
  for (const run of runs)
    for (const node of run.nodes) {
      for (const value of operandValues(node))
        if (makers.has(value) && makers.get(value) !== run) leaving.add(value);
      for (const value of node.results) makers.set(value, run);
    }
  return leaving;
}

/** Everything that depends on the given values. */
export function reachedFrom(graph: Graph, values: Iterable<Value>): Set<Value> {
  const reached = new Set(values);
  for (const node of graph.nodes)
    if (operandValues(node).some((value) => reached.has(value)))
      for (const value of node.results) reached.add(value);
  return reached;
}

/** Makes the nodes of iterations again, for their backward. */
export class Recomputation {
  readonly #backward: Backward;
  /** What depends on parameters: the rest (masks, positions) is alike in all iterations, so that one is kept for all. */
  readonly #learned: Set<Value>;
  /** What depends on inputs: the rest is known at load, or is made of parameters alone. */
  readonly #fed: Set<Value>;

  constructor(graph: Graph, backward: Backward) {
    this.#backward = backward;
    this.#learned = reachedFrom(
      graph,
      graph.parameters.map(({ value }) => value),
    );
    this.#fed = reachedFrom(
      graph,
      graph.inputs.map(({ value }) => value),
    );
  }

  /**
   * Emits the nodes of an iteration once more, to run when `after` is there, and returns them as rules are to see them:
   * they read what was made again, but for the values of `kept`, which are there from the forward pass.
   */
  makeAgain(nodes: readonly Node[], after: Value, kept: ReadonlySet<Value>): readonly Node[] {
    const again = new Map<Value, Value>();
    const origin = { ...nodes[0]!.origin, label: "", edges: [] };
    const resumed = (value: Value): Value => {
      if (!this.#fed.has(value)) return value;
      const [out] = this.#emit(makeNode("recompute", { x: value, after }, {}, origin), [value]);
      again.set(value, out!);
      return out!;
    };
    return nodes.map((node) => {
      const read = operandValues(node);
      const varies =
        read.some((value) => this.#learned.has(value)) && read.some((value) => this.#fed.has(value));
      if (!varies) return node;
      const moved = withOperands(node, (value) => again.get(value) ?? resumed(value));
      const results = this.#emit(moved, node.results);
      node.results.forEach((value, index) => {
        if (!kept.has(value)) again.set(value, results[index]!);
      });
      return {
        ...moved,
        results: node.results.map((value) => (kept.has(value) ? value : again.get(value)!)),
      };
    });
  }

  /** Emits a node whose results stand for the given values, and returns its results. */
  #emit(node: Node, values: readonly Value[]): readonly Value[] {
    const results = values.map((value) => {
      const copy = { ...value };
      this.#backward.standFor(copy, value);
      for (const reached of [this.#learned, this.#fed]) if (reached.has(value)) reached.add(copy);
      return copy;
    });
    this.#backward.nodes.push({ ...node, results, origin: { ...node.origin, phase: "recompute" } });
    return results;
  }
}
