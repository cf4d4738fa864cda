import type { Graph, Input, Node, NodeOf, Parameter, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { producersOf, usersOf } from "../../ir/walk.ts";
import { isScalarName } from "../../ops/scalar.ts";
import { hasTrait } from "../../ops/table.ts";
import { constantDim, sameDim } from "../../tensor/dim.ts";
import { isInteger } from "../../tensor/dtype.ts";
import { Refused } from "../table.ts";
import { grows, requireApart } from "./apart.ts";

/** A model as transformers has it: one stack of layers over the tokens of a text, and a head that reads its last values. */
export interface Stack {
  readonly graph: Graph;
  readonly tokens: Input;
  /** Whole numbers a token beside the tokens, all of one kind if they are left off. */
  readonly types: readonly Input[];
  /** Which tokens are none: only attention reads it. */
  readonly mask: Input | undefined;
  /** The first values of the tokens, by which a caller may begin too. */
  readonly embedding: NodeOf<"embedding">;
  /** [B, T, D], after the last edge and its norm. */
  readonly hidden: Value;
  /** What is made of the last values by parameters that belong to the stack: [B, D]. */
  readonly pooled: Value | undefined;
  readonly attends: readonly NodeOf<"attend">[];
  readonly causal: boolean;
  /** The share of each softmax that is dropped while the model trains. */
  readonly dropout: number;
  /** How far attention reaches, in layers where it does not reach all. */
  readonly window: number | undefined;
  /** Values that say where positions are, and nothing of tokens. */
  readonly places: ReadonlySet<Value>;
  readonly base: readonly Node[];
  readonly head: readonly Node[];
  /** The first part of the names of the stack's own parameters; undefined if they have none in common, or the head has it too. */
  readonly prefix: string | undefined;
}

/** The stack of a model, or its refusal. */
export function stackOf(lowered: Graph, rates: ReadonlyMap<Value, number>): Stack {
  const inputs = inputsOf(lowered);
  const graph = withoutMask(lowered, inputs.mask);
  const positions = inputs.tokens.value.type.shape[1]!.key;
  const embedding = embeddingOf(graph, inputs.tokens);
  const hidden = lastValues(graph, positions);
  const base = madeBy(graph, [hidden]);
  const rest = madeBy(
    graph,
    graph.outputs.map(({ value }) => value),
    hidden,
  );
  const split = splitParts(graph, base, rest, hidden);
  const reached = reachedFrom(graph, [inputs.tokens, ...inputs.types]);
  const places = placesOf(graph, positions, reached);
  const attends = graph.nodes.filter((node): node is NodeOf<"attend"> => node.op === "attend");
  const causal = attends.some((node) => node.attrs.causal);
  if (attends.length === 0) throw new Refused("stack", "a model without attention");
  const isText = causal && graph.outputs.every(({ value }) => value.type.shape.length === 3);
  for (const node of isText ? [...base, ...split.head] : causal ? base : [])
    requireApart(node, reached, positions);
  for (const node of attends) requireAttention(node, causal);
  return {
    graph,
    ...inputs,
    embedding,
    hidden,
    ...split,
    attends,
    causal,
    dropout: dropoutOf(attends, rates),
    window: windowOf(attends),
    places,
    base,
  };
}

function inputsOf({ inputs }: Graph): Pick<Stack, "tokens" | "types" | "mask"> {
  const whole = inputs.filter(({ value: { type } }) => isInteger(type.dtype) && type.shape.length === 2);
  const [tokens, ...more] = whole.filter(({ fill }) => fill === undefined);
  const mask = inputs.find(({ value: { type } }) => type.dtype === "bool" && type.shape.length === 2);
  const types = whole.filter(({ name, fill }) => fill !== undefined && /^token_types?(_ids)?$/.test(name));
  const known = new Set([tokens, mask, ...types]);
  const other = types[1] ?? more[0] ?? inputs.find((input) => !known.has(input));
  if (tokens === undefined) throw new Refused("stack", "a model without one input of tokens [B, T]");
  if (other !== undefined) throw new Refused("stack", `the input ${other.name}`);
  return { tokens, types, mask };
}

function embeddingOf({ nodes }: Graph, { value }: Input): NodeOf<"embedding"> {
  const readers = nodes.filter((node) => operandValues(node).includes(value));
  const [first, ...others] = readers;
  if (first?.op !== "embedding" || others.length > 0)
    throw new Refused("stack", "tokens that more than one table is read by", others[0] ?? first);
  return first;
}

/** The join of the last edge, or the norm that alone reads it. */
function lastValues(graph: Graph, positions: string): Value {
  const join = graph.nodes.findLast((node) => node.op === "residual");
  if (join === undefined) throw new Refused("stack", "a model without residual edges");
  const [sum] = join.results as [Value];
  const readers = usersOf(graph).get(sum) ?? [];
  const [reader] = readers;
  const isNormed = readers.length === 1 && reader !== undefined && hasTrait(reader.op, "row_norm");
  const [last] = isNormed ? (reader.results as [Value]) : [sum];
  const [, rows] = last.type.shape;
  if (last.type.shape.length !== 3 || rows === undefined || !grows(rows, positions))
    throw new Refused("stack", "a stream that is no row a token", join);
  return last;
}

/** The nodes that values are made by, in the order of the graph; `until`: but for what that is made by. */
function madeBy(graph: Graph, wanted: readonly Value[], until?: Value): readonly Node[] {
  const needed = new Set(wanted);
  const found = graph.nodes.toReversed().filter((node) => {
    const isNeeded = node.results.some((value) => value !== until && needed.has(value));
    if (isNeeded) for (const value of operandValues(node)) needed.add(value);
    return isNeeded;
  });
  return found.reverse();
}

function splitParts(
  graph: Graph,
  base: readonly Node[],
  rest: readonly Node[],
  hidden: Value,
): Pick<Stack, "head" | "pooled" | "prefix"> {
  const names = new Map<Value, Parameter>(graph.parameters.map((each) => [each.value, each]));
  const inBase = new Set(base.flatMap(({ results }) => results));
  const read = (nodes: readonly Node[]): readonly string[] =>
    nodes.flatMap((node) => operandValues(node).flatMap((value) => names.get(value)?.name ?? []));
  const own = new Set(read(base));
  const producers = producersOf(graph);
  const head = rest.filter((node) => !base.includes(node));
  for (const node of head)
    for (const value of operandValues(node)) {
      const isConstant = isMadeOfNothing(producers.get(value)?.node);
      if (inBase.has(value) && value !== hidden && !isConstant)
        throw new Refused("stack", "a head that reads more than the last values of the stack", node);
    }
  const starts = new Set([...own].map((name) => name.split(".")[0]!));
  const [start] = starts;
  if (starts.size !== 1 || start === undefined || [...own].some((name) => !name.includes(".")))
    return { head, pooled: undefined, prefix: undefined };
  const beside = read(head).filter((name) => !own.has(name) && name.startsWith(`${start}.`));
  if (beside.length === 0) return { head, pooled: undefined, prefix: start };
  const pooled = pooledOf(graph, head, hidden, (name) => name.startsWith(`${start}.`), names);
  return { head, pooled, prefix: pooled === undefined ? undefined : start };
}

const isMadeOfNothing = (node: Node | undefined): boolean =>
  node !== undefined && operandValues(node).length === 0;

/** The one value of the head, [B, D], that is made of the stack's last values by its own parameters, and read by what has others. */
function pooledOf(
  graph: Graph,
  head: readonly Node[],
  hidden: Value,
  isOwn: (name: string) => boolean,
  names: ReadonlyMap<Value, Parameter>,
): Value | undefined {
  const made = new Map<Value, boolean>([[hidden, false]]);
  for (const node of head) {
    const read = operandValues(node);
    const fits = read.every((value) => (names.has(value) ? isOwn(names.get(value)!.name) : made.has(value)));
    if (!fits) continue;
    const isWeighted = read.some((value) => names.has(value) || made.get(value) === true);
    for (const value of node.results) made.set(value, isWeighted);
  }
  const users = usersOf(graph);
  const outputs = new Set(graph.outputs.map(({ value }) => value));
  const ends = [...made].flatMap(([value, isWeighted]) => {
    const isRead = users.get(value)?.some((node) => !node.results.some((each) => made.has(each))) === true;
    return isWeighted && (isRead || outputs.has(value)) ? [value] : [];
  });
  const [pooled, ...others] = ends;
  return others.length === 0 && pooled?.type.shape.length === 2 ? pooled : undefined;
}

function reachedFrom(graph: Graph, inputs: readonly Input[]): ReadonlySet<Value> {
  const reached = new Set(inputs.map(({ value }) => value));
  for (const node of graph.nodes)
    if (operandValues(node).some((value) => reached.has(value)))
      for (const value of node.results) reached.add(value);
  return reached;
}

/** The graph as it attends without a mask of padding, which transformers brings; anything else that reads it is refused. */
function withoutMask(graph: Graph, mask: Input | undefined): Graph {
  const masks = new Set<Value>(mask === undefined ? [] : [mask.value]);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (!operandValues(node).some((value) => masks.has(value))) return [node];
    if (["reshape", "broadcast", "permute"].includes(node.op)) {
      masks.add(node.results[0]!);
      return [];
    }
    if (node.op !== "attend")
      throw new Refused("stack", "a mask of padding that more than attention reads", node);
    return [{ ...node, operands: { ...node.operands, mask: undefined } }];
  });
  return { ...graph, nodes };
}

