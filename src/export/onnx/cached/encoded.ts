import type { Graph, Input, Node, State, Value } from "../../../ir/graph.ts";
import { dominatorsOf, waysThrough } from "../../../ir/dominators.ts";
import { liveNodes } from "../../../ir/keep-outputs.ts";
import { Refused } from "../../table.ts";
import type { DerivedText } from "./derived.ts";

/** What a decoder reads of another text, and the encoder before it. */
export interface Encoded {
  /** Makes `memory` of the source, and of what hides its padding. */
  readonly encoder: Graph;
  readonly source: Input;
  readonly mask: Input | undefined;
  /** The last value that all that is read of the source goes through, [B, S, D]. */
  readonly memory: Value;
  /** Which axis of `memory` the source's positions are along. */
  readonly axis: number;
  /** What the decoder reads, by the states that it has in the part that reads a text. */
  readonly states: ReadonlyMap<State, ContextValue>;
  /** The nodes that make it of `memory` and the mask. */
  readonly nodes: readonly Node[];
}

export interface ContextValue {
  readonly value: Value;
  /** Which axis is along the source's positions, of what is made of `memory` and of parameters alone. */
  readonly axis: number | undefined;
}

/** Throws Refused where a model has no encoder, or a decoder reads more than one. */
export function encodedText({ parts, graph }: DerivedText, text: Input): Encoded {
  const encode = parts.graphs["encode"];
  const source = encode?.inputs.find(({ name }) => name === text.name);
  if (encode === undefined || source === undefined)
    throw new Refused("cache", `nothing that is written depends on \`${text.name}\` alone`);
  const mask = maskOf(encode, source);
  for (const input of encode.inputs)
    if (input !== source && input !== mask && input.fill === undefined)
      throw new Refused("cache", `\`${input.name}\` is read beside \`${source.name}\``);
  const made = new Map(encode.states.map(({ name, next }) => [name, next]));
  const memory = memoryOf(encode, source, [...made.values()]);
  const positions = source.value.type.shape[1]!.key;
  const nodes = encode.nodes.filter(({ results }) => !results.includes(memory));
  const axis = axisOf(memory, positions);
  if (axis === undefined)
    throw new Refused("cache", `of \`${source.name}\` the decoder reads one value for the whole text`);
  const states = new Map<State, ContextValue>();
  for (const state of graph.states) {
    const value = made.get(state.name);
    if (value === undefined) continue;
    const isAlone = readsAlone(encode, nodes, value, memory);
    states.set(state, { value, axis: isAlone ? axisOf(value, positions) : undefined });
  }
  return { encoder: encoderOf(encode, memory), source, mask, memory, axis, states, nodes };
}

/** What says which positions of the source are no padding: all, if nothing else is said. */
const maskOf = ({ inputs }: Graph, source: Input): Input | undefined =>
  inputs.find(({ value: { type }, fill }) => {
    const isBeside =
      type.shape.length === 2 && type.shape.every(({ key }, at) => key === source.value.type.shape[at]!.key);
    return type.dtype === "bool" && fill === 1 && isBeside;
  });

/** Its own value, where nothing is between the source and what is read of it. */
function memoryOf(encode: Graph, source: Input, ends: readonly Value[]): Value {
  const before = dominatorsOf(source.value, encode.nodes);
  const ways = ends.filter((value) => before.has(value)).map((value) => waysThrough(value, before));
  const memory = ways[0]?.findLast((value) => ways.every((way) => way.includes(value)));
  if (memory === undefined || memory === source.value)
    throw new Refused("cache", `\`${source.name}\` is read by no encoder of its own`);
  return memory;
}

/** The one axis along which positions are. */
function axisOf({ type }: Value, positions: string): number | undefined {
  const axes = [...type.shape.keys()].filter((axis) => type.shape[axis]!.key === positions);
  return axes.length === 1 ? axes[0] : undefined;
}

/** Whether a value is made of another, and of no input beside it. */
function readsAlone(encode: Graph, nodes: readonly Node[], value: Value, memory: Value): boolean {
  const reads = new Set([value]);
  liveNodes(nodes, reads);
  return reads.has(memory) && !encode.inputs.some((input) => reads.has(input.value));
}

function encoderOf(encode: Graph, memory: Value): Graph {
  const reads = new Set([memory]);
  const nodes = liveNodes(encode.nodes, reads);
  const inputs = encode.inputs.filter(({ value }) => reads.has(value));
  return {
    ...encode,
    nodes,
    inputs,
    states: [],
    outputs: [{ name: "memory", value: memory, span: undefined }],
  };
}
