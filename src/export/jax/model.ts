import type { Graph, Input, Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isStack } from "../../ir/stacks.ts";
import { rollGraph } from "../../ir/roll/roll.ts";
import { constantDim } from "../../tensor/dim.ts";
import { partName } from "../../tensor/stack-names.ts";
import type { TrainableModel } from "../../train/program.ts";
import { Refused } from "../table.ts";
import { belowImports } from "../python/format.ts";
import { fileName } from "../torch/comments.ts";
import { number, text, tupleText } from "../torch/python.ts";
import { folded, initLines, trainLines } from "../torch/recipe.ts";
import { parameterAxes } from "./axes.ts";
import { Body } from "./body.ts";
import { FileText } from "./file.ts";
import { parameterText, stepText } from "./fixed.ts";
import { variable } from "./names.ts";
import { dtypeText } from "./ops/shapes.ts";

export interface ModelInput {
  /** As the model trains: dropout is in it, which is nothing without a key. */
  readonly graph: Graph;
  readonly train: TrainableModel | undefined;
  /** The path of the model's text. */
  readonly source: string;
  readonly version: string;
}

/** The one file of a model. */
export function modelText({ graph, train, source, version }: ModelInput): string {
  const { parts } = rollGraph(graph);
  const file = new FileText(graph, parts);
  const model = modelFunction(file, parts);
  const loss = train === undefined ? [] : [lossFunction(file, train, graph)];
  const recipe =
    train === undefined ? [] : [trainLines(recipeOf(train), train.train.graph).join("\n"), stepText];
  const body = [
    ...file.texts(),
    model,
    ...loss,
    [
      ...tableLines(file),
      "",
      "# How parameters begin.",
      "INIT = {",
      ...initLines(graph.parameters),
      "}",
    ].join("\n"),
    parameterText,
    ...recipe,
  ].join("\n\n\n");
  const uses = (word: string): boolean => body.includes(word);
  const imports = [
    `# ${fileName(source)} as JAX, written by lmg ${version}. Parameters have the names of its checkpoints; those of a repeat are stacked.`,
    ...(uses("functools.") ? ["import functools"] : []),
    "import glob",
    ...(uses("math.") ? ["import math"] : []),
    "import os",
    "import re",
    "",
    "import jax",
    "import jax.numpy as jnp",
    "import numpy as np",
    ...(uses("optax.") ? ["import optax"] : []),
    ...(uses("lax.") ? ["from jax import lax"] : []),
    "from jax.sharding import NamedSharding",
    "from jax.sharding import PartitionSpec as P",
    "from safetensors.flax import load_file, save_file",
  ];
  return `${belowImports(imports, body)}\n`;
}

function recipeOf({ train }: TrainableModel): TrainableModel["train"] {
  if (train.optimizer?.name === "muon") throw new Refused("optimizer", "muon");
  const [rule] = train.rules;
  if (rule !== undefined)
    throw new Refused("optimizer", `\`${rule.setting}\` by name: the step here has one for all parameters`);
  const [after] = train.after;
  if (after !== undefined)
    throw new Refused("optimizer", `\`${after.text}\`: nothing stands after the step here`);
  return train;
}

/** Which parameters are stacked, and over what the axes of each are spread. */
function tableLines(file: FileText): readonly string[] {
  const axes = parameterAxes(file.graph);
  const parts = file.graph.parameters.flatMap(({ name, value }) => {
    const { shape } = value.type;
    const own = axes.get(value) ?? shape.map(() => null);
    if (!isStack(name)) return [{ key: file.keyOf(name), own, shape }];
    // Each matrix of experts has a name of its own.
    return Array.from({ length: constantDim(shape[0]!)! }, (_, part) => ({
      key: file.keyOf(partName(name, part)),
      own: own.slice(1),
      shape: shape.slice(1),
    }));
  });
  const rows = parts.map(({ key, own }) => {
    const row = own.map((axis) => (axis === null ? "None" : text(axis)));
    return [key, `(${row.join(", ")}${row.length === 1 ? "," : ""})`] as const;
  });
  const shapes = new Map(parts.map(({ key, shape }) => [key, tupleText(shape)] as const));
  return [
    "# How many layers stand in one array, by the name of their repeat.",
    `DEPTH = {${file.stacks.map(([label, count]) => `${text(label)}: ${count}`).join(", ")}}`,
    "",
    "# Over which axes of a mesh each axis of a parameter is spread, that of the layers aside.",
    "AXES = {",
    ...folded([...new Map(rows)]).map(([name, row]) => `    ${text(name)}: ${row},`),
    "}",
    "",
    "# Every parameter and its shape, that axis aside.",
    "SHAPES = {",
    ...[...shapes].map(([name, shape]) => `    ${text(name)}: ${shape},`),
    "}",
  ];
}