/** Numbers of positions and what is made of them alone: a row a position, which a caller may number otherwise. */
function placesOf(graph: Graph, positions: string, reached: ReadonlySet<Value>): ReadonlySet<Value> {
  const places = new Set<Value>();
  const refuse = (node: Node): never => {
    throw new Refused("cache", `${node.op} of positions`, node);
  };
  for (const node of graph.nodes) {
    const [result] = node.results as [Value];
    const read = operandValues(node);
    const ofPlaces = read.filter((value) => places.has(value));
    if (read.some((value) => reached.has(value))) {
      if (ofPlaces.length > 0) requireRowsBeside(node, ofPlaces, refuse);
      continue;
    }
    if (!result.type.shape.some((size) => grows(size, positions))) continue;
    const isCount = node.op === "iota" && sameDim(node.attrs.size, result.type.shape[0]) && isPlain(node);
    const isKept =
      ofPlaces.length > 0 && (isScalarName(node.op) || node.op === "cast" || node.op === "embedding");
    if (!isCount && !isKept) refuse(node);
    places.add(result);
  }
  return places;
}

const isPlain = (node: NodeOf<"iota">): boolean => constantDim(node.attrs.start) !== undefined;

/** Rows of positions [T, D] stand beside those of tokens [B, T, D], or say by what rope turns. */
function requireRowsBeside(node: Node, places: readonly Value[], refuse: (node: Node) => never): void {
  if (node.op === "rope") return;
  const isBeside =
    (node.op === "residual" || isScalarName(node.op)) &&
    node.results[0]!.type.shape.length === 3 &&
    places.every(({ type }) => type.shape.length === 2);
  if (!isBeside) refuse(node);
}

