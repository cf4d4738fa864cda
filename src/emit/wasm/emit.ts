import { layoutCode, plural, type Code } from "../../support/text.ts";
import { programOf, type Plan, type ProgramPlan } from "../../plan/plan.ts";
import { commentText, finishText, identifier, Names, typesOnly } from "../module/text.ts";
import { reservedWords } from "../module/words.ts";
import { notLinted, sourceName, tensorsText } from "../module/comments.ts";
import type { EmittedFile } from "../module/file.ts";
import { declaredIn, partsFor } from "../module/helpers.ts";
import { dimsFunction, dimsType, inputReaders, partFunction } from "../module/host/inputs.ts";
import { joinedPiece } from "../module/joined.ts";
import type { Piece } from "../module/piece.ts";
import { parameterTable } from "../module/parameters.ts";
import { inputRuntime } from "../module/runtime/inputs.ts";
import { readerRuntime } from "../module/runtime/reader.generated.ts";
import { publicTypes, modelType, type SurfaceWords } from "../module/runtime/types.ts";
import { streamRuntime, weightRuntime } from "../module/runtime/weights.ts";
import { sessionPiece } from "../module/sessions.ts";
import { readsState, symbolsOfParts } from "../module/surface.ts";
import { binaryLines, kernelLines, workerLines } from "./code-lines.ts";
import { KernelTable, type KernelOf } from "./kernel-table.ts";
import { kernelOf as kernelOfTable } from "./kernels/table.ts";
import { calledStages, listFunction } from "./lists.ts";
import { modelLines, inputsFunction, partTable, resultsFunction, stateFunction } from "./model.ts";
import { ListNames } from "./names.ts";
import { hostRuntime, hostTypes, threadOptions } from "./runtime/host.ts";
import { profileRuntime } from "./runtime/profile.ts";
import { listRuntime, listTypes } from "./runtime/lists.ts";
import { modelRuntime, modelTypes, sessionStateRuntime, stateRuntime, stateTypes } from "./runtime/model.ts";
import { threadRuntime, threadTypes } from "./runtime/threads.ts";
import { lastingBuffers, loadFunction, placesFunction, preparedCalls } from "./weights.ts";
import { threadsWorth } from "./work.ts";

export type WasmOptions = {
  /** Lines for the comment at the top. */
  readonly notes?: readonly string[];
  /** What writes kernels: lmg's own if it is left off. */
  readonly kernelOf?: KernelOf;
} & (
  | {
      /** False writes JavaScript: the same text without its types. */
      readonly types?: boolean;
      readonly profiles?: false;
    }
  /** Models have `profiles` too, which time the steps of each part one by one; for measures, so there are no types. */
  | { readonly types: false; readonly profiles: boolean }
);

/**
 * One standalone module, `<model>.ts` (or `.js`): kernels as WebAssembly with SIMD, and what runs them in one thread or
 * several: `createModel`, `loadSafetensors` and their types, the steps in order. Valid under `tsc --strict` with the types
 * of the DOM; only erasable types. It imports nothing but Node's workers, in Node, if it runs in several threads.
 */
export function emitWasm(
  plan: Plan | ProgramPlan,
  options: WasmOptions = {},
): { files: readonly EmittedFile[] } {
  const types = options.types ?? true;
  const program = "parts" in plan ? plan : programOf(plan);
  const text = finishText(moduleText(program, options), types);
  return { files: [{ path: `${identifier(program.name)}.${types ? "ts" : "js"}`, text }] };
}

const words: SurfaceWords = {
  runs: [
    "Runs the model. The run-time dims come from the shapes of the inputs. The results are the caller's; all other memory",
    "is kept for the next run, and grows when the inputs do. Runs that overlap wait for each other.",
  ],
  changes: [
    "Runs one step, which changes the state. The run-time dims come from the shapes of the inputs. The results are the",
    "caller's; all other memory is kept for the next run, and grows when the inputs do. Runs that overlap wait for each",
    "other.",
  ],
  isLater: true,
  parameters: ", options?: RunOptions",
  more: [
    "/** How many threads run it. */",
    "readonly threads: number;",
    "/** Ends the threads and frees the memory. */",
    "readonly close: () => void;",
  ],
};

/** The pieces of a module that do not depend on its steps: those before them, and those after. */
function frameOf(
  program: ProgramPlan,
  profiles: boolean,
): {
  readonly surface: readonly Piece[];
  readonly runtime: readonly Piece[];
} {
  const hasState = readsState(program);
  return {
    surface: [
      publicTypes(program, modelType(program, words)),
      dimsType(program),
      ...[
        threadOptions,
        listTypes,
        threadTypes,
        hostTypes,
        modelTypes,
        ...(hasState ? [stateTypes] : []),
      ].map(asTypes),
      parameterTable(program.shared),
    ],
    runtime: [
      ...[hostRuntime, threadRuntime, listRuntime, modelRuntime],
      ...(hasState ? [stateRuntime] : []),
      ...(program.sessions === undefined ? [] : [sessionStateRuntime, sessionPiece(program)]),
      ...(profiles ? [profileRuntime] : []),
      ...[weightRuntime, readerRuntime, streamRuntime, joinedPiece(program, "streamed")],
    ],
  };
}

