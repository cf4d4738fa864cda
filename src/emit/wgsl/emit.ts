import { layoutCode, plural, type Code } from "../../support/text.ts";
import type { SymbolDeclaration } from "../../ir/graph.ts";
import { programOf, type Plan, type PlanPart, type ProgramPlan } from "../../plan/plan.ts";
import { notLinted, sourceName, tensorsText } from "../module/comments.ts";
import type { EmittedFile } from "../module/file.ts";
import { dimsFunction, dimsType, fixedLines, inputReaders, partFunction } from "../module/host/inputs.ts";
import { matchText, joinedPiece } from "../module/joined.ts";
import { parameterTable } from "../module/parameters.ts";
import { partsFor } from "../module/helpers.ts";
import { sessionEntries, sessionPiece } from "../module/sessions.ts";
import { inputRuntime } from "../module/runtime/inputs.ts";
import { readerRuntime } from "../module/runtime/reader.generated.ts";
import { loadingLines } from "../module/runtime/safetensors.ts";
import { modelType, optionsParameter, publicTypes, type SurfaceWords } from "../module/runtime/types.ts";
import { streamRuntime, weightRuntime } from "../module/runtime/weights.ts";
import {
  hasState,
  keepsState,
  ownParts,
  partFixedDims,
  partNames,
  readsState,
  saidDims,
  stateType,
  symbolsOfParts,
} from "../module/surface.ts";
import { commentText, finishText, identifier, literal, typesOnly } from "../module/text.ts";
import { idRuntime, inputsFunction, resultsFunction } from "./host/inputs.ts";
import { memoryTables, runMemory, stateFunction, uploadTables } from "./host/memory.ts";
import { hasPicks, linkLine, pickConstants, picksMember } from "./host/picks.ts";
import { hasLists, kernelTable, stepTable } from "./host/steps.ts";
import { targetOf, type TargetOptions } from "./target.ts";
import { makeDispatches, type Dispatches } from "./dispatches.ts";
import { compileRuntime, groupRuntime } from "./runtime/compile.ts";
import { memoryRuntime } from "./runtime/memory.ts";
import { loadRuntime } from "./runtime/load.ts";
import { createRuntime } from "./runtime/model.ts";
import { readBackRuntime, runnerRuntime } from "./runtime/runner.ts";
import { keptType, tableTypes } from "./runtime/types.ts";
import { halfRuntime, wordRuntime } from "./runtime/words.ts";

export interface WgslOptions extends TargetOptions {
  /** False writes JavaScript: the same text without its types. */
  readonly types?: boolean;
  /** Lines for the comment at the top. */
  readonly notes?: readonly string[];
}

/**
 * One standalone module, `<model>.wgsl.ts` or `.wgsl.js`, which leaves `<model>.ts` to the other target: the shaders, each
 * once and readable, and the WebGPU host that runs them: `createModel(device, weights)` and its types. Valid under
 * `tsc --strict` with the WebGPU types of TypeScript 6's DOM library or of @webgpu/types; only erasable types.
 */
export function emitWgsl(
  plan: Plan | ProgramPlan,
  options: WgslOptions = {},
): { files: readonly EmittedFile[] } {
  const types = options.types ?? true;
  const program = "parts" in plan ? plan : programOf(plan);
  const text = finishText(moduleText(makeDispatches(program, targetOf(options)), options.notes ?? []), types);
  return { files: [{ path: `${identifier(program.name)}.wgsl.${types ? "ts" : "js"}`, text }] };
}

const words: SurfaceWords = {
  runs: [
    "Runs the model. The run-time dims come from the shapes of the inputs. Memory on the device is kept for the next run",
    "and grows when the inputs do. Runs that overlap wait for each other.",
  ],
  changes: [
    "Runs one step, which changes the state where it lies on the device. The run-time dims come from the shapes of the",
    "inputs. Memory on the device is kept for the next run and grows when the inputs do. Runs that overlap wait for each",
    "other.",
  ],
  isLater: true,
  readsSome: true,
  more: [
    "/** Frees the device's memory; the device itself is the caller's. */",
    "readonly destroy: () => void;",
  ],
};

/** What runs on the memory of another part is told no sizes but its own. */
const ownDims = (program: ProgramPlan, part: PlanPart): (readonly Code[])[] =>
  part.linked === undefined || part.symbols.length > 0 ? [dimsFunction(program, part)] : [];

function moduleText(all: Dispatches, notes: readonly string[]): string {
  const { program, target, parts } = all;
  const keepsSome = readsState(program);
  const upload = uploadTables(all);
  const state = keepsSome ? stateFunction(all) : [];
  const inputs: readonly (readonly Code[])[] = [
    ...parts.flatMap((part) => [
      ...ownDims(program, part.plan),
      inputsFunction(all, part),
      resultsFunction(all, part),
    ]),
    idRuntime(all),
  ];
  const fixed = fixedLines(program);
  const tables = [
    stepTable("prepare", "What is made of the weights, once.", all.prepare, all),
    ...parts.map((part) =>
      stepTable(partFunction(program, part.plan, "steps"), "The steps of a run, in order.", part.steps, all),
    ),
  ];
  const sections: readonly (readonly Code[])[] = [
    header(all, notes),
    notLinted,
    [
      ...publicTypes(program, modelType(program, words)).code,
      ...typesOnly(["", ...tableTypes, ...(keepsSome ? ["", ...keptType] : [])]),
    ],
    dimsType(program).code,
    parameterTable(program.shared).code,
    kernelTable(all),
    ...tables,
    memoryTables(all),
    upload,
    state,
    ...inputs,
    dimWords(symbolsOfParts(program)),
    partTable(all),
    createModel(all, fixed),
    sessionPiece(program).code,
    loadFunction(program),
    loadRuntime,
    runnerRuntime({
      hasState: keepsSome,
      hasSessions: program.sessions !== undefined,
      hasPicks: hasPicks(program),
    }),
    readBackRuntime,
    compileRuntime,
    ...partsFor(groupRuntime, hasLists(all) ? ["list"] : []),
    memoryRuntime,
    target.f16 !== undefined ? halfRuntime : wordRuntime,
    pickConstants(program),
    weightRuntime.code,
    ...partsFor(inputRuntime, inputReaders(program)),
    readerRuntime.code,
    streamRuntime.code,
    joinedPiece(program, "streamed").code,
  ].filter((section) => section.length > 0);
  return sections.map((section) => layoutCode(section)).join("\n");
}