const named = ({ inputs }: Graph): readonly { readonly input: Input; readonly name: string }[] =>
  inputs.map((input) => ({ input, name: variable(input.name) }));

const signature = (graph: Graph): readonly string[] =>
  named(graph).map(({ input, name }) => (input.fill === undefined ? name : `${name}=None`));

function modelFunction(file: FileText, parts: ReturnType<typeof rollGraph>["parts"]): string {
  const { graph } = file;
  const inputs = named(graph);
  const results = graph.outputs.map(({ value }) => value);
  const body = new Body({
    file,
    prefix: "",
    own: "params",
    parts,
    results,
    given: new Map(inputs.map(({ input, name }) => [input.value, name])),
  });
  body.write("    ");
  const needed = new Set([...body.extras, ...file.topSizes]);
  return [
    `def model(${["params", ...signature(graph), "key=None"].join(", ")}):`,
    '    """The outputs of the model; with a key it drops what it drops while it trains."""',
    ...sizeLines(inputs, needed),
    ...file.once.hoistedLines("    "),
    ...body.lines,
    `    return ${results.map((value) => body.read(value)).join(", ")}`,
  ].join("\n");
}

/** Sizes that are read off the inputs, and inputs that were left off. */
function sizeLines(
  inputs: readonly { readonly input: Input; readonly name: string }[],
  needed: ReadonlySet<string>,
): readonly string[] {
  const left = new Set(needed);
  const filled = inputs.filter(({ input }) => input.fill !== undefined);
  for (const { input } of filled)
    for (const size of input.value.type.shape) if (constantDim(size) === undefined) left.add(size.key);
  const sizes = inputs.flatMap(({ input, name }) => {
    if (input.fill !== undefined) return [];
    const targets = input.value.type.shape.map((size) => (left.delete(size.key) ? size.key : "_"));
    if (targets.every((target) => target === "_")) return [];
    return [`    ${targets.length === 1 ? `(${targets[0]!},)` : targets.join(", ")} = ${name}.shape`];
  });
  const fills = filled.flatMap(({ input, name }) => {
    const { dtype, shape } = input.value.type;
    const size = shape.map((each) => each.key).join(", ");
    const value = dtype === "bool" ? (input.fill === 0 ? "False" : "True") : number(input.fill!);
    return [
      `    if ${name} is None:`,
      `        ${name} = jnp.full((${size},), ${value}, ${dtypeText(dtype)})`,
    ];
  });
  return [...sizes, ...fills];
}

/** The loss of a batch, as the train section has it. */
function lossFunction(file: FileText, { train }: TrainableModel, model: Graph): string {
  const inModel = new Set<Node>(model.nodes);
  const loss = train.graph.outputs.find(({ name }) => name === "loss")!.value;
  const nodes = neededFor(
    train.graph.nodes.filter((node) => !inModel.has(node)),
    loss,
  );
  const targets = train.graph.inputs.filter(({ name }) => train.targets.includes(name));
  const given = new Map<Value, string>([
    ...model.outputs.map(({ name, value }) => [value, variable(name)] as const),
    ...named(model).map(({ input, name }) => [input.value, name] as const),
    ...targets.map(({ name, value }) => [value, variable(name)] as const),
  ]);
  const made = new Set(nodes.flatMap(({ results }) => results));
  for (const node of nodes)
    for (const value of operandValues(node))
      if (!made.has(value) && !given.has(value))
        throw new Refused("loss", "a loss that reads the inside of the model", node);
  const body = new Body({ file, prefix: "", own: "params", parts: nodes, results: [loss], given });
  body.write("    ");
  const inputs = named(model);
  const outputs = model.outputs.map(({ name }) => variable(name)).join(", ");
  const read = inputs.map(({ input, name }) => (input.fill === undefined ? name : `${name}=${name}`));
  const required = inputs.filter(({ input }) => input.fill === undefined).map(({ name }) => name);
  const optional = inputs.filter(({ input }) => input.fill !== undefined).map(({ name }) => `${name}=None`);
  const parameters = [
    "params",
    ...required,
    ...targets.map(({ name }) => variable(name)),
    ...optional,
    "key=None",
  ];
  return [
    `def loss(${parameters.join(", ")}):`,
    '    """The mean over a batch."""',
    ...sizeLines(
      targets.map((input) => ({ input, name: variable(input.name) })),
      body.extras,
    ),
    `    ${outputs} = model(${["params", ...read, "key=key"].join(", ")})`,
    ...body.lines,
    `    return ${body.read(loss)}`,
  ].join("\n");
}

function neededFor(nodes: readonly Node[], wanted: Value): readonly Node[] {
  const needed = new Set<Value>([wanted]);
  const kept = nodes.toReversed().filter((node) => {
    const isNeeded = node.results.some((value) => needed.has(value));
    if (isNeeded) for (const value of operandValues(node)) needed.add(value);
    return isNeeded;
  });
  return kept.reverse();
}
