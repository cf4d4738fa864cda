import type { ScalarExpression } from "../ops/scalar.ts";
import type { Attribute } from "../ops/attributes.ts";
import { isScalarName } from "../ops/scalar.ts";
import { recordOf } from "../ops/table.ts";
import { sameDim, type Dim } from "../tensor/dim.ts";
import { showType } from "../tensor/type.ts";
import type {
  Edge,
  Graph,
  Initializer,
  Input,
  Iteration,
  Node,
  Origin,
  Parameter,
  State,
  SymbolDeclaration,
  Value,
} from "./graph.ts";
import { namedOperands } from "./node.ts";
import { showAttribute, showNumber } from "./text/attributes.ts";

/** Names of values as printed: `%x`, `%x_1`, and `%0`, `%1`, … for those without a hint. */
export type ValueNames = ReadonlyMap<Value, string>;

/**
 * The graph as text, which `readGraph` reads back to the same graph but for spans. Without annotations it leaves out
 * where nodes come from: labels, scopes, edges, what was fused, and the phase of a training step.
 */
export function printGraph(graph: Graph, options: { readonly annotations?: boolean } = {}): string {
  const annotations = options.annotations ?? true;
  const names = nameValues(graph);
  const hasEdges = annotations || graph.nodes.some((node) => node.op === "residual");
  const lines = [
    ...graph.symbols.map(printSymbol),
    ...graph.inputs.map((input) => printInput(input, names)),
    ...graph.parameters.map((parameter) => printParameter(parameter, names)),
    ...graph.states.map((state) => printState(state, names)),
    ...(hasEdges ? graph.edges.map(printEdge) : []),
    ...graph.nodes.map((node) => printNode(node, names) + (annotations ? printOrigin(node.origin) : "")),
    ...graph.outputs.map(({ name, value }) => `output ${wordOrText(name)} = ${nameOf(value, names)}`),
    ...graph.states.flatMap(({ value, next }) =>
      next === value ? [] : [`next ${nameOf(value, names)} = ${nameOf(next, names)}`],
    ),
  ];
  return [`graph ${wordOrText(graph.name)} {`, ...lines.map((line) => `  ${line}`), "}", ""].join("\n");
}

/** Whether two graphs print alike: the same structure, names and origins; spans do not count. */
export const sameGraph = (a: Graph, b: Graph): boolean => printGraph(a) === printGraph(b);

/** Gives every value of a graph a name of its own, by its hint where it has one. */
export function nameValues(graph: Graph): ValueNames {
  const names = new Map<Value, string>();
  const taken = new Set<string>();
  const copies = new Map<string, number>();
  let unnamed = 0;
  const name = (value: Value): void => {
    if (names.has(value)) return;
    const hint = cleanHint(value.hint);
    let chosen = hint ?? String(unnamed++);
    for (let copy = copies.get(chosen) ?? 0; hint !== undefined && taken.has(chosen);) {
      chosen = `${hint}_${++copy}`;
      copies.set(hint, copy);
    }
    taken.add(chosen);
    names.set(value, `%${chosen}`);
  };
  for (const { value } of [...graph.inputs, ...graph.parameters, ...graph.states]) name(value);
  for (const node of graph.nodes) for (const value of node.results) name(value);
  return names;
}

/** A hint with the characters that names may have; digits alone are for values without a hint. */
function cleanHint(hint: string | undefined): string | undefined {
  if (hint === undefined || hint === "") return undefined;
  const clean = hint.replaceAll(/[^A-Za-z0-9_.]/g, "_");
  return /^\d+$/.test(clean) ? `_${clean}` : clean;
}

const nameOf = (value: Value, names: ValueNames): string => names.get(value) ?? "%?";

/** A word if the text reads as one, else in quotes. */
const wordOrText = (text: string): string =>
  /^[a-z_]\w*$/.test(text) && text !== "inf" && text !== "nan" ? text : JSON.stringify(text);

const typed = (value: Value, names: ValueNames): string => `${nameOf(value, names)}: ${showType(value.type)}`;

function printInput({ name, value, fill }: Input, names: ValueNames): string {
  const own = nameOf(value, names) === `%${name}` ? "" : ` name ${JSON.stringify(name)}`;
  return `input ${typed(value, names)}${fill === undefined ? "" : ` = ${showNumber(fill)}`}${own}`;
}

const printSymbol = ({ name, max, given }: SymbolDeclaration): string =>
  `dim ${name}${max === undefined ? "" : ` <= ${max}`}${given === true ? " given" : ""}`;

const printState = ({ name, value, init, kind }: State, names: ValueNames): string =>
  `state ${typed(value, names)} = ${printInitializer(init)} ${JSON.stringify(name)}${kind === "kept" ? "" : ` ${kind}`}`;