function header({ program, kernels, parts }: Dispatches, notes: readonly string[]): string[] {
  const from = sourceName(program);
  const bound = symbolsOfParts(program).map(({ name, max }) =>
    max === undefined ? name : `${name} ≤ ${max}`,
  );
  const steps = parts.map(({ plan: { name }, steps: { length } }) =>
    parts.length === 1
      ? plural(length, "dispatch", "dispatches")
      : `${name}: ${plural(length, "dispatch", "dispatches")}`,
  );
  return [
    `// ${commentText(program.name)}${from === undefined ? "" : `, from ${commentText(from)}`}, for WebGPU: written by lmg. Change the model, not this file.`,
    "//",
    `// ${tensorsText(program.shared)}, ${steps.join(", ")}, ${plural(kernels.length, "kernel")}.`,
    ...(bound.length === 0 ? [] : [`// Sizes that the inputs bring: ${bound.join(", ")}.`]),
    ...(notes.length === 0 ? [] : ["", ...notes].map((line) => `// ${line}`.trimEnd())),
  ];
}

const loadFunction = (program: ProgramPlan): string[] =>
  loadingLines(optionsParameter(program, "LoadOptions"), "device«: GPUDevice»");

/** What the device must have been asked for. */
const neededFeatures = ({ target }: Pick<Dispatches, "target">): string[] => [
  ...(target.f16 === undefined ? [] : ["shader-f16"]),
  ...(target.subgroups ? ["subgroups"] : []),
];

/** `const parts = { run: { … } }`: what the functions of a model do. */
function partTable(all: Dispatches): Code[] {
  const { program, parts } = all;
  return [
    "/** What each function of a model runs, and with what memory. */",
    "const parts = {",
    parts.flatMap((part): Code[] => {
      const { run } = partNames(program, part.plan);
      const named = (name: string): string => partFunction(program, part.plan, name);
      return [
        `${run}: {`,
        [
          parts.length === 1 ? "steps," : `steps: ${named("steps")},`,
          "memory: [",
          runMemory(all, part),
          "]« satisfies readonly Memory[]»,",
          `read: ${named("readInputs")},`,
          `results: ${named("resultsOf")},`,
          ...linkLine(all, part.plan),
        ],
        "},",
      ];
    }),
    "};",
  ];
}

function createModel({ program, ...all }: Dispatches, fixed: readonly Code[]): Code[] {
  return [
    "/** Features that a device must have been requested with. */",
    `export const requiredFeatures«: readonly GPUFeatureName[]» = [${neededFeatures(all).map(literal).join(", ")}];`,
    "",
    ...createRuntime({
      options: optionsParameter(program, "LoadOptions"),
      match: matchText(program, "streamed"),
      state: program.sessions !== undefined ? "sessions" : keepsState(program) ? "own" : "none",
      stateType: stateType(program),
      fixed,
      runs: ownParts(program).map((part) => runMember(program, part)),
      sessionRuns: program.parts
        .filter((part) => hasState(program, part) && part.linked === undefined)
        .map((part) => runMember(program, part, true)),
      sessions: sessionEntries(program),
      picks: picksMember(program),
    }),
  ];
}

/** The function of a part as a member; with the types of what it takes where no type says them. */
function runMember(program: ProgramPlan, part: PlanPart, isTyped = false): string {
  const { run, inputs, dims } = partNames(program, part);
  const isSaid = saidDims(program, part).length > 0;
  const typed = (name: string, type: string): string => (isTyped ? `${name}«: ${type}»` : name);
  const parameters = [typed("inputs", inputs), ...(isSaid ? [typed("dims", dims)] : [])].join(", ");
  const given = [
    "inputs",
    ...(isSaid ? ["dims"] : []),
    ...(partFixedDims(program, part).length > 0 ? ["fixed"] : []),
  ];
  const bind = `${partFunction(program, part, "bindDims")}(${given.join(", ")})`;
  return `${run}: (${parameters}) => runner.run(parts.${run}, inputs, () => ${bind}),`;
}

/** The block of run-time dims as the shaders read it. */
const dimWords = (symbols: readonly SymbolDeclaration[]): Code[] => [
  `const DIM_BYTES = ${4 * Math.max(1, symbols.length)};`,
  "",
  "/** The run-time dims as shaders read them. */",
  symbols.length === 0
    ? "const dimWords = (_d«: Dims»)«: Uint32Array» => Uint32Array.of(0);"
    : `const dimWords = (d«: Dims»)«: Uint32Array» => Uint32Array.of(${symbols.map(({ name }) => `d.${name}`).join(", ")});`,
];
