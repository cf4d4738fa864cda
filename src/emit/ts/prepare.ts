import { append, largest } from "../../support/lists.ts";
import { operandViews, type PlanShared, type Step } from "../../plan/plan.ts";
import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import type { Code } from "../../support/text.ts";
import { callLines, type StageCall } from "./calls.ts";
import { stepComment } from "../module/comments.ts";
import type { ModuleNames } from "./names.ts";
import { keyText } from "../module/runtime/types.ts";
import { elementsIn } from "../../kernels/storage.ts";
import { layoutOf } from "../../plan/layout.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { tsTarget } from "./target.ts";
import { arrayType } from "./storage.ts";
import { literal, numberText } from "../module/text.ts";

/** What that function declares or reads whatever the model is, beside kernels and what reads weights. */
export const prepareWords = [
  ...["tensors", "_tensors", "scratch"],
  ...["Float32Array", "Float64Array", "Int32Array"],
];

/** The function that makes what the steps of runs read from the tensors of a checkpoint; nothing if they read none. */
export function prepareFunction(
  plan: PlanShared,
  steps: readonly Step[],
  names: ModuleNames,
  calls: readonly StageCall[],
): Code[] {
  const readByRun = staticReads(plan, steps);
  const readHere = staticReads(plan, plan.prepare);
  const isMade = (buffer: number): boolean => plan.buffers[buffer]!.home.kind === "prepared";
  const given = [...readHere].filter((buffer) => !isMade(buffer));
  const lines: Code[] = [
    ...given.map((buffer) => `const ${names.local(buffer)} = ${givenText(plan, buffer, names)};`),
    ...prepareLines(plan, names, calls),
  ];
  const entries = [...readByRun].map((buffer) => {
    const key = keyText(plan.buffers[buffer]!.name);
    const value =
      isMade(buffer) || readHere.has(buffer) ? names.local(buffer) : givenText(plan, buffer, names);
    return key === value ? `${key},` : `${key}: ${value},`;
  });
  if (lines.length + entries.length === 0) return [];
  const isRead = [...readByRun, ...readHere].some(
    (buffer) => plan.buffers[buffer]!.home.kind === "parameter",
  );
  const parameter = isRead ? "tensors" : "_tensors";
  return [
    "/** What the steps read: tensors of the checkpoint as they are, and those that are made of them once. */",
    `function prepareWeights(${parameter}«: Map<string, Tensor>») {`,
    [...lines, "return {", entries, "};"],
    "}",
  ];
}

function prepareLines(plan: PlanShared, names: ModuleNames, calls: readonly StageCall[]): Code[] {
  const made = new Set<number>();
  const scratch = largest(
    layoutOf(plan, tsTarget)
      .scratch(plan.prepare)
      .map((bytes) => evaluateDim(elementsIn("f32", bytes), new Map())),
    0,
  );
  const lines: Code[] =
    scratch === 0 ? [] : [`const scratch = new ${arrayType("f32", names.floats)}(${scratch});`];
  for (const [index, step] of plan.prepare.entries()) {
    lines.push("", stepComment(step));
    for (const { buffer } of step.results) {
      if (made.has(buffer)) continue;
      made.add(buffer);
      const { dtype, elements } = plan.buffers[buffer]!;
      lines.push(
        `const ${names.local(buffer)} = new ${arrayType(dtype, names.floats)}(${names.size(elements)});`,
      );
    }
    append(lines, callLines(calls[index]!, names.prepare, 2));
  }
  return lines;
}

/** The buffers without a place in the arena that steps read, in the order in which they first do. */
function staticReads(plan: PlanShared, steps: readonly Step[]): Set<number> {
  const reads = new Set<number>();
  for (const step of steps)
    for (const { buffer } of operandViews(step)) {
      const { kind } = plan.buffers[buffer]!.home;
      if (kind === "parameter" || kind === "constant" || kind === "prepared") reads.add(buffer);
    }
  return reads;
}

/** The array of a tensor that the model is given. */
const arrayText = (dtype: Dtype, name: string, names: ModuleNames): string =>
  `${names.reader(isFloat(dtype) ? "floats" : "ints")}(tensors, ${literal(name)})`;

/** The array of a parameter or a constant. */
function givenText(plan: PlanShared, buffer: number, names: ModuleNames): string {
  const { home, dtype } = plan.buffers[buffer]!;
  if (home.kind === "parameter") return arrayText(dtype, home.parameter, names);
  const values = home.kind === "constant" ? home.values : [];
  return `${arrayType(dtype, names.floats)}.of(${values.map(numberText).join(", ")})`;
}
