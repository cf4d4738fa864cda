import type { Attribute, AttributeKind } from "../ops/attributes.ts";
import { Mismatch, type OpStage } from "../ops/define.ts";
import { isScalarName, type ScalarExpression } from "../ops/scalar.ts";
import { recordOf } from "../ops/table.ts";
import { constantDim, symbolsOf, type Dim } from "../tensor/dim.ts";
import { isDtype, type Dtype } from "../tensor/dtype.ts";
import { sameType, showType, type TensorType } from "../tensor/type.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { mapOperands, namedOperands, operandValues } from "./node.ts";
import { nameValues, type ValueNames } from "./print.ts";

export interface VerifyOptions {
  /** Stages of ops that may stand in the graph; all of them if left out. */
  readonly stages?: readonly OpStage[];
  /**
   * Nodes that an earlier call found whole, and to which this one adds. A node never changes, so that what a pass left
   * alone need not be looked at again.
   */
  readonly whole?: WeakSet<Node>;
}

/** Names for messages; made when the first is needed. */
type Names = () => ValueNames;

/** Every way in which the graph breaks the rules of graphs, as text; none for a graph that is whole. */
export function verifyGraph(graph: Graph, options: VerifyOptions = {}): string[] {
  let named: ValueNames | undefined;
  const names = (): ValueNames => (named ??= nameValues(graph));
  const { stages, whole = new WeakSet() } = options;
  return [
    ...uniqueNames(graph),
    ...symbolsAreDeclared(graph),
    ...valuesAreMade(graph, names),
    ...statesAreWhole(graph),
    ...graph.nodes.filter((node) => !whole.has(node)).flatMap((node) => nodeIsWhole(node, names, whole)),
    ...edgesExist(graph, names),
    ...stagesAreAllowed(graph, names, stages),
  ];
}

const show = (node: Node, names: Names): string =>
  `${node.results.map((value) => names().get(value) ?? "%?").join(", ")} = ${node.op}`;

/** The items that stand more than once, once for each further time. */
function repeated<T>(items: readonly T[]): T[] {
  const seen = new Set<T>();
  return items.filter((item) => {
    const again = seen.has(item);
    seen.add(item);
    return again;
  });
}

/** Callers and checkpoints find things by name. */
const uniqueNames = ({ inputs, parameters, states, outputs, symbols }: Graph): string[] => [
  ...repeated(inputs.map(({ name }) => name)).map((name) => `two inputs are called ${name}`),
  ...repeated(parameters.map(({ name }) => name)).map((name) => `two parameters are called ${name}`),
  ...repeated(states.map(({ name }) => name)).map((name) => `two states are called ${name}`),
  ...parameters
    .filter(({ name }) => states.some((state) => state.name === name))
    .map(({ name }) => `a parameter and a state are called ${name}`),
  ...repeated(outputs.map(({ name }) => name)).map((name) => `two outputs are called ${name}`),
  ...repeated(symbols.map(({ name }) => name)).map((name) => `the dim ${name} is declared twice`),
];

/** Types speak of declared dims, and an input of just that size says what each is, or the caller. */
function symbolsAreDeclared(graph: Graph): string[] {
  const declared = new Set(graph.symbols.map(({ name }) => name));
  const given = new Set(graph.symbols.flatMap(({ name, given }) => (given === true ? [name] : [])));
  const sizes = new Map<string, Dim>();
  const note = (size: Dim): void => {
    if (constantDim(size) === undefined) sizes.set(size.key, size);
  };
  for (const { value } of [...graph.inputs, ...graph.parameters, ...graph.states])
    value.type.shape.forEach(note);
  for (const node of graph.nodes) {
    for (const { type } of node.results) type.shape.forEach(note);
    for (const size of attributeSizes(node)) note(size);
  }
  const used = new Set([...sizes.values()].flatMap((size) => [...symbolsOf(size)]));
  const bound = new Set(graph.inputs.flatMap(({ value }) => value.type.shape.map(({ key }) => key)));
  const inParameters = graph.parameters.filter(({ value }) =>
    value.type.shape.some((size) => constantDim(size) === undefined),
  );
  return [
    ...[...used].filter((name) => !declared.has(name)).map((name) => `the dim ${name} is not declared`),
    ...[...declared]
      .filter((name) => !bound.has(name) && !given.has(name))
      .map((name) => `no input says what ${name} is`),
    ...inParameters.map(({ name }) => `the parameter ${name} has a size that is not known at compile time`),
  ];
}

/** The sizes among the attributes of a node: the start of a slice stands in no type. */
export function attributeSizes(node: Node): Dim[] {
  const sizes: Dim[] = [];
  for (const value of Object.values(node.attrs) as unknown[])
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value])
      if (isSize(item)) sizes.push(item as Dim);
  return sizes;
}

/** SSA: every value is made exactly once. Nodes stand in an order in which they can run; results exist. */
function valuesAreMade({ inputs, parameters, states, nodes, outputs }: Graph, names: Names): string[] {
  const made = new Set<Value>();
  const twice: string[] = [];
  const early: string[] = [];
  const make = (value: Value): void => {
    if (made.has(value)) twice.push(`${names().get(value) ?? "%?"} is made twice`);
    made.add(value);
  };
  for (const { value } of inputs) make(value);
  for (const { value } of parameters) make(value);
  for (const { value } of states) make(value);
  for (const node of nodes) {
    for (const value of operandValues(node))
      if (!made.has(value)) {
        const what = names().has(value)
          ? `${names().get(value)!} before it is made`
          : "a value that nothing makes";
        early.push(`${show(node, names)}: it reads ${what}`);
      }
    node.results.forEach(make);
  }
  const missing = outputs.filter(({ value }) => !made.has(value));
  return [
    ...twice,
    ...early,
    ...missing.map(({ name }) => `the output ${name} is a value that nothing makes`),
    ...states
      .filter(({ next }) => !made.has(next))
      .map(({ name }) => `the state ${name} becomes a value that nothing makes`),
  ];
}

