import type { Node, Value } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { operandValues, withOperands } from "../../src/ir/node.ts";
import { sameType } from "../../src/tensor/type.ts";
import { rounded } from "./oracle.ts";
import type { Case } from "./generate.ts";

/**
 * The smallest case found that still fails: outputs are left out, a value is taken as an input instead of being made,
 * a node is passed by. Each attempt runs the case, so that it takes some hundred runs.
 */
export async function shrink(given: Case, fails: (smaller: Case) => Promise<boolean>): Promise<Case> {
  let best = given;
  for (let isBetter = true; isBetter;) {
    isBetter = false;
    for (const attempt of attempts(best)) {
      const smaller = cleaned(attempt);
      if (!(await fails(smaller))) continue;
      best = smaller;
      isBetter = true;
      break;
    }
  }
  return best;
}

function* attempts(given: Case): Generator<Case> {
  const { graph } = given;
  if (given.runs.length > 1) for (const run of given.runs) yield { ...given, runs: [run] };
  if (graph.outputs.length > 1)
    for (const output of graph.outputs) yield { ...given, graph: { ...graph, outputs: [output] } };
  for (const node of graph.nodes.toReversed()) yield asInputs(given, node);
  for (const node of graph.nodes.toReversed())
    for (const value of operandValues(node))
      if (sameType(value.type, node.results[0]!.type)) yield passedBy(given, node, value);
}

/** What a node makes is given. */
function asInputs({ graph, parameters, runs }: Case, node: Node): Case {
  const outputs = node.results.map((value, index) => ({ name: `cut${index}`, value, span: undefined }));
  const taken = graph.inputs.length;
  const nameOf = (index: number): string => `in${taken + index}_${graph.nodes.length}`;
  return {
    parameters,
    graph: {
      ...graph,
      inputs: [
        ...graph.inputs,
        ...node.results.map((value, index) => ({
          name: nameOf(index),
          value,
          fill: undefined,
          span: undefined,
        })),
      ],
      nodes: graph.nodes.filter((each) => each !== node),
    },
    runs: runs.map((inputs) => {
      const made = interpret({ ...graph, outputs }, { inputs, parameters });
      return {
        ...inputs,
        ...Object.fromEntries(node.results.map((_, index) => [nameOf(index), rounded(made[`cut${index}`]!)])),
      };
    }),
  };
}

/** What reads the node reads one of its operands. */
function passedBy(given: Case, node: Node, value: Value): Case {
  const change = (old: Value): Value => (old === node.results[0] ? value : old);
  const { graph } = given;
  const nodes = graph.nodes.filter((each) => each !== node).map((each) => withOperands(each, change));
  const outputs = graph.outputs.map((output) => ({ ...output, value: change(output.value) }));
  return { ...given, graph: { ...graph, nodes, outputs } };
}

/** Without nodes, parameters and inputs that nothing reads, as long as the inputs say what the dims are. */
function cleaned({ graph, parameters, runs }: Case): Case {
  const read = new Set(graph.outputs.map(({ value }) => value));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.results.some((value) => read.has(value))) continue;
    for (const value of operandValues(node)) read.add(value);
    nodes.unshift(node);
  }
  const [first] = graph.inputs;
  const inputs = graph.inputs.filter((input) => input === first || read.has(input.value));
  const kept = graph.parameters.filter(({ value }) => read.has(value));
  return {
    graph: { ...graph, nodes, inputs, parameters: kept },
    parameters: Object.fromEntries(kept.map(({ name }) => [name, parameters[name]!])),
    runs: runs.map((all) => Object.fromEntries(inputs.map(({ name }) => [name, all[name]!]))),
  };
}
