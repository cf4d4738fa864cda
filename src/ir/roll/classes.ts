import { groupBy } from "../../support/lists.ts";
import { recordOf } from "../../ops/table.ts";
import { showType } from "../../tensor/type.ts";
import type { Node, Value } from "../graph.ts";
import { namedOperands } from "../node.ts";
import { showAttribute } from "../text/attributes.ts";
import type { Variation } from "./rolled.ts";

/** One iteration as it was lowered. */
export interface Iterated {
  readonly index: number;
  /** Before the names of its own parameters; empty if it has the names of its surroundings. */
  readonly prefix: string;
  readonly nodes: readonly Node[];
}

/** What may differ between iterations of a class. */
export type IsVariable = (node: Node, attribute: string) => boolean;

/** Iterations of one body. */
export interface Alike {
  /** Their places among all iterations. */
  readonly members: readonly number[];
  /** The one whose values the body is written with: all of its inputs are different. */
  readonly template: number;
  /** One an input of the body: its value in each member. */
  readonly inputs: readonly (readonly Value[])[];
  readonly variations: readonly Variation[];
}

/** What an iteration computes, its own parameters by their names in it and everything else that it reads by its place. */
interface Description {
  readonly key: string;
  /** What it reads from outside, as often as it reads it. */
  readonly read: readonly Value[];
}

/** The classes of some iterations, by their first; undefined if one reads two inputs that no iteration tells apart. */
export function classesOf(
  iterations: readonly Iterated[],
  nameOf: (parameter: Value) => string | undefined,
  isVariable: IsVariable,
): readonly Alike[] | undefined {
  const described = iterations.map((iteration) => describe(iteration, nameOf, isVariable));
  const groups = groupBy(
    iterations.map((_, at) => at),
    (at) => described[at]!.key,
  );
  const found = [...groups.values()].map((members): Alike | undefined => {
    const inputs = inputsOf(members.map((member) => described[member]!.read));
    const most = members.findIndex(
      (_, at) => new Set(inputs.map((values) => values[at])).size === inputs.length,
    );
    if (most < 0) return undefined;
    const variations = variationsOf(
      members.map((member) => iterations[member]!.nodes),
      most,
      isVariable,
    );
    return { members, template: members[most]!, inputs, variations };
  });
  return found.every((each) => each !== undefined) ? found : undefined;
}

/** What is read at several places is one input if it is one value in every member. */
function inputsOf(reads: readonly (readonly Value[])[]): readonly (readonly Value[])[] {
  const numbers = new Map<Value, number>();
  const numberOf = (value: Value): number => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    numbers.set(value, numbers.size);
    return numbers.size - 1;
  };
  const inputs = new Map<string, readonly Value[]>();
  for (const place of (reads[0] ?? []).keys()) {
    const values = reads.map((read) => read[place]!);
    const key = values.map(numberOf).join();
    if (!inputs.has(key)) inputs.set(key, values);
  }
  return [...inputs.values()];
}

function describe(
  { nodes, prefix }: Iterated,
  nameOf: (parameter: Value) => string | undefined,
  isVariable: IsVariable,
): Description {
  const made = new Map<Value, string>();
  for (const [index, { results }] of nodes.entries())
    for (const [result, value] of results.entries()) made.set(value, `${index}.${result}`);
  const read: Value[] = [];
  const show = (value: Value): string => {
    const inside = made.get(value);
    if (inside !== undefined) return inside;
    const own = ownName(nameOf(value), prefix);
    if (own === undefined) read.push(value);
    return `${own ?? "in"}: ${showType(value.type)}`;
  };
  return { key: nodes.map((node) => describeNode(node, show, isVariable)).join("\n"), read };
}

/** The name of a parameter in an iteration; undefined if it belongs to the surroundings and is handed in. */
export const ownName = (name: string | undefined, prefix: string): string | undefined =>
  name?.startsWith(prefix) === true ? name.slice(prefix.length) : undefined;

function describeNode(node: Node, show: (value: Value) => string, isVariable: IsVariable): string {
  const record = recordOf(node.op);
  const operands = namedOperands(node);
  const read = Object.keys(record.operands).map((name) => {
    const operand = operands[name];
    if (operand === undefined) return "-";
    return Array.isArray(operand)
      ? `[${(operand as readonly Value[]).map(show).join()}]`
      : show(operand as Value);
  });
  const attributes = attributesOf(node).map(({ name, text }) => (isVariable(node, name) ? "*" : text));
  return [node.op, ...read, ...attributes, ...node.results.map(({ type }) => showType(type))].join(" ");
}

/** Which edge a join is tells where it stands, not what it computes. */
const attributesOf = (node: Node): readonly { readonly name: string; readonly text: string }[] =>
  Object.entries(recordOf(node.op).attrs).map(([name, { kind }]) => {
    const value = (node.attrs as Readonly<Record<string, unknown>>)[name];
    const isPlace = node.op === "residual" && name === "edge";
    return { name, text: value === undefined || isPlace ? "-" : showAttribute(kind, value) };
  });

function variationsOf(
  members: readonly (readonly Node[])[],
  template: number,
  isVariable: IsVariable,
): readonly Variation[] {
  return members[template]!.flatMap((node, at) =>
    attributesOf(node).flatMap(({ name }, place): readonly Variation[] => {
      if (!isVariable(node, name)) return [];
      const texts = new Set(members.map((nodes) => attributesOf(nodes[at]!)[place]!.text));
      if (texts.size === 1) return [];
      const values = members.map((nodes) => (nodes[at]!.attrs as Readonly<Record<string, unknown>>)[name]);
      return [{ node, attribute: name, values }];
    }),
  );
}
