import { layoutCode, plural, type Code } from "../../support/text.ts";
import type { Plan } from "../../plan/plan.ts";
import { notLinted, sourceName, tensorsText } from "../module/comments.ts";
import type { EmittedFile } from "../module/file.ts";
import { parameterTable } from "../module/parameters.ts";
import { partsFor } from "../module/helpers.ts";
import { inputRuntime } from "../module/runtime/inputs.ts";
import { readerRuntime } from "../module/runtime/safetensors.ts";
import { publicTypes } from "../module/runtime/types.ts";
import { elementRuntime, weightRuntime } from "../module/runtime/weights.ts";
import { commentText, finishText, identifier, literal, typesOnly } from "../module/text.ts";
import { dimField } from "./dims.ts";
import { dimsFunction, inputReaders, inputsFunction, resultLines, resultSizes } from "./host/inputs.ts";
import { dimsName } from "./host/size.ts";
import { elementReaders, memoryTables, stateTable, uploadFunction } from "./host/memory.ts";
import { hasLists, kernelTable, stepTable } from "./host/steps.ts";
import { targetOf, type TargetOptions } from "./kernel.ts";
import { makeProgram, type Program } from "./program.ts";
import { compileRuntime, groupRuntime } from "./runtime/compile.ts";
import { memoryRuntime } from "./runtime/memory.ts";
import { createRuntime } from "./runtime/model.ts";
import { modelType } from "./runtime/types.ts";
import { halfRuntime, wordRuntime } from "./runtime/words.ts";

export interface WgslOptions extends TargetOptions {
  /** False writes JavaScript: the same text without its types. */
  readonly types?: boolean;
}

/**
 * One standalone module, `<model>.wgsl.ts` or `.wgsl.js`, which leaves `<model>.ts` to the other target: the shaders, each
 * once and readable, and the WebGPU host that runs them: `createModel(device, weights)` and its types. Valid under
 * `tsc --strict` with the WebGPU types of TypeScript 6's DOM library or of @webgpu/types; only erasable types.
 */
export function emitWgsl(plan: Plan, options: WgslOptions = {}): { files: readonly EmittedFile[] } {
  const types = options.types ?? true;
  const text = finishText(moduleText(makeProgram(plan, targetOf(options))), types);
  return { files: [{ path: `${identifier(plan.name)}.wgsl.${types ? "ts" : "js"}`, text }] };
}

function moduleText(program: Program): string {
  const { plan, target } = program;
  const upload = uploadFunction(program);
  const inputs = [...dimsFunction(plan), "", ...inputsFunction(program)];
  const fields = plan.symbols.map(({ name }) => `  readonly ${dimField(name)}: number;`);
  const tables = [
    stepTable("prepare", "What is made of the weights, once.", program.prepare, program),
    stepTable("steps", "The steps of a run, in order.", program.steps, program),
  ];
  const sections: readonly (readonly Code[])[] = [
    header(program),
    notLinted,
    publicTypes(plan, modelType(plan.state.length > 0)),
    typesOnly(["/** The sizes that a run brings. */", "interface Dims {", ...fields, "}"]),
    parameterTable(plan),
    kernelTable(program),
    ...tables,
    memoryTables(program),
    ...(plan.state.length > 0 ? [stateTable(program)] : []),
    upload,
    inputs,
    dimWords(plan),
    createModel(program),
    loadRuntime(plan.state.length > 0),
    compileRuntime,
    ...partsFor(groupRuntime, hasLists(program) ? ["list"] : []),
    memoryRuntime(plan.state.length > 0),
    target.f16 !== undefined ? halfRuntime : wordRuntime,
    weightRuntime,
    ...partsFor(elementRuntime, elementReaders(program)),
    ...partsFor(inputRuntime, inputReaders(plan)),
    readerRuntime,
  ];
  return sections.map((section) => layoutCode(section)).join("\n");
}

function header({ plan, kernels, steps }: Program): string[] {
  const from = sourceName(plan);
  const bound = plan.symbols.map(({ name, max }) => (max === undefined ? name : `${name} ≤ ${max}`));
  return [
    `// ${commentText(plan.name)}${from === undefined ? "" : `, from ${commentText(from)}`}, for WebGPU: written by lmg. Change the model, not this file.`,
    "//",
    `// ${tensorsText(plan)}, ${plural(steps.length, "dispatch", "dispatches")}, ${plural(kernels.length, "kernel")}.`,
    ...(bound.length === 0 ? [] : [`// Sizes that the inputs bring: ${bound.join(", ")}.`]),
  ];
}

const loadRuntime = (hasState: boolean): string[] => [
  "/** Reads a safetensors file into a model; throws WeightsError for a file that is cut off or does not fit. */",
  `export const loadSafetensors = (device«: GPUDevice», bytes«: Uint8Array | ArrayBuffer», options«: ${hasState ? "ModelOptions" : "WeightOptions"}» = {})«: Promise<Model>» =>`,
  "  createModel(device, readSafetensors(bytes), options);",
];

/** What the device must have been asked for. */
const neededFeatures = ({ target }: Program): string[] => [
  ...(target.f16 === undefined ? [] : ["shader-f16"]),
  ...(target.subgroups ? ["subgroups"] : []),
];

function createModel(program: Program): Code[] {
  return [
    "/** Features that a device must have been requested with. */",
    `export const requiredFeatures«: readonly GPUFeatureName[]» = [${neededFeatures(program).map(literal).join(", ")}];`,
    "",
    ...createRuntime(program.plan.state.length > 0),
    "",
    "/** What the device gave back as the results of the model. */",
    `function resultsOf(bytes«: ReadonlyMap<string, ArrayBuffer>», ${dimsName(resultSizes(program))}«: Dims»)«: Outputs» {`,
    resultLines(program),
    "}",
  ];
}

/** The block of run-time dims as the shaders read it. */
const dimWords = ({ symbols }: Plan): Code[] => [
  `const DIM_BYTES = ${4 * Math.max(1, symbols.length)};`,
  "",
  "/** The run-time dims as shaders read them. */",
  symbols.length === 0
    ? "const dimWords = (_d«: Dims»)«: Uint32Array» => Uint32Array.of(0);"
    : `const dimWords = (d«: Dims»)«: Uint32Array» => Uint32Array.of(${symbols.map(({ name }) => `d.${dimField(name)}`).join(", ")});`,
];
