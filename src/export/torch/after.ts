import type { AfterStep } from "../../lower/train/by-name.ts";
import type { LoweredTrain } from "../../lower/train/train.ts";
import { isStack } from "../../ir/stacks.ts";
import { Refused } from "../table.ts";
import { Body } from "./body.ts";
import type { FileText } from "./file.ts";
import { Modules } from "./modules.ts";
import { folded, tableLines } from "./recipe.ts";

/** What parameters pass through when they have moved: functions of a whole tensor, and `AFTER`, which says whose they are. */
export function afterTexts(file: FileText, { after, graph }: LoweredTrain): readonly string[] {
  const names = new Map<string, string>();
  const passed = new Map<string, string[]>();
  for (const step of after) {
    const lines = bodyOf(file, step, graph);
    const known = names.get(lines) ?? `after_${names.size + 1}`;
    names.set(lines, known);
    passed.set(step.parameter, [...(passed.get(step.parameter) ?? []), known]);
  }
  const trained = graph.parameters.filter(({ trainable }) => trainable);
  const rows = folded(trained.map(({ name }) => [name, (passed.get(name) ?? []).join(", ")] as const));
  return [
    ...[...names].flatMap(([lines, name]) => ["", "", `def ${name}(w):`, lines]),
    "",
    "",
    "# What has moved passes through these, one after the other.",
    ...tableLines(
      "AFTER",
      rows.flatMap(([name, row]) => (row === "" ? [] : [[name, `[${row}]`] as const])),
    ),
  ];
}

function bodyOf(file: FileText, step: AfterStep, graph: LoweredTrain["graph"]): string {
  const { parameter, value, nodes, result } = step;
  if (isStack(parameter))
    throw new Refused("optimizer", `\`${step.text}\`: ${parameter} is several tensors in train.py`);
  const modules = new Modules();
  const body = new Body({
    file,
    graph: { ...graph, nodes, parameters: [] },
    modules,
    prefix: "",
    parts: nodes,
    results: [result],
    extras: new Set(),
    given: new Map([[value, "w"]]),
  });
  body.write("    ");
  const made = [...body.lines, `    return ${body.read(result)}`];
  if (modules.lines().length > 0)
    throw new Refused("optimizer", `\`${step.text}\`: it is a module of its own in PyTorch`);
  return made.join("\n");
}
