import { constantDim, type Finding, type Graph, type Lint, type NodeOf } from "lmg/ir";

/** Elements of half precision that the tensor cores of NVIDIA's GPUs take at once: 16 bytes. */
const WHOLE = 8;

/**
 * A linear whose width in or out is no multiple of 8, as a vocabulary often is: in half precision its product runs without
 * tensor cores, or on a padded copy.
 */
export const oddWidth: Lint = {
  name: "odd_width",
  code: "lab/odd-width",
  find: ({ graph }) => linearsOf(graph).flatMap(findingsOf),
};

const linearsOf = (graph: Graph): readonly NodeOf<"linear">[] =>
  graph.nodes.filter((node) => node.op === "linear");

function findingsOf({ operands, origin }: NodeOf<"linear">): Finding[] {
  const odd = operands.weight.type.shape.map(constantDim).filter((width) => width! % WHOLE !== 0);
  if (odd.length === 0) return [];
  const [width] = odd;
  const next = Math.ceil(width! / WHOLE) * WHOLE;
  const message = `this product is ${odd.join(" and ")} wide, no multiple of ${WHOLE}`;
  return [{ spans: origin.spans, message, help: `${next} is, and the rest may stay unused` }];
}
