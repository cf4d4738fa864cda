import { rolesOf } from "../../autodiff/train/roles.ts";
import { decayedParameters } from "../../autodiff/train/step.ts";
import { hiddenMatrices } from "../../autodiff/train/muon.ts";
import { optimizerOf, type Optimizer } from "../../autodiff/train/optimizer.ts";
import type { Graph, Initializer, Parameter } from "../../ir/graph.ts";
import { rulesFor } from "../../lower/train/by-name.ts";
import type { LoweredTrain } from "../../lower/train/train.ts";
import { lowerEdges } from "../../passes/lower-edges.ts";
import { Refused } from "../table.ts";
import { starred } from "./comments.ts";
import { literal, number, text } from "./python.ts";

/** `"h.*.ln_1.weight": ("constant", 1),` for each, those of all iterations in one line. */
export function initLines(parameters: readonly Parameter[]): readonly string[] {
  return folded(parameters.map(({ name, init }) => [name, initText(init)] as const)).map(
    ([name, init]) => `    ${text(name)}: ${init},`,
  );
}

/** Names with the numbers of iterations as stars, where all that then have one name have one text too. */
export function folded(
  rows: readonly (readonly [name: string, text: string])[],
): readonly (readonly [string, string])[] {
  const texts = new Map<string, Set<string>>();
  for (const [name, row] of rows) {
    const key = starred(name);
    texts.set(key, (texts.get(key) ?? new Set()).add(row));
  }
  const found = new Map(
    rows.map(([name, row]) => [texts.get(starred(name))!.size === 1 ? starred(name) : name, row] as const),
  );
  return [...found];
}

/** As train.py draws it: the kind, and its numbers. */
function initText(init: Initializer): string {
  switch (init.kind) {
    case "constant":
      return `("constant", ${number(init.value)})`;
    case "values":
      return `("values", ${literal(init.values)})`;
    case "normal":
    case "truncated_normal":
      return `("${init.kind}", ${number(init.mean)}, ${number(init.std)})`;
    case "uniform":
      return `("uniform", ${number(init.low)}, ${number(init.high)})`;
    case "orthogonal":
    case "eye":
      return `("${init.kind}", ${number(init.gain)})`;
    case "unit":
      return `("unit", ${init.index}, ${number(init.gain)})`;
    case "xavier":
    case "he": {
      const fans = init.kind === "he" ? init.fanIn : (init.fanIn + init.fanOut) / 2;
      const deviation = number(init.gain / Math.sqrt(fans));
      return init.distribution === "normal"
        ? `("normal", 0, ${deviation})`
        : `("scaled_uniform", ${deviation})`;
    }
  }
}

/** What optimizers and schedules are called in train.py, with their numbers: the lines of `TRAIN`. */
export function trainLines(train: LoweredTrain, graph: Graph): readonly string[] {
  if (train.optimizer === undefined) throw new Refused("optimizer", "a train section without an optimizer");
  if (train.patience !== undefined)
    throw new Refused("optimizer", `\`patience ${train.patience}\`: train.py makes all of its steps`);
  const optimizer = optimizerOf(train.optimizer);
  const { name, ...options } = optimizer;
  const schedule = train.schedule ?? { name: "constant", options: {} };
  const rows: readonly (readonly [string, string])[] = [
    ["optimizer", text(name)],
    ["lr", literal(train.optimizer.options["lr"])],
    // Muon's steps of Newton and Schulz are no updates.
    ...Object.entries(options).map(
      ([key, value]) => [key === "steps" ? "newton_steps" : key, literal(value)] as const,
    ),
    ["schedule", text(schedule.name)],
    ...Object.entries(schedule.options).map(([key, value]) => [`schedule_${key}`, literal(value)] as const),
    ["clip", literal(train.clip)],
    ["batch", literal(train.batch)],
    ["accumulate", literal(train.accumulate ?? 1)],
    ["steps", literal(train.steps)],
    ["epochs", literal(train.epochs)],
    ["seed", literal(train.seed ?? 0)],
  ];
  return [
    "TRAIN = {",
    ...rows.map(([key, value]) => `    ${text(key)}: ${value},`),
    "}",
    "",
    ...groupLines(train, graph, optimizer),
  ];
}

/** What some parameters have for themselves, by their names. */
export function ruleLines({ rules }: LoweredTrain, graph: Graph): readonly string[] {
  const trained = graph.parameters.filter(({ trainable }) => trainable);
  const rows = folded(
    trained.map(({ name }) => {
      const own = Object.entries(rulesFor(rules, name));
      return [name, own.map(([setting, value]) => `${text(setting)}: ${number(value)}`).join(", ")] as const;
    }),
  ).filter(([, row]) => row !== "");
  return [
    "# What some have for themselves: a share of the rate, an eps, a decay.",
    ...tableLines(
      "RULES",
      rows.map(([name, row]) => [name, `{${row}}`]),
    ),
  ];
}

/** `NAME = {…}`: rows by names, all in one line if there are none. */
export const tableLines = (name: string, rows: readonly (readonly [string, string])[]): readonly string[] =>
  rows.length === 0
    ? [`${name} = {}`]
    : [`${name} = {`, ...rows.map(([key, row]) => `    ${text(key)}: ${row},`), "}"];

/** Which parameters weight decay reaches, and which Muon takes for matrices. */
function groupLines(train: LoweredTrain, graph: Graph, optimizer: Optimizer): readonly string[] {
  const lowered = lowerEdges.run(graph);
  const trained = graph.parameters.filter(({ trainable }) => trainable);
  const decayed = decayedParameters(
    lowered,
    trained,
    train.optimizer?.options["decay_on"] === "all" ? "all" : "matrices",
  );
  const lines = [
    "# Weight decay reaches these: matrices, tables and kernels.",
    ...setLines("DECAYED", trained, (each) => decayed.has(each)),
  ];
  if (optimizer.name !== "muon") return lines;
  const matrices = hiddenMatrices(lowered, trained, rolesOf(lowered, trained));
  return [
    ...lines,
    "# Muon makes the steps of these orthogonal.",
    ...setLines("MATRICES", trained, ({ value }) => matrices.has(value)),
  ];
}

function setLines(
  name: string,
  parameters: readonly Parameter[],
  has: (parameter: Parameter) => boolean,
): readonly string[] {
  const rows = folded(parameters.map((each) => [each.name, has(each) ? "yes" : ""] as const)).flatMap(
    ([key, row]) => (row === "" ? [] : [key]),
  );
  return rows.length === 0
    ? [`${name} = set()`]
    : [`${name} = {`, ...rows.map((row) => `    ${text(row)},`), "}"];
}