const printParameter = ({ name, value, init, trainable, kept }: Parameter, names: ValueNames): string =>
  `parameter ${typed(value, names)} = ${printInitializer(init)} ${JSON.stringify(name)}${trainable ? "" : " fixed"}${kept === undefined ? "" : ` kept as ${kept}`}`;

function printInitializer(init: Initializer): string {
  const call = (values: readonly number[]): string => `${init.kind}(${values.map(showNumber).join(", ")})`;
  switch (init.kind) {
    case "constant":
      return call([init.value]);
    case "values":
      return call(init.values);
    case "normal":
    case "truncated_normal":
      return call([init.mean, init.std]);
    case "orthogonal":
    case "eye":
      return call([init.gain]);
    case "unit":
      return call([init.index, init.gain]);
    case "uniform":
      return call([init.low, init.high]);
    case "xavier":
    case "he":
      return `${call([init.fanIn, init.fanOut, init.gain])} by ${init.distribution}`;
  }
}

const printScope = (scope: readonly Iteration[]): string =>
  scope.length === 0 ? "" : ` scope ${scope.map(printIteration).join(" ")}`;

const printIteration = ({ label, index, checkpoint }: Iteration): string =>
  `${wordOrText(label)}[${index}]${checkpoint === true ? " checkpoint" : ""}`;

function printEdge(edge: Edge, index: number): string {
  const parts = [
    ...edge.norms.map(
      ({ position, kind, label, gain }) =>
        `${position} ${wordOrText(kind)} ${JSON.stringify(label)}` +
        (gain === undefined ? "" : ` times ${gain.kind} ${JSON.stringify(gain.text)}`),
    ),
    ...edge.branches.map((label) => `branch ${JSON.stringify(label)}`),
    ...(edge.skip === undefined ? [] : [`skip ${edge.skip.kind} ${JSON.stringify(edge.skip.text)}`]),
    ...(edge.branch === undefined ? [] : [`gain ${edge.branch.kind} ${JSON.stringify(edge.branch.text)}`]),
  ];
  const [name, source] = [JSON.stringify(edge.name), JSON.stringify(edge.source)];
  return `edge ${index} ${name} from ${source} { ${parts.join("; ")} }${printScope(edge.scope)}`;
}

function printNode(node: Node, names: ValueNames): string {
  const results = node.results.map((value) => typed(value, names)).join(", ");
  return `${results} = ${node.op}(${[...printOperands(node, names), ...printAttributes(node)].join(", ")})`;
}

/** The operands of elementwise ops, and a sole operand, stand without their names. */
function printOperands(node: Node, names: ValueNames): string[] {
  const operands = namedOperands(node);
  const all = Object.keys(recordOf(node.op).operands);
  const positional = isScalarName(node.op) || all.length === 1;
  return all.flatMap((name) => {
    const operand = operands[name];
    if (operand === undefined || (Array.isArray(operand) && operand.length === 0)) return [];
    const text = Array.isArray(operand)
      ? `[${(operand as readonly Value[]).map((value) => nameOf(value, names)).join(", ")}]`
      : nameOf(operand as Value, names);
    return [positional ? text : `${name}: ${text}`];
  });
}

function printAttributes(node: Node): string[] {
  const attrs = node.attrs as Readonly<Record<string, unknown>>;
  return Object.entries(recordOf(node.op).attrs)
    .filter(([name, spec]) => !isDefault(attrs[name], spec))
    .map(([name, spec]) => `${name}: ${showAttribute(spec.kind, attrs[name])}`);
}

function isDefault(value: unknown, spec: Attribute<unknown>): boolean {
  if (value === undefined || !("default" in spec)) return value === undefined;
  if (spec.kind === "dim") return sameDim(value as Dim, spec.default as Dim);
  if (spec.kind === "expression") return (value as ScalarExpression).steps.length === 0;
  return Object.is(value, spec.default) || sameNumbers(value, spec.default);
}

const sameNumbers = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) &&
  Array.isArray(b) &&
  a.length === b.length &&
  a.every((item, i) => Object.is(item, b[i]));

function printOrigin(origin: Origin): string {
  const label = origin.label === "" ? "" : ` label ${JSON.stringify(origin.label)}`;
  const roles = origin.edges.map(({ edge, role }) => ` ${edge}.${role}`).join("");
  const fused = origin.fused.map((name) => ` ${wordOrText(name)}`).join("");
  return (
    label +
    printScope(origin.scope) +
    (roles === "" ? "" : ` edges${roles}`) +
    (origin.phase === undefined ? "" : ` phase ${origin.phase}`) +
    (fused === "" ? "" : ` fused${fused}`)
  );
}
