import type { Graph, Input } from "../ir/graph.ts";
import { makeValue } from "../ir/node.ts";
import { replaceValues } from "../ir/walk.ts";
import { keepOutputs } from "../ir/keep-outputs.ts";
import { runPasses, type PassOptions } from "../passes/pipeline.ts";
import { dim, symbolDim } from "../tensor/dim.ts";
import type { HostTensor } from "../tensor/host.ts";
import { Emitter } from "./emitter.ts";
import { passesAfter, passesBefore } from "./program.ts";
import { beginAnywhere } from "./ragged/begin-anywhere.ts";
import { Refusal } from "./refusal.ts";

/** The input that a causal model has none of, as encoders call it. */
export const MASK = "attention_mask";

export interface MaskedGraph {
  /** After the passes that fuse nothing: what the interpreter runs. */
  readonly graph: Graph;
  /** After all passes: what a plan is made of. */
  readonly optimized: Graph;
}

/**
 * The graph of a causal model that takes `attention_mask` bool[B, T] as encoders do: text b begins at the first true of row b,
 * behind padding, and its positions are counted from there, as `generate` of transformers has them. What is made of padding
 * means nothing, and what stands behind a text changes nothing of it. Or why it cannot be.
 */
export function maskedGraph(
  graph: Graph,
  { symbol = "T", output, ...options }: PassOptions & { readonly symbol?: string; readonly output: string },
): MaskedGraph | Refusal {
  try {
    const plain = runPasses(keepOutputs(graph, new Set([output])).graph, {
      ...options,
      passes: passesBefore,
    });
    const begun = beginAnywhere(plain, symbol);
    const masked = withMask(begun.graph, begun.begins, symbol);
    return { graph: masked, optimized: runPasses(masked, passesAfter(options)) };
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** The graph with a mask in the place of the input that says where texts begin. */
function withMask(graph: Graph, begins: string, symbol: string): Graph {
  const input = graph.inputs.find(({ name }) => name === begins)!;
  const length = symbolDim(symbol);
  const value = makeValue({ dtype: "bool", shape: [input.value.type.shape[0]!, length] }, MASK);
  const made = new Emitter();
  const at = made.emit(
    "reshape",
    { x: made.emit("iota", {}, { size: length }) },
    { shape: [dim(1), length] },
  );
  const places = made.emit("where", { condition: value, x: at, y: made.number(NOWHERE, "i32") }, {});
  const first = made.emit("reduce_min", { x: places }, { axes: [1] });
  const mask: Input = { name: MASK, value, fill: 1, span: undefined };
  const inputs = graph.inputs.map((each) => (each === input ? mask : each));
  const masked = { ...graph, inputs, nodes: [...made.nodes, ...graph.nodes] };
  return replaceValues(masked, new Map([[input.value, first]]));
}

/** Where a text begins that a mask has none of: behind all positions that there can be. */
const NOWHERE = 2 ** 30;

/** The first row of a mask [B, T] whose text has padding within it; undefined if each is whole. */
export function brokenRow({ data, shape }: HostTensor): number | undefined {
  const [rows, length] = shape as readonly [number, number];
  for (let row = 0; row < rows; row++) {
    const own = Array.from(data.subarray(row * length, (row + 1) * length));
    const [first, last] = [own.indexOf(1), own.lastIndexOf(1)];
    if (first >= 0 && own.slice(first, last).includes(0)) return row;
  }
  return undefined;
}
