import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { addDims, constantDim, dim, subtractDims, type Dim } from "../../tensor/dim.ts";
import { alongOf } from "./along.ts";
import type { Axes, FactContext, Positions, Run } from "./fact.ts";
import { operandsWithAxes } from "./operands.ts";
import { reshapedRuns } from "./reshape.ts";

/** How the axes of an input run over positions, by their sizes: T, or T and more at the end of a mask. */
export const inputRuns = ({ type }: Value, positions: Positions): Axes =>
  new Map(
    type.shape.flatMap((size, axis): [number, Run][] =>
      positions.isIn(size) ? [[axis, bySize(size, positions)]] : [],
    ),
  );

/** Rows without a source: as many more than T as there are, stand in front. */
function bySize(size: Dim, positions: Positions): Run {
  const more = moreThan(size, positions);
  return more === undefined ? { kind: "odd" } : { kind: "rows", lead: more, trail: 0 };
}

const moreThan = (size: Dim, { length }: Positions): number | undefined =>
  constantDim(subtractDims(size, length));

/** How the axes of a node's result run over positions: by their sizes, and by what they run along with. */
export function runsOf(node: Node, result: Value, context: FactContext): Axes {
  const { positions, factOf } = context;
  const reshaped =
    node.op === "reshape"
      ? reshapedRuns(node.operands.x.type.shape, factOf(node.operands.x).axes, result.type.shape)
      : undefined;
  const runs = new Map<number, Run>();
  for (const [axis, size] of result.type.shape.entries())
    if (positions.isIn(size))
      runs.set(
        axis,
        reshaped === undefined ? runOf(node, axis, size, context) : (reshaped.get(axis) ?? { kind: "odd" }),
      );
  return runs;
}

function runOf(node: Node, axis: number, size: Dim, context: FactContext): Run {
  const total = moreThan(size, context.positions);
  if (total === undefined) return mergedRun(node, axis, size, context);
  const lead = leadOf(node, axis, total, context);
  return lead === undefined ? { kind: "odd" } : { kind: "rows", lead, trail: total - lead };
}

/** T and other axes in one stay so through ops that run along them. */
function mergedRun(node: Node, axis: number, size: Dim, context: FactContext): Run {
  for (const operand of operandsWithAxes(node, context.factOf)) {
    const at = alongOf(node, axis, operand);
    const run = at === undefined ? undefined : operand.axes.get(at);
    if (run?.kind === "merged" && operand.value.type.shape[at!]!.key === size.key) return run;
  }
  return { kind: "odd" };
}

/** The lead of an axis of T + total rows; undefined if it cannot be told. */
function leadOf(node: Node, axis: number, total: number, context: FactContext): number | undefined {
  const runOf = (value: Value): Run | undefined => context.factOf(value).axes.get(axis);
  if (node.op === "slice" && node.attrs.axis === axis)
    return leadOfSlice(node, total, runOf(node.operands.x));
  if (node.op === "concat" && node.attrs.axis === axis) return leadOfConcat(node, runOf);
  if (node.op === "conv2d" && axis >= 2) return leadOfConvolution(node, axis, runOf(node.operands.x));
  const leads = operandsWithAxes(node, context.factOf).flatMap((operand) => {
    const at = alongOf(node, axis, operand);
    const run = at === undefined ? undefined : operand.axes.get(at);
    return run?.kind === "rows" && context.factOf(operand.value).known === undefined ? [run.lead] : [];
  });
  return leads.length === 0 ? total : leads.reduce((least, lead) => Math.min(least, lead));
}

/** Rows that are cut off in front are no longer waited for. Of a tensor without positions it is the first T rows. */
function leadOfSlice({ attrs }: NodeOf<"slice">, total: number, source: Run | undefined): number | undefined {
  const start = constantDim(attrs.start);
  if (source === undefined) return start === undefined ? undefined : total;
  return source.kind === "rows" && start !== undefined ? Math.min(source.lead - start, total) : undefined;
}

/** Rows in front of a text make each of its rows wait for as many positions less. */
function leadOfConcat(
  { operands: { values }, attrs: { axis } }: NodeOf<"concat">,
  runOf: (value: Value) => Run | undefined,
): number | undefined {
  const at = values.findIndex((value) => runOf(value) !== undefined);
  const source = at < 0 ? undefined : runOf(values[at]!);
  const inFront = values.slice(0, at).reduce((sum, { type }) => addDims(sum, type.shape[axis]!), dim(0));
  const before = constantDim(inFront);
  const isAlone = values.slice(at + 1).every((value) => runOf(value) === undefined);
  return source?.kind === "rows" && before !== undefined && isAlone ? source.lead + before : undefined;
}

/** A kernel of k rows whose first stands p before the first row reads k - 1 - p rows ahead. */
function leadOfConvolution(
  { operands: { weight }, attrs }: NodeOf<"conv2d">,
  axis: number,
  source: Run | undefined,
): number | undefined {
  const kernel = constantDim(weight.type.shape[axis]!);
  if (source?.kind !== "rows" || kernel === undefined || attrs.stride[axis - 2] !== 1) return undefined;
  return source.lead + attrs.padding[axis - 2]! - kernel + 1;
}
