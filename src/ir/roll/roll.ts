import { append } from "../../support/lists.ts";
import type { Graph, Iteration, Node, Origin, Value } from "../graph.ts";
import { operandValues } from "../node.ts";
import { findIteration } from "../outline.ts";
import { resultValues } from "../walk.ts";
import { chainOf, type Readers } from "./chain.ts";
import { classesOf, type Alike, type IsVariable, type Iterated } from "./classes.ts";
import type { Loop, LoopClass, LoopIteration, Rolled, RolledPart } from "./rolled.ts";

export interface RollOptions {
  /** Attributes that may be other numbers in other iterations of a body. Default: none. */
  readonly isVariable?: IsVariable;
}

/**
 * The loops of a graph as it was lowered, where every iteration stands by itself: from the scopes of its nodes, repeats of
 * the user's text, those in other ones too. What stands in a repeat of the library stays as it is. Linear in the nodes, once
 * for each level.
 */
export function rollGraph(graph: Graph, { isVariable = () => false }: RollOptions = {}): Rolled {
  const names = new Map(graph.parameters.map(({ value, name }) => [value, name]));
  const roller = new Roller((value) => names.get(value), isVariable);
  return { parts: roller.roll(graph.nodes, resultValues(graph), 0) };
}

/** A run of nodes of one repeat, or of none. */
interface Run {
  readonly key: string;
  readonly nodes: Node[];
  /** Where in the scopes the repeat stands; undefined for nodes of none. */
  readonly level: number | undefined;
}

class Roller {
  readonly #nameOf: (parameter: Value) => string | undefined;
  readonly #isVariable: IsVariable;

  constructor(nameOf: (parameter: Value) => string | undefined, isVariable: IsVariable) {
    this.#nameOf = nameOf;
    this.#isVariable = isVariable;
  }

  /** The nodes, with the repeats from a level of their scopes on as loops; `escaping` is read by others than they. */
  roll(nodes: readonly Node[], escaping: ReadonlySet<Value>, level: number): readonly RolledPart[] {
    const parts: RolledPart[] = [];
    const readers = new Map<Value, Node[]>();
    for (const node of nodes)
      for (const value of operandValues(node)) {
        const found = readers.get(value);
        if (found === undefined) readers.set(value, [node]);
        else found.push(node);
      }
    for (const run of runsOf(nodes, level)) {
      const loop = run.level === undefined ? undefined : this.#loop(run, run.level, readers, escaping);
      if (loop === undefined) append(parts, run.nodes);
      else parts.push(loop);
    }
    return parts;
  }

  #loop(
    { nodes }: Run,
    level: number,
    readers: ReadonlyMap<Value, readonly Node[]>,
    escaping: ReadonlySet<Value>,
  ): Loop | undefined {
    const iterations = iterationsOf(nodes, level);
    const label = labelOf(iterations);
    if (label === undefined) return undefined;
    const alike = classesOf(iterations, this.#nameOf, this.#isVariable);
    if (alike === undefined) return undefined;
    const known = readersBy(iterations, readers, escaping);
    const classes = alike.map((each) => this.#class(each, iterations, known, level));
    const ran = iterations.map((iteration, at) => iterationOf(iteration, at, alike, classes));
    const { checkpoint = false } = nodes[0]!.origin.scope[level]!;
    const shared = iterations.every(({ prefix }) => prefix === "");
    return {
      label,
      shared,
      checkpoint,
      classes: classes.map(({ made }) => made),
      iterations: ran,
      chain: chainOf(
        classes.map(({ made }) => made),
        ran,
        known,
      ),
    };
  }

  #class(alike: Alike, iterations: readonly Iterated[], known: Readers, level: number): PlacedClass {
    const { nodes, prefix } = iterations[alike.template]!;
    const isRead = (value: Value): boolean => known.isReadOutside(value) || known.of(value).length > 0;
    const places = placesOf(nodes).filter(([node, result]) =>
      alike.members.some((member) => isRead(iterations[member]!.nodes[node]!.results[result]!)),
    );
    const outputs = places.map(([node, result]) => nodes[node]!.results[result]!);
    const at = alike.members.indexOf(alike.template);
    const isUniform = alike.variations.length === 0;
    const made: LoopClass = {
      parts: isUniform ? this.roll(nodes, new Set(outputs), level + 1) : nodes,
      nodes,
      prefix,
      inputs: alike.inputs.map((values) => values[at]!),
      outputs,
      variations: alike.variations,
    };
    return { made, places };
  }
}

