import type { Graph, Node, Value } from "../ir/graph.ts";
import type { Limits } from "../kernels/target.ts";
import { isInteger } from "../tensor/dtype.ts";
import { sameShape } from "../tensor/type.ts";
import { isScalarNode, loadTimeValues, type ScalarNode } from "./facts.ts";
import { makeInPlace, mergeOrigins, removeDeadNodes } from "./nodes.ts";
import type { Pass, PassContext, Report } from "./pass.ts";
import { makeExpression, stepOperands, type Step } from "./expressions.ts";
import { Uses } from "./uses.ts";

/** g(f(x), y)  =>  elementwise(x, y) with the expression f(i0); g(t0, i1). */
export const elementwiseChains: Pass = {
  name: "elementwise-chains",
  doc: "runs trees of elementwise ops in one pass over memory; a value that something else reads too ends a chain",
  run: (graph, context) => new Chaining(graph, context).run(),
};

interface Chain {
  /** The last step first. */
  readonly steps: Step[];
  readonly inputs: Set<Value>;
}

class Chaining {
  readonly #graph: Graph;
  readonly #report: Report;
  readonly #limits: Limits;
  readonly #uses: Uses;
  readonly #loadTime: ReadonlySet<Value>;
  /** The chain that a node is in. */
  readonly #chainOf = new Map<Node, Chain>();

  constructor(graph: Graph, { report, target }: PassContext) {
    this.#graph = graph;
    this.#report = report;
    this.#limits = target.limits;
    this.#uses = new Uses(graph);
    this.#loadTime = loadTimeValues(graph);
  }

  run(): Graph {
    // Backwards, so that a node finds the chain of its one reader.
    for (const node of this.#graph.nodes.toReversed()) if (isScalarNode(node)) this.#visit(node);
    if (this.#chainOf.size === 0) return this.#graph;
    const nodes = this.#graph.nodes.flatMap((node): Node[] => {
      const chain = this.#chainOf.get(node);
      if (chain === undefined) return [node];
      return chain.steps[0]!.node === node ? [this.#makeKernel(chain)] : [];
    });
    return removeDeadNodes({ ...this.#graph, nodes });
  }

  #visit(node: ScalarNode): void {
    const step: Step = { node, operands: stepOperands(node, this.#uses) };
    const result = node.results[0]!;
    const reader = this.#uses.soleReader(result);
    const chain = reader === undefined ? undefined : this.#chainOf.get(reader);
    if (chain === undefined || !this.#mayJoin(step, chain)) {
      this.#chainOf.set(node, { steps: [step], inputs: new Set(inputsOf(step)) });
      return;
    }
    chain.steps.push(step);
    chain.inputs.delete(result);
    for (const value of inputsOf(step)) chain.inputs.add(value);
    this.#chainOf.set(node, chain);
  }

  /**
   * A step of another shape would run once an element of the larger one; whole numbers wrap and divide in their own type;
   * what is known at load is not computed again in each run; a kernel reads as many tensors as its target can.
   */
  #mayJoin(step: Step, chain: Chain): boolean {
    const result = step.node.results[0]!;
    const last = chain.steps[0]!.node.results[0]!;
    const inputs = new Set([...chain.inputs, ...inputsOf(step)]);
    inputs.delete(result);
    return (
      sameShape(result.type.shape, last.type.shape) &&
      !isInteger(result.type.dtype) &&
      this.#loadTime.has(result) === this.#loadTime.has(last) &&
      inputs.size <= this.#limits.inputs
    );
  }

  #makeKernel(chain: Chain): Node {
    const steps = chain.steps.toReversed();
    const { expression, inputs } = makeExpression(steps);
    const origin = mergeOrigins(steps.map((step) => step.node));
    if (origin.edges.length > 0)
      this.#report({
        pass: elementwiseChains.name,
        origin,
        edges: origin.edges,
        outcome: { kind: "fused", into: `elementwise (${origin.fused.join(", ")})` },
      });
    return makeInPlace(
      "elementwise",
      { inputs },
      { program: expression },
      origin,
      chain.steps[0]!.node.results,
    );
  }
}

const inputsOf = (step: Step): readonly Value[] =>
  step.operands.filter((operand) => typeof operand !== "number");
