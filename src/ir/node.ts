import { append } from "../support/lists.ts";
import { Mismatch } from "../ops/define.ts";
import { ops, recordOf, type AttributesOf, type OpName, type OperandsOf } from "../ops/table.ts";
import { InternalError } from "../support/invariant.ts";
import { checkShape, DimTooLarge } from "../tensor/dim.ts";
import type { TensorType } from "../tensor/type.ts";
import { noOrigin, type Node, type NodeOf, type Origin, type Value } from "./graph.ts";

/** Attributes as a caller gives them: those with a default may be left off. */
export type GivenAttributes<K extends OpName> = Partial<AttributesOf<K>>;

/** The node, or why its operands do not fit. For lowering, where a misfit is the user's mistake. */
export function tryMakeNode<K extends OpName>(
  op: K,
  operands: OperandsOf<K, Value>,
  attrs: GivenAttributes<K>,
  origin: Origin = noOrigin,
  hints: readonly string[] = [],
): NodeOf<K> | Mismatch {
  const full = withDefaults(op, attrs);
  const types = inferTypes(op, operands as Record<string, Value>, full);
  if (types instanceof Mismatch) return types;
  const results = types.map((type, index): Value => {
    const hint = hints[index];
    return hint === undefined ? { type } : { type, hint };
  });
  return { op, operands, attrs: full, results, origin };
}

/** The results' types, all of whose elements can be counted. */
function inferTypes<K extends OpName>(
  op: K,
  operands: Record<string, Value>,
  attrs: AttributesOf<K>,
): readonly TensorType[] | Mismatch {
  try {
    const types = recordOf(op).infer(mapOperands(operands, (value) => value.type) as never, attrs);
    if (!(types instanceof Mismatch)) for (const { shape } of types) checkShape(shape);
    return types;
  } catch (error) {
    if (error instanceof DimTooLarge) return new Mismatch("out", error.message);
    throw error;
  }
}

/** The node; operands that do not fit are a bug. For passes. */
export function makeNode<K extends OpName>(
  op: K,
  operands: OperandsOf<K, Value>,
  attrs: GivenAttributes<K>,
  origin: Origin = noOrigin,
  hints: readonly string[] = [],
): NodeOf<K> {
  const node = tryMakeNode(op, operands, attrs, origin, hints);
  if (node instanceof Mismatch) throw new InternalError(`${op}: ${node.blamed}: ${node.message}`);
  return node;
}

/** The attributes that a caller gives, and the defaults of the others. */
export function withDefaults<K extends OpName>(op: K, attrs: GivenAttributes<K>): AttributesOf<K> {
  const full: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(recordOf(op).attrs)) {
    const given = (attrs as Record<string, unknown>)[name];
    full[name] = given === undefined ? spec.default : given;
  }
  return full as AttributesOf<K>;
}

/** The operands with each value replaced; absent ones stay absent. */
export function mapOperands<T, U>(
  operands: Readonly<Record<string, T | undefined | readonly T[]>>,
  change: (value: T) => U,
): Record<string, U | undefined | readonly U[]> {
  const mapped: Record<string, U | undefined | readonly U[]> = {};
  for (const [name, operand] of Object.entries(operands))
    mapped[name] =
      operand === undefined
        ? undefined
        : Array.isArray(operand)
          ? (operand as readonly T[]).map(change)
          : change(operand as T);
  return mapped;
}

/** A value, none, or many, by the name of the operand: what the types of all ops have in common. */
export type NamedOperands = Readonly<Record<string, Value | undefined | readonly Value[]>>;

/** The operands of any node by their names, for code that looks at all ops alike. */
export const namedOperands = (node: Pick<Node, "operands">): NamedOperands => node.operands;

/** Every value that a node reads, in the order of its record, with repeats. */
export function operandValues(node: Node): Value[] {
  const values: Value[] = [];
  const operands = namedOperands(node);
  for (const name of Object.keys(ops[node.op].operands)) {
    const operand = operands[name];
    if (operand === undefined) continue;
    if (Array.isArray(operand)) append(values, operand as readonly Value[]);
    else values.push(operand as Value);
  }
  return values;
}

/** The same node reading other values, itself if they are those it reads; its results stay the same values. */
export function withOperands<N extends Node>(node: N, change: (value: Value) => Value): N {
  let isChanged = false as boolean; // A function changes it, which the compiler does not see.
  const operands = mapOperands(namedOperands(node), (value) => {
    const other = change(value);
    isChanged ||= other !== value;
    return other;
  });
  return isChanged ? { ...node, operands } : node;
}

/** The one result of a node that has one. */
export function onlyResult(node: Node): Value {
  const [value, ...rest] = node.results;
  if (value === undefined || rest.length > 0)
    throw new InternalError(`${node.op} has ${node.results.length} results`);
  return value;
}

/** A value of a type, for inputs and parameters. */
export const makeValue = (type: TensorType, hint?: string): Value =>
  hint === undefined ? { type } : { type, hint };