function readersBy(
  iterations: readonly Iterated[],
  readers: ReadonlyMap<Value, readonly Node[]>,
  escaping: ReadonlySet<Value>,
): Readers {
  const owners = new Map(iterations.flatMap(({ nodes }, at) => nodes.map((node) => [node, at] as const)));
  const makers = new Map(
    iterations.flatMap(({ nodes }, at) =>
      nodes.flatMap(({ results }) => results.map((value) => [value, at] as const)),
    ),
  );
  return {
    of: (value) => {
      const found = new Set((readers.get(value) ?? []).flatMap((node) => owners.get(node) ?? []));
      found.delete(makers.get(value)!);
      return [...found];
    },
    isReadOutside: (value) =>
      escaping.has(value) || (readers.get(value) ?? []).some((node) => !owners.has(node)),
  };
}

type Place = readonly [node: number, result: number];

/** A class, and where in an iteration its outputs are made. */
interface PlacedClass {
  readonly made: LoopClass;
  readonly places: readonly Place[];
}

const placesOf = (nodes: readonly Node[]): readonly Place[] =>
  nodes.flatMap(({ results }, node) => results.map((_, result): Place => [node, result]));

function iterationOf(
  { index, prefix, nodes }: Iterated,
  at: number,
  alike: readonly Alike[],
  classes: readonly PlacedClass[],
): LoopIteration {
  const number = alike.findIndex(({ members }) => members.includes(at));
  const { members, inputs } = alike[number]!;
  const member = members.indexOf(at);
  return {
    index,
    class: number,
    prefix,
    inputs: inputs.map((values) => values[member]!),
    outputs: classes[number]!.places.map(([node, result]) => nodes[node]!.results[result]!),
  };
}

/** The first repeat of the user's text from a level on. */
function levelOf({ scope }: Origin, from: number): number | undefined {
  const found = scope.findIndex(({ library }, at) => at >= from && library !== true);
  return found < 0 ? undefined : found;
}

function runsOf(nodes: readonly Node[], from: number): readonly Run[] {
  const runs: Run[] = [];
  let last = -1;
  for (const node of nodes) {
    const level = levelOf(node.origin, from);
    const { scope } = node.origin;
    const around = scope.slice(0, level).map(({ label, index }) => `${label}.${index}`);
    const key = level === undefined ? "" : [...around, scope[level]!.label].join(" ");
    const index = level === undefined ? -1 : scope[level]!.index;
    const run = runs.at(-1);
    // A number below the last one begins another repeat of the same label.
    if (run?.key === key && index >= last) run.nodes.push(node);
    else runs.push({ key, nodes: [node], level });
    last = index;
  }
  return runs;
}

function iterationsOf(nodes: readonly Node[], level: number): readonly Iterated[] {
  const iterations: { index: number; nodes: Node[] }[] = [];
  for (const node of nodes) {
    const { index } = node.origin.scope[level]!;
    const last = iterations.at(-1);
    if (last?.index === index) last.nodes.push(node);
    else iterations.push({ index, nodes: [node] });
  }
  return iterations.map((iteration) => ({ ...iteration, prefix: prefixOf(iteration.nodes, level) }));
}

/** `model.layers.3.`, as the labels of its nodes begin; empty where none has the number. */
function prefixOf(nodes: readonly Node[], level: number): string {
  for (const { origin } of nodes) {
    const parts = origin.label.split(".");
    let end = 0;
    const ends = origin.scope.slice(0, level + 1).map((iteration: Iteration) => {
      const found = findIteration(parts.slice(end), iteration);
      if (found !== undefined) end += found.end;
      return found === undefined ? undefined : end;
    });
    const own = ends[level];
    if (own !== undefined) return `${parts.slice(0, own).join(".")}.`;
  }
  return "";
}

/** What all prefixes have before their number; undefined if they differ. */
function labelOf(iterations: readonly Iterated[]): string | undefined {
  const labels = new Set(
    iterations.map(({ prefix }) => (prefix === "" ? "" : prefix.split(".").slice(0, -2).join("."))),
  );
  const [label, ...others] = labels;
  return others.length > 0 ? undefined : label;
}
