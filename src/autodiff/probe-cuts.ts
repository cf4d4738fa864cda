import type { Graph, Node, Value } from "../ir/graph.ts";
import { makeNode, onlyResult } from "../ir/node.ts";

/** A graph in which gradients can be kept from some of their ways: values of their own stand at the beginnings of these. */
export interface WithCuts {
  readonly graph: Graph;
  /** What residual edges add: cut, only what is carried passes a gradient on. */
  readonly branches: ReadonlySet<Value>;
  /** What the weights of attention, and any softmax, are made of: cut, they are as if they were given. */
  readonly softmax: ReadonlySet<Value>;
}

/**
 * The same graph with copies, element for element, of what a branch gives to its edge and of what a softmax reads. A copy is another
 * value, so that what else reads the same keeps its gradient.
 */
export function withCuts(source: Graph): WithCuts {
  const nodes: Node[] = [];
  const copyInto = (cuts: Set<Value>) => (value: Value) => {
    const node = makeNode("reshape", { x: value }, { shape: value.type.shape });
    nodes.push(node);
    cuts.add(onlyResult(node));
    return onlyResult(node);
  };
  const [branches, softmax] = [new Set<Value>(), new Set<Value>()];
  const [ofBranch, ofSoftmax] = [copyInto(branches), copyInto(softmax)];
  for (const node of source.nodes) nodes.push(cutNode(node, ofBranch, ofSoftmax));
  return { graph: { ...source, nodes }, branches, softmax };
}

function cutNode(node: Node, ofBranch: (value: Value) => Value, ofSoftmax: (value: Value) => Value): Node {
  switch (node.op) {
    case "residual":
      return { ...node, operands: { ...node.operands, branches: node.operands.branches.map(ofBranch) } };
    case "attend": {
      const { q, k, bias } = node.operands;
      return {
        ...node,
        operands: { ...node.operands, q: ofSoftmax(q), k: ofSoftmax(k), bias: bias && ofSoftmax(bias) },
      };
    }
    case "softmax":
      return { ...node, operands: { ...node.operands, x: ofSoftmax(node.operands.x) } };
    default:
      return node;
  }
}