function requireAttention(node: NodeOf<"attend">, causal: boolean): void {
  const { mask, bias } = node.operands;
  const { alibi, window } = node.attrs;
  const misfit = (what: string): never => {
    throw new Refused("attribute", `attention with ${what}`, node);
  };
  if (bias !== undefined || alibi) misfit("a bias of its scores");
  if (mask !== undefined) misfit("a mask that the model makes");
  if (node.attrs.causal !== causal) misfit("later positions in some layers alone");
  if (window !== undefined && !causal) misfit("a window to both sides");
}

function windowOf(attends: readonly NodeOf<"attend">[]): number | undefined {
  const windows = new Map(
    attends.flatMap((node) => (node.attrs.window === undefined ? [] : [[node.attrs.window, node] as const])),
  );
  const [first, second] = windows;
  if (second !== undefined)
    throw new Refused("attribute", "attention with windows of several sizes", second[1]);
  return first?.[0];
}

function dropoutOf(attends: readonly NodeOf<"attend">[], rates: ReadonlyMap<Value, number>): number {
  const all = new Set(attends.map(({ results }) => rates.get(results[0]!) ?? 0));
  const [first = 0, ...others] = all;
  if (others.length > 0)
    throw new Refused("attribute", "attention with several rates of dropout", attends[0]);
  return first;
}
