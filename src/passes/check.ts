import type { Graph, Node, Value } from "../ir/graph.ts";
import { randomBeginnings, randomInputs, randomParameters } from "../ir/initialize.ts";
import { interpretRun } from "../ir/interpret.ts";
import { portableTarget, type Target } from "../kernels/target.ts";
import type { HostTensor } from "../tensor/host.ts";
import { firstDifference, ROUNDING, type Difference } from "./compare.ts";
import { harden, inputKinds, type Arguments, type InputKind } from "./hard-inputs.ts";
import { noPacking } from "./packing.ts";
import type { Pass } from "./pass.ts";
import { selectPasses } from "./pipeline.ts";

export interface CheckOptions {
  /** The passes to check, in order; without them those of the pipeline. */
  readonly passes?: readonly Pass[];
  readonly fuse?: boolean;
  /** Whose kernels the graph is made for; see `PassOptions`. */
  readonly target?: Target;
  /** Seeds of parameters and inputs; one run of all kinds of inputs each. */
  readonly seeds?: readonly number[];
  /** The run-time dims; those left off are small and differ from each other. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** What counts as rounding; see `ROUNDING`. */
  readonly rounding?: number;
}

/** The first pass that changes what a graph computes, and where. */
export interface PassDifference extends Difference {
  readonly pass: string;
  readonly kind: InputKind;
  readonly seed: number;
  /** The value that differs: an output, or a value that the graph had before the pass too. */
  readonly value: string;
  /** The node that makes it after the pass; undefined for an output that no node makes. */
  readonly node: Node | undefined;
}

/**
 * Interprets a graph before and after every pass, on random and on adversarial inputs, and returns the first difference
 * that is more than rounding. Values that keep their identity are compared one by one, so the first node that is wrong
 * has the blame, not the outputs that follow from it.
 */
export function checkPasses(graph: Graph, options: CheckOptions = {}): PassDifference | undefined {
  const stages = runStages(graph, selectPasses(options), options.target ?? portableTarget);
  for (const seed of options.seeds ?? [1])
    for (const kind of inputKinds) {
      const given = harden(graph, randomArguments(graph, options.sizes, seed), kind, seed);
      let before = record(graph, given);
      for (const { pass, after } of stages) {
        const values = record(after, given);
        const difference = compare(after, before, values, options.rounding ?? ROUNDING);
        if (difference !== undefined) return { pass: pass.name, kind, seed, ...difference };
        before = values;
      }
    }
  return undefined;
}

/** A difference as one sentence. */
export function showDifference(difference: PassDifference): string {
  const { pass, kind, seed, value, node, index, expected, found } = difference;
  const label = node?.origin.label ?? "";
  const by = node === undefined ? "" : `, made by ${node.op}${label === "" ? "" : ` of ${label}`},`;
  const what =
    index < 0
      ? `has ${found} elements instead of ${expected}`
      : `has ${found} instead of ${expected} at element ${index}`;
  return `after the pass ${pass}, ${value}${by} ${what} (${kind} inputs, seed ${seed})`;
}

interface PassResult {
  readonly pass: Pass;
  readonly after: Graph;
}

/** The graph after each pass that changed it. */
function runStages(graph: Graph, passes: readonly Pass[], target: Target): readonly PassResult[] {
  let current = graph;
  return passes.flatMap((pass) => {
    const after = pass.run(current, { report: () => undefined, target, packing: noPacking });
    if (after === current) return [];
    current = after;
    return [{ pass, after }];
  });
}

/** Run-time dims that are small and differ from each other, but for those that are given. */
export const checkSizes = (graph: Graph, sizes: Readonly<Record<string, number>> = {}): Map<string, number> =>
  new Map(
    graph.symbols.map(({ name, max = Infinity }, index) => [name, sizes[name] ?? Math.min(max, index + 2)]),
  );

function randomArguments(
  graph: Graph,
  sizes: Readonly<Record<string, number>> | undefined,
  seed: number,
): Arguments {
  const symbols = checkSizes(graph, sizes);
  const given = graph.symbols.filter((symbol) => symbol.given === true);
  return {
    inputs: randomInputs(graph, symbols, seed),
    parameters: randomParameters(graph, seed),
    states: randomBeginnings(graph.states, seed, symbols),
    dims: Object.fromEntries(given.map(({ name }) => [name, symbols.get(name)!])),
  };
}

interface Recording {
  readonly values: ReadonlyMap<Value, HostTensor>;
  readonly outputs: Readonly<Record<string, HostTensor>>;
  /** As the run leaves them. */
  readonly states: Readonly<Record<string, HostTensor>>;
}

function record(graph: Graph, given: Arguments): Recording {
  const values = new Map<Value, HostTensor>();
  const observe = (node: Node, results: readonly HostTensor[]): void =>
    node.results.forEach((value, index) => values.set(value, results[index]!));
  return { ...interpretRun(graph, given, { observe }), values };
}

type Place = Difference & Pick<PassDifference, "value" | "node">;

function compare(after: Graph, before: Recording, now: Recording, rounding: number): Place | undefined {
  for (const node of after.nodes)
    for (const value of node.results) {
      const expected = before.values.get(value);
      const difference = expected && firstDifference(expected, now.values.get(value)!, rounding);
      if (difference !== undefined) return { ...difference, value: `%${value.hint ?? "?"}`, node };
    }
  const differs = (value: Value, name: string, was: HostTensor, is: HostTensor): Place | undefined => {
    const difference = firstDifference(was, is, rounding);
    const node = after.nodes.find((candidate) => candidate.results.includes(value));
    return difference && { ...difference, value: name, node };
  };
  for (const { name, value } of after.outputs) {
    const place = differs(value, `the output ${name}`, before.outputs[name]!, now.outputs[name]!);
    if (place !== undefined) return place;
  }
  for (const { name, next } of after.states) {
    const place = differs(next, `the state ${name}`, before.states[name]!, now.states[name]!);
    if (place !== undefined) return place;
  }
  return undefined;
}
