import type { Graph, Node } from "../ir/graph.ts";
import { placeOf } from "../ir/sizes.ts";
import { attributeSizes } from "../ir/verify.ts";
import { oneValue } from "../ops/infer/training.ts";
import { addDims, dim, leastSize, productOfDims, showDim, subtractDims, type Dim } from "../tensor/dim.ts";
import { showShape } from "../tensor/type.ts";

/** A size that depends on the inputs of a run and must be large enough. */
export interface SizeNeed {
  readonly size: Dim;
  readonly least: number;
  /** What is wrong if it is not, with the line of the model. */
  readonly message: string;
}

/**
 * What the nodes of a graph ask of the run-time dims beyond their bounds: what shape rules left open. A kernel would read past a
 * row and know nothing of it, and a slice is not even a step.
 */
export function sizeNeeds({ nodes, symbols }: Pick<Graph, "nodes" | "symbols">): readonly SizeNeed[] {
  const declared = new Map(symbols.map((symbol) => [symbol.name, symbol]));
  // No input is empty; what the caller says may be 0.
  const lowest = (symbol: string): number => (declared.get(symbol)?.given === true ? 0 : 1);
  const highest = (symbol: string): number => declared.get(symbol)?.max ?? Infinity;
  const needs = new Map<string, SizeNeed>();
  for (const node of nodes)
    for (const { size, least, what } of needsOf(node)) {
      if (leastSize(size, lowest, highest) >= least) continue;
      const { key } = subtractDims(size, dim(least));
      if (!needs.has(key)) needs.set(key, { size, least, message: `${placeOf(node)}: ${what()}` });
    }
  return [...needs.values()];
}

/** What one node asks for; the words are made for what is kept. */
interface NodeNeed extends Pick<SizeNeed, "size" | "least"> {
  readonly what: () => string;
}

function needsOf(node: Node): readonly NodeNeed[] {
  const sizes = [...attributeSizes(node), ...node.results.flatMap(({ type }) => type.shape)];
  return [
    ...ownNeeds(node),
    ...sizes.map((size) => ({ size, least: 0, what: () => `the size ${showDim(size)} is below 0` })),
  ];
}

function ownNeeds(node: Node): readonly NodeNeed[] {
  switch (node.op) {
    case "batch_statistics": {
      const { shape } = node.operands.x.type;
      const size = productOfDims(shape.filter((_, axis) => axis !== node.attrs.axis));
      return [{ size, least: 2, what: () => oneValue }];
    }
    case "write": {
      const { part, x } = node.operands;
      const { axis, start } = node.attrs;
      return [within(part.type.shape[axis]!, start, x.type.shape[axis]!, "that the state has")];
    }
    case "slice": {
      const { axis, start, size } = node.attrs;
      return [within(size, start, node.operands.x.type.shape[axis]!, `of axis ${axis}`)];
    }
    case "topk": {
      const size = node.operands.x.type.shape.at(-1)!;
      const { k } = node.attrs;
      return [{ size, least: k, what: () => `cannot take ${k} of ${showDim(size)} elements` }];
    }
    case "conv2d":
    case "max_pool2d": {
      const { shape } = node.operands.x.type;
      const what = (): string => `${showShape(shape)} is smaller than the kernel`;
      return node.results[0]!.type.shape.slice(2).map((size) => ({ size, least: 1, what }));
    }
    default:
      return [];
  }
}

/** That what begins at a place ends where there is room. */
const within = (size: Dim, start: Dim, room: Dim, whose: string): NodeNeed => ({
  size: subtractDims(room, addDims(start, size)),
  least: 0,
  what: () => `${showDim(size)} from ${showDim(start)} reaches past the ${showDim(room)} ${whose}`,
});
