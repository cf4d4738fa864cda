import type { Graph, Input, Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { rollGraph } from "../../ir/roll/roll.ts";
import { isLoop, type Rolled, type RolledPart } from "../../ir/roll/rolled.ts";
import { constantDim, symbolsOf, type Dim } from "../../tensor/dim.ts";
import type { TrainableModel } from "../../train/program.ts";
import { belowImports } from "../python/format.ts";
import { Body } from "./body.ts";
import { fileName } from "./comments.ts";
import { FileText } from "./file.ts";
import { lossTerms, type LossTerm } from "./loss.ts";
import { Modules } from "./modules.ts";
import { crossEntropyParts } from "./ops/losses.ts";
import { dtypeText } from "./ops/shapes.ts";
import { dimsText, literal, number, text, variable } from "./python.ts";
import { afterTexts } from "./after.ts";
import { initLines, ruleLines, trainLines } from "./recipe.ts";
import { shardingLines } from "./sharding.ts";

/** What the file is written from. */
export interface ModelInput {
  /** As the model trains: dropout is in it, which torch's own `training` switches off. */
  readonly graph: Graph;
  readonly train: TrainableModel | undefined;
  /** The path of the model's text. */
  readonly source: string;
  readonly version: string;
}

/** A window may be another in each layer; what else differs makes another class. */
export const isVariable = (node: Node, attribute: string): boolean =>
  node.op === "attend" && attribute === "window";

/** model.py. */
export function modelText({ graph, train, source, version }: ModelInput): string {
  const file = new FileText(graph);
  const rolled = rollGraph(graph, { isVariable });
  const loss = train && lossOf(train, graph);
  const results = [...graph.outputs.map(({ value }) => value), ...(loss?.extra ?? [])];
  const name = className(graph.name);
  const modules = new Modules();
  const model = modelClass(file, rolled, modules, results, name);
  const blocks = [...modules.attached, ...loopLabels(rolled.parts)];
  const lossLines = loss === undefined ? [] : lossTexts(file, train!, loss, graph);
  const afterLines = train === undefined ? [] : afterTexts(file, train.train);
  const body = [...file.texts(), model, `Model = ${file.freeClass(name)}`].join("\n\n\n");
  const head = [
    `# ${fileName(source)} as PyTorch, written by lmg ${version}. Parameters have the names of its checkpoints.`,
  ];
  const uses = (module: string): boolean =>
    [body, ...lossLines, ...afterLines].some((each) => new RegExp(`\\b${module}\\.`).test(each));
  const imports = [
    ...(uses("math") ? ["import math", ""] : []),
    ...(uses("torch") ? ["import torch"] : []),
    ...(uses("F") ? ["import torch.nn.functional as F"] : []),
    "from torch import nn",
  ];
  const recipe =
    train === undefined
      ? []
      : [
          "",
          ...dataLines(train, graph),
          "",
          ...trainLines(train.train, train.train.graph),
          ...ruleLines(train.train, train.train.graph),
        ];
  const tail = [
    "# How parameters begin: by the seed and their own names, the numbers that `lmg train` draws.",
    "INIT = {",
    ...initLines(graph.parameters),
    "}",
    "",
    "# Sharded each by itself, then what is left with the model; a list stands for each of its layers.",
    `BLOCKS = [${blocks.map(text).join(", ")}]`,
    "",
    `# Run again for the backward instead of kept, as the model asks for.`,
    `CHECKPOINTED = [${checkpointed(rolled.parts).map(text).join(", ")}]`,
    ...(train === undefined ? [] : ["", ...shardingLines(graph, rolled, loss?.extra ?? [])]),
    ...recipe,
    ...lossLines,
    ...afterLines,
  ];
  return `${belowImports([...head, ...imports], [body, "", ...tail].join("\n"))}\n`;
}

/** What a training feeds: inputs that must be given, targets, and the most tokens of a text. */
function dataLines({ train }: TrainableModel, model: Graph): readonly string[] {
  const inputs = model.inputs.filter(({ fill }) => fill === undefined);
  const length = inputs[0]?.value.type.shape[1];
  const most = length && (constantDim(length) ?? model.symbols.find(({ name }) => name === length.key)?.max);
  return [
    `INPUTS = ${literal(inputs.map(({ name }) => variable(name)))}`,
    `TARGETS = ${literal(train.targets)}`,
    `CONTEXT = ${literal(most)}`,
    `AUGMENTED = ${literal(train.augment.map(({ input }) => input))}`,
  ];
}

export const className = (name: string): string =>
  name
    .split("_")
    .filter((part) => part !== "")
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join("");

const loopLabels = (parts: readonly RolledPart[]): readonly string[] =>
  parts.flatMap((part) => (isLoop(part) && !part.shared ? [part.label] : []));

const checkpointed = (parts: readonly RolledPart[]): readonly string[] =>
  parts.flatMap((part) => (isLoop(part) && !part.shared && part.checkpoint ? [part.label] : []));

function modelClass(
  file: FileText,
  rolled: Rolled,
  modules: Modules,
  results: readonly Value[],
  name: string,
): string {
  const { graph } = file;
  const inputs = graph.inputs.map((input) => ({ input, name: variable(input.name) }));
  const body = new Body({
    file,
    graph,
    modules,
    prefix: "",
    parts: rolled.parts,
    results,
    extras: file.topExtras,
    given: new Map(inputs.map((each) => [each.input.value, each.name])),
  });
  body.write("        ");
  const returned = results.map((value) => body.read(value)).join(", ");
  addUnread(file, body);
  const made = modules.lines();
  file.noteGroups(modules);
  const parameters = inputs.map((each) => (each.input.fill === undefined ? each.name : `${each.name}=None`));
  return [
    `class ${file.freeClass(name)}(nn.Module):`,
    "    def __init__(self):",
    "        super().__init__()",
    ...made,
    "",
    `    def forward(${["self", ...parameters].join(", ")}):`,
    ...beginning(file, inputs),
    ...body.lines,
    `        return ${returned}`,
  ].join("\n");
}

/** Parameters that nothing reads are in checkpoints all the same. */
function addUnread(file: FileText, body: Body): void {
  const read = new Set(file.graph.nodes.flatMap((node) => operandValues(node)));
  for (const { value } of file.graph.parameters) if (!read.has(value)) body.read(value);
}

interface NamedInput {
  readonly input: Input;
  readonly name: string;
}

/** The run-time sizes, inputs that were left off, and what is made once. */
function beginning(file: FileText, inputs: readonly NamedInput[]): readonly string[] {
  const indent = "        ";
  const hoisted = file.once.hoistedLines(indent);
  const filled = inputs.filter(({ input }) => input.fill !== undefined);
  const needed = new Set(
    [...file.topExtras].filter((name) => file.graph.symbols.some((symbol) => symbol.name === name)),
  );
  for (const { input } of filled)
    for (const size of input.value.type.shape) for (const symbol of symbolsOf(size)) needed.add(symbol);
  const lines: string[] = [];
  for (const { input, name } of inputs.filter((each) => each.input.fill === undefined)) {
    const targets = input.value.type.shape.map((size) => takeSymbol(size, needed));
    if (targets.every((target) => target === "_")) continue;
    lines.push(`${indent}${targets.length === 1 ? `(${targets[0]!},)` : targets.join(", ")} = ${name}.shape`);
  }
  for (const { input, name } of filled) {
    const { dtype, shape } = input.value.type;
    const value = dtype === "bool" ? (input.fill === 0 ? "False" : "True") : number(input.fill!);
    const size = shape.length === 1 ? `(${dimsText(shape)},)` : `(${dimsText(shape)})`;
    lines.push(`${indent}if ${name} is None:`);
    lines.push(
      `${indent}    ${name} = torch.full(${size}, ${value}, dtype=${dtypeText(dtype)}, device=${file.firstInput}.device)`,
    );
  }
  return [...lines, ...hoisted];
}

/** The name of a size that is a symbol not bound yet, and `_` for others. */
function takeSymbol(size: Dim, needed: Set<string>): string {
  return needed.delete(size.key) ? size.key : "_";
}

interface Loss {
  readonly terms: readonly LossTerm[];
  /** What it reads of the model that is no output of it. */
  readonly extra: readonly Value[];
  /** Made of outputs and targets alone. */
  readonly nodes: readonly Node[];
}

function lossOf({ train }: TrainableModel, model: Graph): Loss {
  const inModel = new Set<Node>(model.nodes);
  const nodes = train.graph.nodes.filter((node) => !inModel.has(node));
  const made = new Set(nodes.flatMap(({ results }) => results));
  const given = new Set([
    ...model.outputs.map(({ value }) => value),
    ...train.graph.inputs.map(({ value }) => value),
  ]);
  const terms = lossTerms(train.graph);
  const needed = neededFor(nodes, terms);
  const read = new Set(needed.flatMap((node) => operandValues(node)));
  const extra = [...read].filter((value) => !made.has(value) && !given.has(value));
  return { terms, extra, nodes: needed };
}

/** The nodes that the terms are made by, and not what their sum is or metrics read. */
function neededFor(nodes: readonly Node[], terms: readonly LossTerm[]): readonly Node[] {
  const wanted = new Set<Value>(terms.map(({ value }) => value));
  for (const { weight } of terms) if (weight.kind === "targets") wanted.add(weight.targets);
  const kept = nodes.toReversed().filter((node) => {
    const isWanted = node.results.some((value) => wanted.has(value));
    if (isWanted) for (const value of operandValues(node)) wanted.add(value);
    return isWanted;
  });
  return kept.reverse();
}

/** `loss` and `counts`: what is added up over processes, and what its sum is divided by. */
function lossTexts(file: FileText, { train }: TrainableModel, loss: Loss, model: Graph): readonly string[] {
  const targets = train.graph.inputs.filter(({ name }) => train.targets.includes(name));
  const outputs = [
    ...model.outputs.map(({ name, value }) => ({ name: variable(name), value })),
    ...loss.extra.map((value, at) => ({ name: variable(value.hint ?? `value_${at}`), value })),
  ];
  const given = new Map([...outputs, ...targets].map(({ name, value }) => [value, variable(name)]));
  const ends = loss.terms.filter(({ node }) => node?.op !== "cross_entropy");
  const losses = new Set(loss.terms.flatMap(({ node }) => (node?.op === "cross_entropy" ? [node] : [])));
  const results = [...ends.map(({ value }) => value), ...[...losses].flatMap((node) => operandValues(node))];
  const body = new Body({
    file,
    graph: train.graph,
    modules: new Modules(),
    prefix: "",
    parts: loss.nodes.filter((node) => !losses.has(node as never)),
    results,
    extras: new Set(),
    given,
  });
  body.write("    ");
  const signature = [...given.values()].join(", ");
  const rows = `${variable(targets[0]?.name ?? model.inputs[0]!.name)}.shape[0]`;
  return [
    "",
    "",
    `def loss(${signature}):`,
    `    """The parts of the loss, each a sum over the rows that are here: divided by \`counts\` of all rows they are its means."""`,
    ...body.lines,
    `    return [${loss.terms.map((term) => termText(term, body, rows)).join(", ")}]`,
    "",
    "",
    `def counts(${targets.map(({ name }) => variable(name)).join(", ")}):`,
    `    """What each of them is a sum of: rows or targets that count."""`,
    `    return [${loss.terms.map((term) => countText(term, body, rows)).join(", ")}]`,
  ];
}

function termText({ node, value, weight, scale }: LossTerm, body: Body, rows: string): string {
  const factor = scale === 1 ? "" : `${number(scale)} * `;
  if (node?.op === "cross_entropy") {
    const { logits, targets } = node.operands;
    const parts = crossEntropyParts(
      body.read(logits),
      body.read(targets),
      logits.type.shape.length,
      node.attrs,
    );
    return `${factor}F.cross_entropy(${parts}, reduction="sum")`;
  }
  return weight.kind === "sum" ? `${factor}${body.read(value)}` : `${factor}${body.read(value)} * ${rows}`;
}

function countText({ node, weight }: LossTerm, body: Body, rows: string): string {
  if (node?.op === "cross_entropy") {
    const targets = body.read(node.operands.targets);
    return node.attrs.ignore === undefined
      ? `${targets}.numel()`
      : `(${targets} != ${node.attrs.ignore}).sum()`;
  }
  if (weight.kind === "sum") return "1";
  return weight.kind === "targets" ? `(${body.read(weight.targets)} != ${weight.ignore}).sum()` : rows;
}
