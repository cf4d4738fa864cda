import { differentiate } from "../autodiff/differentiate.ts";
import { trainingForward } from "../autodiff/train/forward.ts";
import { hiddenMatrices } from "../autodiff/train/muon.ts";
import type { Optimizer } from "../autodiff/train/optimizer.ts";
import { rolesOf } from "../autodiff/train/roles.ts";
import { slotNames } from "../autodiff/train/update.ts";
import type { Symbols } from "../ir/bind.ts";
import type { Node, Output, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { lowerEdges } from "../passes/lower-edges.ts";
import { evaluateDim } from "../tensor/dim.ts";
import { isFloat } from "../tensor/dtype.ts";
import { elementsOf } from "../tensor/type.ts";
import type { Layout } from "./layout.ts";

/** Bytes on the device that has most, in a training step. */
export interface DeviceMemory {
  /** Of float32: what FSDP leaves of what tensor parallelism leaves. */
  readonly parameters: number;
  readonly gradients: number;
  /** What the optimizer keeps. */
  readonly moments: number;
  /** Weights that are whole for a moment: those that are gathered with the model, and two iterations, of which one comes next. */
  readonly gathered: number;
  /** What the backward reads of the forward. */
  readonly activations: number;
  /** The same where iterations are made again: what enters and leaves them, and the inside of the largest. */
  readonly recomputed: number;
}

/** `width`: bytes of an element of activations and gathered weights. `sizes`: of the rows that one device has. */
export function deviceMemory(
  layout: Layout,
  optimizer: Optimizer,
  sizes: Symbols,
  width: 2 | 4,
): DeviceMemory {
  const { graph, data } = layout;
  const trained = graph.parameters.filter(({ trainable }) => trainable);
  const held = (count: number): number => 4 * Math.ceil(count / data);
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const lowered = lowerEdges.run(graph);
  const matrices =
    optimizer.name === "muon"
      ? hiddenMatrices(lowered, trained, rolesOf(lowered, trained))
      : new Set<Value>();
  const blocks = new Map<string, number>();
  for (const parameter of graph.parameters) {
    const block = layout.blockOf(parameter);
    blocks.set(block, (blocks.get(block) ?? 0) + layout.elements(parameter));
  }
  const largest = [...blocks].reduce(
    (most, [block, count]) => (block === "" ? most : Math.max(most, count)),
    0,
  );
  return {
    parameters: sum(graph.parameters.map((each) => held(layout.elements(each)))),
    gradients: sum(trained.map((each) => held(layout.elements(each)))),
    moments: sum(
      trained.map(
        (each) => slotNames(optimizer, matrices.has(each.value)).length * held(layout.elements(each)),
      ),
    ),
    gathered: data === 1 && width === 4 ? 0 : width * ((blocks.get("") ?? 0) + 2 * largest),
    ...activations(layout, sizes, width),
  };
}

/** By the rules of gradients: forward values that they read, each once, and those that enter iterations. */
function activations(
  layout: Layout,
  sizes: Symbols,
  width: number,
): Pick<DeviceMemory, "activations" | "recomputed"> {
  const forward = trainingForward(layout.graph).graph;
  const trained = forward.parameters.flatMap(({ trainable, value }) => (trainable ? [value] : []));
  const loss = forward.outputs.find(({ name }) => name === "loss") as Output;
  const derived = differentiate(forward, [loss.value], trained).graph.nodes;
  const count = lowerEdges.run(forward).nodes.length;
  const [made, backward] = [derived.slice(0, count), derived.slice(count)];
  const makers = new Map(made.flatMap((node) => node.results.map((value) => [value, node] as const)));
  const exact = new Set(made.flatMap((node) => (node.op === "cross_entropy" ? [node.operands.logits] : [])));
  const bytes = (value: Value, maker: Node): number => {
    const each = exact.has(value)
      ? 4
      : isFloat(value.type.dtype)
        ? width
        : value.type.dtype === "bool"
          ? 1
          : 8;
    return (each * evaluateDim(elementsOf(value.type), sizes)) / layout.sharers(value, maker);
  };
  const stored = (values: readonly Value[]): ReadonlyMap<Value, Node> => {
    const found = new Map<Value, Node>();
    for (const value of values) {
      const base = baseOf(value, makers);
      const maker = makers.get(base);
      if (maker !== undefined) found.set(base, maker);
    }
    return found;
  };
  const kept = stored(backward.flatMap(operandValues));
  // What enters an iteration, and what leaves one and is read by a gradient outside.
  const crossing = stored(
    made.flatMap((node) =>
      operandValues(node).filter((value) => {
        const base = baseOf(value, makers);
        const maker = makers.get(base);
        if (maker === undefined || iterationOf(maker) === iterationOf(node)) return false;
        return iterationOf(node) !== undefined || kept.has(base);
      }),
    ),
  );
  let [all, outside] = [0, 0];
  const inside = new Map<string, number>();
  for (const [value, maker] of kept) {
    const size = bytes(value, maker);
    const own = iterationOf(maker);
    all += size;
    if (crossing.has(value)) continue;
    if (own === undefined) outside += size;
    else inside.set(own, (inside.get(own) ?? 0) + size);
  }
  const passed = [...crossing].reduce((sum, [value, maker]) => sum + bytes(value, maker), 0);
  const largest = [...inside.values()].reduce((most, size) => Math.max(most, size), 0);
  return { activations: all, recomputed: outside + passed + largest };
}

/** What has the elements: a shape or an order of axes is only another view of them. */
function baseOf(value: Value, makers: ReadonlyMap<Value, Node>): Value {
  let base = value;
  for (let node = makers.get(base); node !== undefined; node = makers.get(base)) {
    if (node.op !== "reshape" && node.op !== "permute" && node.op !== "slice" && node.op !== "broadcast")
      break;
    base = node.operands.x;
  }
  return base;
}

function iterationOf({ origin }: Node): string | undefined {
  const [outer] = origin.scope;
  return outer === undefined || outer.library === true ? undefined : `${outer.label}.${outer.index}`;
}