const asTypes = ({ declares, code }: Piece): Piece => ({ declares, code: typesOnly(code as string[]) });

function moduleText(
  program: ProgramPlan,
  { notes = [], kernelOf = kernelOfTable, profiles = false }: WasmOptions,
): string {
  const { shared, parts } = program;
  const { surface, runtime } = frameOf(program, profiles);
  const table = new KernelTable(
    new Names([
      ...reservedWords,
      ...[...surface, ...runtime].flatMap(({ declares }) => declares),
      ...[...declaredIn(inputRuntime), ...ownWords],
      ...parts.flatMap((part) => partWords.map((word) => partFunction(program, part, word))),
    ]),
    kernelOf,
  );
  const lasting = lastingBuffers(program);
  const prepared = preparedCalls(program, table, lasting);
  const called = parts.map((part) => calledStages(program, part, table));
  const taken = [...reservedWords, ...functionWords, ...table.kernels.map(({ name }) => name)];
  const names = (symbols: Plan["symbols"]): ListNames =>
    new ListNames(shared, symbols, taken, (buffer) => lasting.has(buffer));
  const sections: readonly (readonly Code[])[] = [
    header(program, table.kernels.length, notes),
    notLinted,
    ...surface.map(({ code }) => code),
    modelLines(program, profiles),
    partTable(program),
    ...parts.map((part, index) => listFunction(program, part, called[index]!, names(part.symbols))),
    placesFunction(program, names([]), lasting),
    loadFunction(program, prepared, names([]), lasting),
    ...(readsState(program) ? [stateFunction(program, names([]))] : []),
    ...parts.flatMap((part) => [
      dimsFunction(program, part),
      inputsFunction(program, part),
      resultsFunction(program, part),
    ]),
    kernelLines(table),
    codeLines(program, table),
    ...runtime.map(({ code }) => code),
    ...partsFor(inputRuntime, ["InputError", ...inputReaders(program)]),
  ];
  return sections
    .filter((section) => section.length > 0)
    .map((section) => layoutCode(section))
    .join("\n");
}

/** What the functions of a part are called, or begin with. */
const partWords = ["listSteps", "bindDims", "readInputs", "resultsOf"];

/** Words that functions of lists read beside their own. */
const functionWords = ["wholeLines", "Math", "Float32Array", "Int32Array", "d", "_d"];

/** All that a module may declare beside its kernels, its surface and what stands in every module. */
const ownWords = [
  ...[
    "createModel",
    "loadModel",
    "loadSafetensors",
    "loadWeights",
    "parts",
    "placesOf",
    "statePlacesOf",
    "stateTensors",
  ],
  ...[
    "kernelCode",
    "kernelConstants",
    "relaxedProbe",
    "workerText",
    "SHARED_AT",
    "OWN_BYTE",
    "KERNEL_CONSTANT_BYTES",
    "THREADS_WORTH",
  ],
];

function header(program: ProgramPlan, kernels: number, notes: readonly string[]): string[] {
  const from = sourceName(program);
  const bound = symbolsOfParts(program).map(({ name, max }) =>
    max === undefined ? name : `${name} ≤ ${max}`,
  );
  const steps = program.parts.map(({ name, steps: { length } }) =>
    program.parts.length === 1 ? plural(length, "step") : `${name}: ${plural(length, "step")}`,
  );
  return [
    `// ${commentText(program.name)}${from === undefined ? "" : `, from ${commentText(from)}`}, as WebAssembly: written by lmg. Change the model, not this file.`,
    "//",
    `// ${tensorsText(program.shared)}, ${steps.join(", ")}, ${plural(kernels, "kernel")}.`,
    ...(bound.length === 0 ? [] : [`// Sizes that the inputs bring: ${bound.join(", ")}.`]),
    ...(notes.length === 0 ? [] : ["", ...notes].map((line) => `// ${line}`.trimEnd())),
  ];
}

const sumsCodes = ({ parts }: ProgramPlan): boolean =>
  parts.some(({ steps }) =>
    steps.some(
      ({ op, attrs }) =>
        (op === "packed_linear" || op === "packed_routed_linear") && attrs.activations === "int8",
    ),
  );

/** The binary code, and what of the plan stands beside it. */
function codeLines(program: ProgramPlan, table: KernelTable): string[] {
  return [
    ...binaryLines(table, sumsCodes(program)),
    "",
    "/** Threads that a run is worth: one for each 4 million floating-point operations, where each run-time size is 16. */",
    `const THREADS_WORTH = ${threadsWorth(program)};`,
    "",
    ...workerLines,
  ];
}
