import type { PlanPart } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, type Dim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { inputLines, needLines, partFunction } from "../../module/host/inputs.ts";
import { dimsName, sizeText } from "../../module/host/size.ts";
import { keyText } from "../../module/runtime/types.ts";
import { partNames } from "../../module/surface.ts";
import { literal } from "../../module/text.ts";
import { memoryName, type DispatchPart, type Dispatches } from "../dispatches.ts";

/** The function that reads the inputs of a part, checked, as they go to the device. */
export function inputsFunction({ program, buffers }: Dispatches, { plan }: DispatchPart): Code[] {
  const limits = idLimits(plan);
  const lines = plan.inputs.map((input, index) => {
    const local = `input${index}`;
    const limit = limits.get(input.buffer);
    return [
      ...inputLines(input, local, buffers),
      ...(limit === undefined ? [] : [checkLine(input.name, local, limit)]),
    ];
  });
  const entries = plan.inputs.map(
    ({ buffer }, index) => `[${literal(memoryName(buffers[buffer]!))}, input${index}],`,
  );
  const needs = needLines(plan);
  const d = dimsName([
    ...plan.needs.map(({ size }) => size),
    ...plan.inputs.flatMap(({ type, buffer }) => [...type.shape, buffers[buffer]!.elements]),
  ]);
  const { inputs } = partNames(program, plan);
  return [
    "/** The inputs and the memory that they go to. */",
    `function ${partFunction(program, plan, "readInputs")}(${entries.length === 0 ? "_inputs" : "inputs"}«: ${inputs}», ${d}«: Dims»)«: [string, Float32Array | Int32Array][]» {`,
    [...needs, ...lines.flat(), "return [", entries, "];"],
    "}",
  ];
}

const checkLine = (name: string, local: string, { rows, ignore }: IdLimit): string =>
  `checkIds(${literal(name)}, ${local}, ${rows}${ignore === undefined ? "" : `, ${ignore}`});`;

/** Checks ids where an input of a part has a limit. */
export const idRuntime = ({ parts }: Dispatches): string[] =>
  parts.some(({ plan }) => idLimits(plan).size > 0) ? checkIds : [];

const checkIds = [
  "/** A shader cannot refuse an id that is not in its table, so that is done before; `ignore` marks targets left out. */",
  "function checkIds(name«: string», ids«: ArrayLike<number>», rows«: number», ignore«?: number»)«: void» {",
  "  for (let i = 0; i < ids.length; i++)",
  "    if (!(ids[i]«!» >= 0 && ids[i]«!» < rows) && ids[i] !== ignore)",
  '      throw new InputError("the id " + ids[i] + " of " + name + " is not in a table of " + rows + " rows (0 to " + (rows - 1) + ")");',
  "}",
];

/** How many ids there are, and one that is none and allowed. */
interface IdLimit {
  readonly rows: number;
  readonly ignore: number | undefined;
}

/** For inputs that are ids of a table or classes of a loss: what they may be; of several readers the strictest. */
function idLimits(plan: PlanPart): Map<number, IdLimit> {
  const inputs = new Set(plan.inputs.map(({ buffer }) => buffer));
  const limits = new Map<number, IdLimit>();
  const limit = (buffer: number, size: Dim, ignore?: number): void => {
    const rows = constantDim(size);
    if (rows === undefined || !inputs.has(buffer)) return;
    const known = limits.get(buffer) ?? { rows, ignore };
    limits.set(buffer, {
      rows: Math.min(rows, known.rows),
      ignore: known.ignore === ignore ? ignore : undefined,
    });
  };
  for (const step of plan.steps) {
    if (step.op === "embedding") limit(step.operands.ids.buffer, step.operands.table.type.shape[0]!);
    else if (step.op === "cross_entropy" || step.op === "accuracy") {
      const { operands, attrs } = step;
      limit(operands.targets.buffer, operands.logits.type.shape.at(-1)!, attrs.ignore);
    }
  }
  return limits;
}

/** The function that makes the results of a part of what the device gives back. */
export function resultsFunction({ program, buffers }: Dispatches, { plan }: DispatchPart): Code[] {
  const entries = plan.outputs.map(({ name, type, buffer }) => {
    const shape = type.shape.map((size) => sizeText(size)).join(", ");
    const bytes = `bytes.get(${literal(memoryName(buffers[buffer]!))})«!»`;
    const count = sizeText(buffers[buffer]!.elements);
    const data = isFloat(type.dtype)
      ? `loadedFloats(${bytes}, ${count})`
      : `new Int32Array(${bytes}, 0, ${count})`;
    return `${keyText(name)}: { data: ${data}, shape: [${shape}] },`;
  });
  const { outputs } = partNames(program, plan);
  const bytes = entries.length === 0 ? "_bytes" : "bytes";
  const sizes = plan.outputs.flatMap(({ type, buffer }) => [...type.shape, buffers[buffer]!.elements]);
  return [
    "/** What the device gave back as the results of the model. */",
    `function ${partFunction(program, plan, "resultsOf")}(${bytes}«: ReadonlyMap<string, ArrayBuffer>», ${dimsName(sizes)}«: Dims»)«: ${outputs}» {`,
    ["return {", entries, "};"],
    "}",
  ];
}
