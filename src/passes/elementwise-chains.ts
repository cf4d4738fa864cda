import type { Graph, Node, Value } from "../ir/graph.ts";
import { isInteger } from "../tensor/dtype.ts";
import { sameShape } from "../tensor/type.ts";
import { isScalarNode, loadTimeValues } from "./facts.ts";
import { makeInPlace, mergeOrigins, removeDeadNodes } from "./nodes.ts";
import type { Pass } from "./pass.ts";
import { makeProgram, stepOperands, type Step } from "./programs.ts";
import { Uses } from "./uses.ts";

/** Tensors that one chain reads: what WebGPU binds to a kernel by default is 8 storage buffers, less one for the result. */
export const MAX_INPUTS = 7;

/** g(f(x), y)  =>  elementwise(x, y) with the program f(i0); g(t0, i1). */
export const elementwiseChains: Pass = {
  name: "elementwise-chains",
  doc: "runs trees of elementwise ops in one pass over memory; a value that something else reads too ends a chain",
  run: (graph, report) => {
    const chains = findChains(graph);
    if (chains.size === 0) return graph;
    const inner = new Set(
      [...chains.values()].flatMap((chain) => chain.steps.slice(1)).map(({ node }) => node),
    );
    const nodes = graph.nodes.flatMap((node): Node[] => {
      const chain = chains.get(node);
      if (chain === undefined) return inner.has(node as Step["node"]) ? [] : [node];
      const steps = chain.steps.toReversed();
      const { program, inputs } = makeProgram(steps);
      const origin = mergeOrigins(steps.map((step) => step.node));
      if (origin.edges.length > 0) {
        const into = `elementwise (${origin.fused.join(", ")})`;
        report({
          pass: elementwiseChains.name,
          origin,
          edges: origin.edges,
          outcome: { kind: "fused", into },
        });
      }
      return [makeInPlace("elementwise", { inputs }, { program }, origin, node.results)];
    });
    return removeDeadNodes({ ...graph, nodes });
  },
};

interface Chain {
  /** The last step first. */
  readonly steps: Step[];
  readonly inputs: Set<Value>;
}

/** Backwards, so that a node finds the chain of its one reader. Keyed by the chain's last node. */
function findChains(graph: Graph): Map<Node, Chain> {
  const uses = new Uses(graph);
  const loadTime = loadTimeValues(graph);
  const chainOf = new Map<Node, Chain>();
  const chains = new Map<Node, Chain>();
  for (const node of graph.nodes.toReversed()) {
    if (!isScalarNode(node)) continue;
    const step: Step = { node, operands: stepOperands(node, uses) };
    const result = node.results[0]!;
    const reader = uses.soleReader(result);
    const chain = reader === undefined ? undefined : chainOf.get(reader);
    if (chain !== undefined && mayJoin(step, chain, loadTime)) {
      chain.steps.push(step);
      chain.inputs.delete(result);
      for (const value of inputsOf(step)) chain.inputs.add(value);
      chainOf.set(node, chain);
    } else {
      const made = { steps: [step], inputs: new Set(inputsOf(step)) };
      chains.set(node, made);
      chainOf.set(node, made);
    }
  }
  return chains;
}

const inputsOf = (step: Step): readonly Value[] =>
  step.operands.filter((operand) => typeof operand !== "number");

/**
 * A step of another shape would run once an element of the larger one; whole numbers wrap and divide in their own type;
 * what is known at load is not computed again in each run.
 */
function mayJoin(step: Step, chain: Chain, loadTime: ReadonlySet<Value>): boolean {
  const result = step.node.results[0]!;
  const last = chain.steps[0]!.node.results[0]!;
  const inputs = new Set([...chain.inputs, ...inputsOf(step)]);
  inputs.delete(result);
  return (
    sameShape(result.type.shape, last.type.shape) &&
    !isInteger(result.type.dtype) &&
    loadTime.has(result) === loadTime.has(last) &&
    inputs.size <= MAX_INPUTS
  );
}
