import type { Graph, Node, Value } from "../../src/ir/graph.ts";
import { mapOperands, namedOperands } from "../../src/ir/node.ts";
import {
  isLoop,
  type Chain,
  type Loop,
  type LoopIteration,
  type Rolled,
  type RolledPart,
} from "../../src/ir/roll/rolled.ts";
import { invariant } from "../../src/support/invariant.ts";

/**
 * The graph with every loop run again: what a class says with the values of one of its iterations, made for each by the names of
 * its parameters, the attributes that vary, and the chain alone. Values that were there already keep what they were called.
 */
export function unrolled(graph: Graph, rolled: Rolled): Graph {
  const run = new Unrolled(graph);
  run.parts(rolled.parts);
  return {
    ...graph,
    nodes: run.nodes,
    outputs: graph.outputs.map((output) => ({ ...output, value: run.valueOf(output.value) })),
  };
}

class Unrolled {
  readonly nodes: Node[] = [];
  readonly #parameters: ReadonlyMap<string, Value>;
  readonly #names: ReadonlyMap<Value, string>;
  /** What stands for the values of the graph, and in a loop for those of its template. */
  #made = new Map<Value, Value>();
  /** Beginnings of names, those of the template and what they become; the innermost loop last. */
  readonly #renamed: (readonly [from: string, to: string])[] = [];
  #varied = new Map<Node, Readonly<Record<string, unknown>>>();

  constructor({ parameters }: Graph) {
    this.#parameters = new Map(parameters.map(({ name, value }) => [name, value]));
    this.#names = new Map(parameters.map(({ name, value }) => [value, name]));
  }

  valueOf(value: Value): Value {
    const name = this.#names.get(value);
    if (name === undefined) return this.#made.get(value) ?? value;
    const renamed = this.#renamed.reduceRight(
      (text, [from, to]) => (text.startsWith(from) ? to + text.slice(from.length) : text),
      name,
    );
    const found = this.#parameters.get(renamed);
    invariant(found, `there is a parameter ${renamed}`);
    return found;
  }

  parts(parts: readonly RolledPart[]): void {
    for (const part of parts)
      if (isLoop(part)) this.#loop(part);
      else this.#node(part);
  }

  #node(node: Node): void {
    const operands = mapOperands(namedOperands(node), (value) => this.valueOf(value));
    const attrs = { ...node.attrs, ...this.#varied.get(node) };
    const results = node.results.map((value) => ({ ...value }));
    node.results.forEach((value, at) => this.#made.set(value, results[at]!));
    this.nodes.push({ ...node, operands, attrs, results } as unknown as Node);
  }

  #loop(loop: Loop): void {
    const { chain } = loop;
    if (chain === undefined) {
      for (const [at, iteration] of loop.iterations.entries()) {
        const outputs = this.#iteration(
          loop,
          at,
          iteration.inputs.map((value) => this.valueOf(value)),
        );
        iteration.outputs.forEach((value, output) => this.#made.set(value, outputs[output]!));
      }
      return;
    }
    let lanes = chain.lanes.map(({ initial }) => this.valueOf(initial));
    const invariants = chain.invariants.map((value) => this.valueOf(value));
    for (const [at, iteration] of loop.iterations.entries()) {
      const inputs = inputsOf(chain, iteration, lanes, invariants);
      const outputs = this.#iteration(loop, at, inputs);
      lanes = chain.lanes.map((lane) => outputs[lane.outputs[iteration.class]!]!);
    }
    chain.lanes.forEach(({ final }, lane) => this.#made.set(final, lanes[lane]!));
  }

  /** The class's body with those inputs; gives its outputs. */
  #iteration(loop: Loop, at: number, inputs: readonly Value[]): readonly Value[] {
    const iteration = loop.iterations[at]!;
    const body = loop.classes[iteration.class]!;
    const member = loop.iterations.slice(0, at).filter((other) => other.class === iteration.class).length;
    const outside = [this.#made, this.#varied] as const;
    this.#made = new Map(this.#made);
    this.#varied = new Map(this.#varied);
    body.inputs.forEach((value, slot) => this.#made.set(value, inputs[slot]!));
    for (const { node, attribute, values } of body.variations)
      this.#varied.set(node, { ...this.#varied.get(node), [attribute]: values[member] });
    this.#renamed.push([body.prefix, iteration.prefix]);
    this.parts(body.parts);
    const outputs = body.outputs.map((value) => this.valueOf(value));
    this.#renamed.pop();
    [this.#made, this.#varied] = outside;
    return outputs;
  }
}

const inputsOf = (
  chain: Chain,
  iteration: LoopIteration,
  lanes: readonly Value[],
  invariants: readonly Value[],
): readonly Value[] =>
  chain.wiring[iteration.class]!.map((wire) =>
    "lane" in wire ? lanes[wire.lane]! : invariants[wire.invariant]!,
  );
