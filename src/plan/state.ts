import { invariant } from "../support/invariant.ts";
import { sameDim } from "../tensor/dim.ts";
import { elementsOf } from "../tensor/type.ts";
import type { DraftBuffer } from "./memory.ts";
import { mayOverwrite } from "./overwrite.ts";
import { operandViews, type Step } from "./plan.ts";
import { isDense, type View } from "../kernels/view.ts";
import type { Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { producersOf, type Producer } from "../ir/walk.ts";
import { isShapeNode, type ShapeNode } from "./shape-views.ts";

/** A state as it is, and the view that holds what it is next. */
export interface KeptState {
  readonly name: string;
  readonly now: View;
  readonly next: View;
}

/** A state that is copied to its place: after the step with the index `after`. */
export interface CopiedState extends KeptState {
  readonly after: number;
}

/**
 * Makes the results of a run the state of the next. Where the step that makes it is the last to read the old value, and
 * may write over what it reads, or where several steps do that come after all who read it, the result lives in the state's own
 * memory; else it is copied there as soon as it is made and the old value is read no more, so that one loop may do all of it. What
 * no step makes is copied after all steps. Returns the states that need the copy.
 */
export function keepStates(
  states: readonly KeptState[],
  buffers: readonly DraftBuffer[],
  steps: readonly Step[],
): readonly CopiedState[] {
  const { lastRead, writers } = usesOf(steps, buffers);
  const stateBuffers = new Set(states.map(({ now }) => now.buffer));
  return states.flatMap((kept): readonly CopiedState[] => {
    const { name, now, next } = kept;
    if (next.buffer === now.buffer) return [];
    const isWhole = isDense(next) && sameDim(buffers[next.buffer]!.elements, elementsOf(now.type));
    if (isWhole && isMemoryOf(buffers[next.buffer]!, name)) return [];
    invariant(!stateBuffers.has(next.buffer), `the state ${name} becomes another one`);
    const draft = buffers[next.buffer]!;
    const made = writers.get(next.buffer) ?? [];
    const [first, writer] = [made[0], made.at(-1)];
    if (first === undefined || writer === undefined) return [{ ...kept, after: steps.length - 1 }];
    const last = lastRead.get(memoryOf(now.buffer, buffers)) ?? -1;
    const copied = [{ ...kept, after: Math.max(last, writer) }];
    if (draft.home !== undefined || !isWhole) return copied;
    const isOver = made.length === 1 && last === writer && mayOverwrite(steps[writer]!, now.buffer, next);
    if (last >= first && !isOver) return copied;
    draft.home = { kind: "state", state: name };
    return [];
  });
}

/** Whether a buffer is the memory of a state, before or after a step that writes it. */
export const isMemoryOf = ({ home }: DraftBuffer, state: string): boolean =>
  home?.kind === "state" && home.state === state;

/**
 * The writes that may be done where a state lies: it becomes their result, through other writes perhaps, and nobody reads
 * what a write replaces after it. By the node, the name of the state.
 */
export function writesInPlace(graph: Graph): ReadonlyMap<Node, string> {
  const producers = producersOf(graph);
  const lastRead = lastReadsOfMemory(graph, producers);
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  const inPlace = new Map<Node, string>();
  for (const { name, value, next } of graph.states) {
    const chain: NodeOf<"write">[] = [];
    let from = next;
    for (let node = producers.get(from)?.node; node?.op === "write"; node = producers.get(from)?.node) {
      chain.push(node);
      from = node.operands.x;
    }
    if (from !== value) continue;
    if (chain.every((node) => (lastRead.get(node.operands.x) ?? -1) <= order.get(node)!))
      for (const node of chain) inPlace.set(node, name);
  }
  return inPlace;
}

/** The last node that reads a value or what is the same memory seen otherwise; for ever if that is a result of the graph. */
function lastReadsOfMemory(
  graph: Graph,
  producers: ReadonlyMap<Value, Producer>,
): ReadonlyMap<Value, number> {
  const rootOf = (value: Value): Value => {
    let root = value;
    for (let node = producers.get(root)?.node; node !== undefined && isSeenOtherwise(node);) {
      root = node.operands.x;
      node = producers.get(root)?.node;
    }
    return root;
  };
  const last = new Map<Value, number>();
  graph.nodes.forEach((node, index) => {
    if (!isShapeNode(node)) for (const value of operandValues(node)) last.set(rootOf(value), index);
  });
  for (const { value } of graph.outputs) last.set(rootOf(value), Infinity);
  // The end of a chain of writes is no operand in it; what is between two of them may be what another state becomes.
  for (const { value, next } of graph.states) if (next !== value) last.set(rootOf(next), Infinity);
  return last;
}

/** A cast may be no step either; where it is one, its operand is kept a little longer. */
const isSeenOtherwise = (node: Node): node is ShapeNode | NodeOf<"cast"> =>
  isShapeNode(node) || node.op === "cast";

/** The buffers of a state are one memory, any other has its own. */
const memoryOf = (buffer: number, buffers: readonly DraftBuffer[]): number | string => {
  const { home } = buffers[buffer]!;
  return home?.kind === "state" ? home.state : buffer;
};

/** The last step that reads each memory, and the steps that write each buffer. */
function usesOf(steps: readonly Step[], buffers: readonly DraftBuffer[]) {
  const lastRead = new Map<number | string, number>();
  const writers = new Map<number, number[]>();
  steps.forEach((step, index) => {
    for (const { buffer } of operandViews(step)) lastRead.set(memoryOf(buffer, buffers), index);
    for (const { buffer } of step.results) {
      const known = writers.get(buffer);
      if (known === undefined) writers.set(buffer, [index]);
      else known.push(index);
    }
  });
  return { lastRead, writers };
}
