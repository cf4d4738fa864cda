import type { Node as Tree } from "ohm-js";
import type { OpRecord } from "../../ops/define.ts";
import { Mismatch } from "../../ops/define.ts";
import { isOpName, opNames, recordOf, type OpName } from "../../ops/table.ts";
import { listWords, nearest, plural } from "../../support/text.ts";
import { sameType, showType, type TensorType } from "../../tensor/type.ts";
import { phases, type EdgePart, type EdgeRole, type Node, type Origin } from "../graph.ts";
import type { Output, Phase, State, Value } from "../graph.ts";
import { tryMakeNode } from "../node.ts";
import { readAttribute } from "./attributes.ts";
import { all, textOf, wrong, type Context } from "./context.ts";
import { items, optional } from "./grammar.ts";
import { define, hintOf, readScope, valueName } from "./header.ts";
import { readType } from "./sums.ts";

/** Reads a node and names its results; names of a node that is wrong are known, but have no value. */
export function readNode(context: Context, tree: Tree, edges: number): Node | undefined {
  const results = items(tree.child(0));
  const types = results.map((result) => readDeclared(context, result));
  const node = readCall(context, tree, results, edges);
  const checked = node && types.every((type) => type !== undefined) ? node : undefined;
  if (checked !== undefined) checkResults(context, tree, types, checked);
  results.forEach((result, index) => {
    define(context, result.child(0), checked?.results[index]);
  });
  return checked;
}

/** The type that the text gives a result; `true` if it gives none, undefined if it is wrong. */
function readDeclared(context: Context, result: Tree): TensorType | true | undefined {
  const type = optional(result.child(2));
  return type === undefined ? true : readType(context, type);
}

function checkResults(
  context: Context,
  tree: Tree,
  types: readonly (TensorType | true | undefined)[],
  node: Node,
): void {
  const results = items(tree.child(0));
  if (results.length !== node.results.length) {
    const message = `${node.op} gives ${plural(node.results.length, "result")} here, the text names ${results.length}`;
    wrong(context, "E606", results[0] ?? tree.child(2), message);
  }
  types.forEach((type, index) => {
    const found = node.results[index]?.type;
    if (found === undefined || type === undefined || type === true || sameType(type, found)) return;
    wrong(
      context,
      "E606",
      results[index]!,
      `the text says ${showType(type)}, but ${node.op} gives ${showType(found)}`,
    );
  });
}

function readCall(context: Context, tree: Tree, results: readonly Tree[], edges: number): Node | undefined {
  const op = tree.child(2).sourceString;
  if (!isOpName(op)) {
    const near = nearest(op, opNames);
    const help = near === undefined ? {} : { help: `did you mean \`${near}\`?` };
    wrong(context, "E604", tree.child(2), `there is no op \`${op}\``, help);
    return;
  }
  const given = readArguments(context, op, items(tree.child(4)), tree.child(2));
  const origin = readOrigin(context, tree, edges);
  if (given === undefined || origin === undefined) return undefined;
  const hints = results.map((result) => hintOf(valueName(result.child(0))) ?? "");
  const node = tryMakeNode(op, given.operands as never, given.attrs as never, origin, hints);
  if (!(node instanceof Mismatch)) return withoutEmptyHints(node as Node);
  const blamed = given.places.get(node.blamed) ?? tree.child(2);
  wrong(context, "E606", blamed, `${op}: \`${node.blamed}\`: ${node.message}`);
}

/** A value without a name in the text has no hint. */
const withoutEmptyHints = (node: Node): Node => ({
  ...node,
  results: node.results.map((value) => (value.hint === "" ? { type: value.type } : value)),
});

interface Given {
  readonly operands: Readonly<Record<string, Value | readonly Value[] | undefined>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  /** Where each operand and attribute stands, for messages. */
  readonly places: ReadonlyMap<string, Tree>;
}

/** Pairs the arguments of a call with the operands and attributes of its op. */
function readArguments(context: Context, op: OpName, args: readonly Tree[], name: Tree): Given | undefined {
  const record = recordOf(op);
  const operandNames = Object.keys(record.operands);
  const places = new Map<string, Tree>();
  const read = args.map((argument, index) => {
    const name = optional(argument.child(0))?.sourceString ?? operandNames[index];
    const value = argument.child(2);
    if (name === undefined) {
      wrong(context, "E605", argument, `${op} takes no argument here without a name`);
      return;
    }
    if (places.has(name)) {
      wrong(context, "E605", argument, `\`${name}\` is given twice`);
      return;
    }
    places.set(name, value);
    return [name, readArgument(context, op, record, name, argument)] as const;
  });
  const complete = checkComplete(context, op, record, places, name);
  if (!complete || read.some((entry) => entry?.[1] === undefined)) return undefined;
  const values = new Map(read as (readonly [string, unknown])[]);
  const operands = Object.entries(record.operands).map(([name, kind]) => [
    name,
    values.get(name) ?? (kind === "many" ? [] : undefined),
  ]);
  const attrs = Object.keys(record.attrs).map((name) => [name, values.get(name)]);
  return {
    operands: Object.fromEntries(operands) as Given["operands"],
    attrs: Object.fromEntries(attrs) as Given["attrs"],
    places,
  };
}

