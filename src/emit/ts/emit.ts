import { layoutCode, plural, type Code } from "../../support/text.ts";
import type { Plan } from "../../plan/plan.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { sizeOf } from "../../tensor/host.ts";
import { CallTable } from "./calls.ts";
import { helpers, helpersFor } from "./helpers/table.ts";
import { ModuleNames } from "./names.ts";
import { prepareFunction } from "./prepare.ts";
import { runFunction } from "./run.ts";
import { inputRuntime } from "./runtime/inputs.ts";
import { safetensorsRuntime } from "./runtime/safetensors.ts";
import { publicTypes } from "./runtime/types.ts";
import { intRuntime, weightRuntime } from "./runtime/weights.ts";
import { commentText, finishText, identifier, literal } from "./text.ts";
import { sourceName } from "./comments.ts";

export interface TypeScriptOptions {
  /** False writes JavaScript: the same text without its types. */
  readonly types?: boolean;
}

export interface EmittedFile {
  readonly path: string;
  readonly text: string;
}

/**
 * One standalone module, `<model>.ts` (or `.js`): `createModel`, `loadSafetensors` and their types, the steps in order,
 * and each kernel once. Valid under `tsc --strict` without `noUncheckedIndexedAccess`, with ES2023 and nothing of Node
 * or the DOM but TextDecoder; only erasable types.
 */
export function emitTypeScript(
  plan: Plan,
  options: TypeScriptOptions = {},
): { files: readonly EmittedFile[] } {
  const types = options.types ?? true;
  const names = new ModuleNames(plan);
  const calls = new CallTable(names);
  const run = runFunction(plan, names, calls);
  const prepare = prepareFunction(plan, names, calls);
  const used = helpersFor(calls.helpers);
  const wholes = plan.parameters.some(({ dtype, buffer }) => !isFloat(dtype) && buffer !== undefined);
  const sections: Code[][] = [
    header(plan, calls.kernels.length),
    publicTypes(plan),
    parameterTable(plan),
    createModel(run),
    prepare,
    ...calls.kernels.map((kernel) => [...kernel]),
    ...used.map((name) => [...helpers[name].code]),
    [...weightRuntime, ...(wholes ? ["", ...intRuntime] : [])],
    inputRuntime,
    safetensorsRuntime,
  ];
  const text = sections.map((section) => layoutCode(section)).join("\n");
  return {
    files: [{ path: `${identifier(plan.name)}.${types ? "ts" : "js"}`, text: finishText(text, types) }],
  };
}

function header(plan: Plan, kernels: number): string[] {
  const count = plan.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const from = sourceName(plan);
  const bound = plan.symbols.map(({ name, max }) => (max === undefined ? name : `${name} ≤ ${max}`));
  return [
    `// ${commentText(plan.name)}${from === undefined ? "" : `, from ${commentText(from)}`}: written by lmg. Change the model, not this file.`,
    "//",
    `// ${count.toLocaleString("en-US")} parameters in ${plural(plan.parameters.length, "tensor")}, ` +
      `${plural(plan.steps.length, "step")}, ${plural(kernels, "kernel")}.`,
    ...(bound.length === 0 ? [] : [`// Sizes that the inputs bring: ${bound.join(", ")}.`]),
  ];
}

const parameterTable = (plan: Plan): Code[] => [
  "/** The tensors that the weights must have. */",
  "export const parameters«: readonly Parameter[]» = [",
  plan.parameters.map(
    ({ name, shape, dtype }) =>
      `{ name: ${literal(name)}, shape: [${shape.join(", ")}], dtype: "${dtype}" },`,
  ),
  "];",
];

const createModel = (run: readonly Code[]): Code[] => [
  "/** The model with its weights; throws WeightsError if they do not fit. */",
  "export function createModel(source«: WeightSource», options«: WeightOptions» = {})«: Model» {",
  [
    "const weights = prepareWeights(matchWeights(source, options));",
    "// Memory of the runs: one piece, seen as floats and as whole numbers.",
    "let f32 = new Float32Array(0);",
    "let i32 = new Int32Array(0);",
    "",
    ...run,
    "",
    "return { run };",
  ],
  "}",
];