/**
 * What a state is next has its type. A `kept` one begins with the model, as one number; the others come with the weights,
 * which know of no run-time dims.
 */
const statesAreWhole = ({ states }: Graph): string[] =>
  states.flatMap(({ name, value: { type }, next, kind, init }) => {
    const isKept = kind === "kept";
    const isSized = type.shape.every((size) => constantDim(size) !== undefined);
    return [
      ...(sameType(type, next.type)
        ? []
        : [`the state ${name} is ${showType(type)}, but ${showType(next.type)} next`]),
      ...(isKept && init.kind !== "constant" ? [`the state ${name} begins with more than one number`] : []),
      ...(isKept || isSized ? [] : [`the state ${name} of kind ${kind} has a run-time size`]),
    ];
  });

/** Operands and attributes are complete and of their kinds, and the results have the types that they give. */
function nodeIsWhole(node: Node, names: Names, whole: WeakSet<Node>): string[] {
  const shape = [...operandsAreWhole(node), ...attributesAreWhole(node)];
  const problems = shape.length > 0 ? shape : resultsAreInferred(node, names);
  if (problems.length === 0) whole.add(node);
  return problems.map((problem) => `${show(node, names)}: ${problem}`);
}

const unknownKeys = (given: object, known: object): string[] =>
  Object.keys(given).filter((name) => !Object.hasOwn(known, name));

function operandsAreWhole(node: Node): string[] {
  const { operands: specs } = recordOf(node.op);
  const given = node.operands as Readonly<Record<string, unknown>>;
  const wrongKinds = Object.entries(specs).flatMap(([name, kind]) => {
    const operand = given[name];
    if (kind === "many") return Array.isArray(operand) ? [] : [`\`${name}\` must be a list`];
    if (operand === undefined) return kind === "one" ? [`\`${name}\` is missing`] : [];
    return Array.isArray(operand) ? [`\`${name}\` must be one value`] : [];
  });
  return [...wrongKinds, ...unknownKeys(given, specs).map((name) => `there is no operand \`${name}\``)];
}

function attributesAreWhole(node: Node): string[] {
  const { attrs: specs } = recordOf(node.op);
  const given = node.attrs as Readonly<Record<string, unknown>>;
  const wrongKinds = Object.entries(specs).flatMap(([name, spec]) => {
    if (isOfKind[spec.kind](given[name], spec)) return [];
    return [
      `\`${name}\` must be of kind ${spec.kind}${given[name] === undefined ? ", but it is missing" : ""}`,
    ];
  });
  return [...wrongKinds, ...unknownKeys(given, specs).map((name) => `there is no attribute \`${name}\``)];
}

const isList = (value: unknown, item: (value: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(item);
const isNumber = (value: unknown): value is number => typeof value === "number";
const isSize = (value: unknown): boolean => typeof value === "object" && value !== null && "terms" in value;

const isOfKind: { readonly [K in AttributeKind]: (value: unknown, spec: Attribute<unknown>) => boolean } = {
  int: Number.isSafeInteger,
  float: isNumber,
  "optional int": (value) => value === undefined || Number.isSafeInteger(value),
  "optional float": (value) => value === undefined || isNumber(value),
  bool: (value) => typeof value === "boolean",
  text: (value) => typeof value === "string",
  word: (value, { words = [] }) => words.includes(value as string),
  words: (value, { words = [] }) => isList(value, (word) => words.includes(word as string)),
  dtype: (value) => isDtype(value as Dtype),
  dim: isSize,
  dims: (value) => isList(value, isSize),
  ints: (value) => isList(value, Number.isSafeInteger),
  floats: (value) => isList(value, isNumber),
  expression: (value) =>
    typeof value === "object" &&
    value !== null &&
    (value as ScalarExpression).steps.every(({ op }) => isScalarName(op)),
};

function resultsAreInferred(node: Node, names: Names): string[] {
  const operands = mapOperands(namedOperands(node), ({ type }) => type);
  const types: readonly TensorType[] | Mismatch = recordOf(node.op).infer(operands as never, node.attrs);
  if (types instanceof Mismatch) return [`\`${types.blamed}\`: ${types.message}`];
  if (types.length !== node.results.length)
    return [`it gives ${types.length} results, not ${node.results.length}`];
  return node.results.flatMap((value, index) => {
    const inferred = types[index]!;
    if (sameType(value.type, inferred)) return [];
    return [
      `${names().get(value) ?? "%?"} is ${showType(value.type)}, but the op gives ${showType(inferred)}`,
    ];
  });
}

/** Nodes name edges by index. */
const edgesExist = (graph: Graph, names: Names): string[] =>
  graph.nodes.flatMap((node) => {
    if (node.op !== "residual" && node.origin.edges.length === 0) return [];
    const own = node.op === "residual" ? [node.attrs.edge] : [];
    const named = [...own, ...node.origin.edges.map(({ edge }) => edge)];
    const missing = named.filter((edge) => !Number.isInteger(edge) || edge < 0 || edge >= graph.edges.length);
    return missing.map((edge) => `${show(node, names)}: there is no edge ${edge}`);
  });

function stagesAreAllowed(graph: Graph, names: Names, stages: readonly OpStage[] | undefined): string[] {
  if (stages === undefined) return [];
  const strangers = graph.nodes.filter((node) => !stages.includes(recordOf(node.op).stage));
  return strangers.map(
    (node) => `${show(node, names)}: an op of stage ${recordOf(node.op).stage} may not stand here`,
  );
}