function readArgument(context: Context, op: OpName, record: OpRecord, name: string, argument: Tree): unknown {
  const value = argument.child(2);
  if (Object.hasOwn(record.operands, name)) {
    if (record.operands[name] !== "many") return readReference(context, value);
    if (value.child(0).ctorName === "Value_list")
      return all(items(value.child(0).child(1)).map((item) => readReference(context, item)));
    wrong(context, "E605", value, `\`${name}\` of ${op} is a list of values, got ${value.sourceString}`);
    return;
  }
  if (Object.hasOwn(record.attrs, name)) return readAttribute(context, value, record.attrs[name]!);
  const known = [...Object.keys(record.operands), ...Object.keys(record.attrs)];
  const near = nearest(name, known);
  const help = near === undefined ? `it has ${listWords(known)}` : `did you mean \`${near}\`?`;
  wrong(context, "E604", argument, `${op} has no \`${name}\``, { help });
}

/** Reports the operands and attributes that must be given and are not. */
function checkComplete(
  context: Context,
  op: OpName,
  record: OpRecord,
  places: ReadonlyMap<string, Tree>,
  place: Tree,
): boolean {
  const missing = [
    ...Object.entries(record.operands).flatMap(([name, kind]) => (kind === "one" ? [name] : [])),
    ...Object.entries(record.attrs).flatMap(([name, spec]) => ("default" in spec ? [] : [name])),
  ].filter((name) => !places.has(name));
  if (missing.length === 0) return true;
  const message = `${op} needs ${listWords(missing.map((name) => `\`${name}\``))}`;
  wrong(context, "E605", place, message);
  return false;
}

/** The value that a name stands for; a name without a value has been reported already. */
export function readReference(context: Context, tree: Tree): Value | undefined {
  if (!tree.sourceString.startsWith("%")) {
    wrong(context, "E605", tree, `expected a value, such as %x, got ${tree.sourceString}`);
    return;
  }
  const name = valueName(tree);
  if (context.values.has(name)) return context.values.get(name);
  const near = nearest(name, context.values.keys());
  const help = near === undefined ? {} : { help: `did you mean \`%${near}\`?` };
  wrong(context, "E604", tree, `there is no value %${name} above`, help);
}

function readOrigin(context: Context, tree: Tree, edges: number): Origin | undefined {
  const labelTree = optional(tree.child(6));
  const label = labelTree === undefined ? "" : textOf(context, labelTree.child(1));
  const scope = readScope(context, optional(tree.child(7)));
  const roles = all(
    (optional(tree.child(8))?.child(1).children ?? []).map((role) => readRole(context, role, edges)),
  );
  const phaseTree = optional(tree.child(9));
  const phase = phaseTree && readPhase(context, phaseTree.child(1));
  const fused = all((optional(tree.child(10))?.child(1).children ?? []).map((name) => textOf(context, name)));
  if (label === undefined || scope === undefined || roles === undefined || fused === undefined)
    return undefined;
  return { spans: [], label, scope, edges: roles, fused, ...(phase && { phase }) };
}

function readPhase(context: Context, tree: Tree): Phase | undefined {
  const phase = phases.find((name) => name === tree.sourceString);
  if (phase === undefined)
    wrong(context, "E605", tree, `expected ${listWords(phases, "or")}, got ${tree.sourceString}`);
  return phase;
}

const edgeRoles: readonly EdgeRole[] = ["pre", "out", "post", "skip", "branch", "join"];

function readRole(context: Context, tree: Tree, edges: number): EdgePart | undefined {
  const [edge, role] = tree.sourceString.split(".") as [string, string];
  if (!(edgeRoles as readonly string[]).includes(role)) {
    wrong(context, "E605", tree, `expected ${listWords(edgeRoles, "or")}, got ${role}`);
    return;
  }
  if (Number(edge) >= edges) {
    wrong(context, "E607", tree, `there is no edge ${edge}`);
    return;
  }
  return { edge: Number(edge), role: role as EdgeRole };
}

/** `next %keys = %1`: which state, and what it is next. */
export function readNext(
  context: Context,
  tree: Tree,
  states: readonly (State | undefined)[],
): { readonly state: State; readonly next: Value } | undefined {
  const value = readReference(context, tree.child(1));
  const next = readReference(context, tree.child(3));
  if (value === undefined || next === undefined) return undefined;
  const state = states.find((each) => each?.value === value);
  const named = tree.child(1).sourceString;
  if (state === undefined) wrong(context, "E607", tree.child(1), `${named} is no state`);
  else if (state.next !== value) wrong(context, "E603", tree.child(1), `${named} has a next value already`);
  else if (!sameType(value.type, next.type))
    wrong(
      context,
      "E606",
      tree.child(3),
      `the state ${named} is ${showType(value.type)}, its next value ${showType(next.type)}`,
    );
  else return { state, next };
}

export function readOutput(context: Context, tree: Tree): Output | undefined {
  const name = textOf(context, tree.child(1));
  const value = readReference(context, tree.child(3));
  return name === undefined || value === undefined ? undefined : { name, value, span: undefined };
}
