import { layoutCode, plural, type Code } from "../../support/text.ts";
import { programOf, type Plan, type ProgramPlan } from "../../plan/plan.ts";
import { CallTable } from "./calls.ts";
import { helpers } from "./helpers/table.ts";
import { ModuleNames } from "./names.ts";
import { prepareFunction } from "./prepare.ts";
import { arenaArrays, runFunction } from "./run.ts";
import { stateLines } from "./state.ts";
import type { FloatFormat } from "./storage.ts";
import { inputRuntime } from "../module/runtime/inputs.ts";
import { safetensorsRuntime } from "../module/runtime/safetensors.ts";
import { modelType, optionsParameter, publicTypes, type SurfaceWords } from "../module/runtime/types.ts";
import { elementRuntime, elementRuntime64, stateRuntime, weightRuntime } from "../module/runtime/weights.ts";
import { commentText, finishText, identifier, Names, typesOnly } from "../module/text.ts";
import { declaredWords, reservedWords, wordsOf } from "../module/words.ts";
import { notLinted, sourceName, tensorsText } from "../module/comments.ts";
import type { EmittedFile } from "../module/file.ts";
import { partsFor } from "../module/helpers.ts";
import { parameterTable } from "../module/parameters.ts";
import { functionEntries, stateType, symbolsOfParts } from "../module/surface.ts";

export type TypeScriptOptions = {
  /** Lines for the comment at the top. */
  readonly notes?: readonly string[];
} & (
  | {
      /** False writes JavaScript: the same text without its types. */
      readonly types?: boolean;
      readonly floats?: "f32";
    }
  /**
   * Keeps all floats in 64 bits, for measures that float32 would lose. Functions stay those of float32 (erf is right to
   * 1.2e-7), and so would types, so there are none.
   */
  | { readonly types: false; readonly floats: FloatFormat }
);

/**
 * One standalone module, `<model>.ts` (or `.js`): `createModel`, `loadSafetensors` and their types, the steps in order,
 * and each kernel once; of a program a function for each part, over one set of weights and one state. Valid under `tsc
 * --strict` with ES2023 and nothing of Node or the DOM but TextDecoder; only erasable types. A project that asks for more, such as `noUncheckedIndexedAccess`, is told to pass over it.
 */
export function emitTypeScript(
  plan: Plan | ProgramPlan,
  options: TypeScriptOptions = {},
): { files: readonly EmittedFile[] } {
  const types = options.types ?? true;
  const floats = options.floats ?? "f32";
  const program = "parts" in plan ? plan : programOf(plan);
  const calls = new CallTable(new Names([...reservedWords, ...declaredWords(frame(program))]));
  const { names, model, prepare } = functionsOf(program, floats, calls);
  const elements = floats === "f32" ? elementRuntime : elementRuntime64;
  const sections: readonly (readonly Code[])[] = [
    header(program, calls.kernels.length, options.notes ?? []),
    notLinted,
    typesOf(program),
    parameterTable(program.shared),
    model,
    prepare,
    ...calls.kernels,
    ...partsFor(helpers, calls.helpers),
    weightRuntime,
    ...partsFor(
      elements,
      names.flatMap(({ readers }) => [...readers]),
    ),
    ...(program.shared.state.length === 0 ? [] : [stateRuntime]),
    // What checks the names of inputs, in every run, brings the error that kernels throw as well.
    ...partsFor(
      inputRuntime,
      names.flatMap(({ checks }) => [...checks]),
    ),
    safetensorsRuntime(program),
  ].filter((section) => section.length > 0);
  const text = sections.map((section) => layoutCode(section)).join("\n");
  return {
    files: [{ path: `${identifier(program.name)}.${types ? "ts" : "js"}`, text: finishText(text, types) }],
  };
}

const words: SurfaceWords = {
  runs: [
    "Runs the model. The run-time dims come from the shapes of the inputs. The results are the caller's; all other memory",
    "is kept for the next run, and grows when the inputs do.",
  ],
  changes: [
    "Runs one step, which changes the state. The run-time dims come from the shapes of the inputs. The results are the",
    "caller's; all other memory is kept for the next run, and grows when the inputs do.",
  ],
  isLater: false,
  more: [],
};

const typesOf = (program: ProgramPlan): Code[] => [
  ...publicTypes(program, modelType(program, words)),
  ...(program.shared.state.length === 0 ? [] : keptType),
];

const keptType = typesOnly([
  "",
  "interface Kept {",
  "  readonly data: Float32Array | Int32Array;",
  "  readonly shape: readonly number[];",
  "}",
]);

/** All that a module may declare beside its kernels. */
const frame = (program: ProgramPlan): Code[] => [
  ...typesOf(program),
  ...[helpers, elementRuntime, inputRuntime].flatMap((parts) =>
    Object.keys(parts).map((name) => `const ${name}`),
  ),
  ...parameterTable(program.shared),
  ...weightRuntime,
  ...(program.shared.state.length === 0 ? [] : stateRuntime),
  ...safetensorsRuntime(program),
  ...["createModel", "prepareWeights"].map((name) => `function ${name}`),
];

/**
 * The functions in which values of the model have names. They are written once without names, and what words they then
 * hold is what no value may be called.
 */
function functionsOf(
  program: ProgramPlan,
  floats: FloatFormat,
  calls: CallTable,
): { readonly names: readonly ModuleNames[]; readonly model: Code[]; readonly prepare: Code[] } {
  const { shared, parts } = program;
  const write = (nameFor: (part: Pick<Plan, "buffers" | "symbols">) => ModuleNames) => {
    const own = nameFor({ buffers: shared.buffers, symbols: [] });
    const ofParts = parts.map(({ symbols }) => nameFor({ buffers: shared.buffers, symbols }));
    const runs = parts.map((part, index) => runFunction(program, part, ofParts[index]!, calls));
    const steps = parts.flatMap((part) => part.steps);
    const prepare = prepareFunction(shared, steps, own, calls);
    const model = createModel(program, own, runs, prepare.length > 0);
    return { names: [own, ...ofParts], model, prepare };
  };
  const { model, prepare } = write((part) => ModuleNames.unlike(part, floats));
  const taken = [...reservedWords, ...wordsOf([...model, ...prepare])];
  return write((part) => new ModuleNames(part, floats, taken));
}

function header(program: ProgramPlan, kernels: number, notes: readonly string[]): string[] {
  const from = sourceName(program);
  const bound = symbolsOfParts(program).map(({ name, max }) =>
    max === undefined ? name : `${name} ≤ ${max}`,
  );
  const steps = program.parts.map(({ name, steps: { length } }) =>
    program.parts.length === 1 ? plural(length, "step") : `${name}: ${plural(length, "step")}`,
  );
  return [
    `// ${commentText(program.name)}${from === undefined ? "" : `, from ${commentText(from)}`}: written by lmg. Change the model, not this file.`,
    "//",
    `// ${tensorsText(program.shared)}, ${steps.join(", ")}, ${plural(kernels, "kernel")}.`,
    ...(bound.length === 0 ? [] : [`// Sizes that the inputs bring: ${bound.join(", ")}.`]),
    ...(notes.length === 0 ? [] : ["", ...notes].map((line) => `// ${line}`.trimEnd())),
  ];
}

function createModel(
  program: ProgramPlan,
  names: ModuleNames,
  runs: readonly (readonly Code[])[],
  hasWeights: boolean,
): Code[] {
  const { floats } = names;
  const arrays = arenaArrays(program.shared, program.parts, floats);
  const hasState = program.shared.state.length > 0;
  const functions = functionEntries(program);
  return [
    "/** The model with its weights; throws WeightsError if they do not fit. */",
    `export function createModel(source«: WeightSource», ${optionsParameter(program)})«: Model» {`,
    [
      ...weightLines(program, hasWeights),
      ...stateLines(program, names),
      ...(arrays.length === 0
        ? []
        : [
            floats === "f32"
              ? "// Memory of the runs; floats and whole numbers are two views of one piece."
              : "// Memory of the runs.",
          ]),
      ...arrays.map(({ name, type }) => `let ${name} = new ${type}(0);`),
      ...runs.flatMap((run) => ["", ...run]),
      "",
      ...(hasState
        ? [
            "return {",
            [
              ...functions.map((name) => `${name},`),
              `readState: () => copyOfState(state)« as Record<string, ${stateType(program)}>»,`,
              "writeState: (source) => replaceState(state, source),",
            ],
            "};",
          ]
        : [`return { ${functions.join(", ")} };`]),
    ],
    "}",
  ];
}

/** The lines that find the weights and prepare what is made of them. */
function weightLines({ shared }: ProgramPlan, hasWeights: boolean): string[] {
  const match = "matchWeights(source, options)";
  if (shared.state.every(({ kind }) => kind === "kept"))
    return [hasWeights ? `const weights = prepareWeights(${match});` : `${match};`];
  const tensors = `const tensors = ${match};`;
  return hasWeights ? [tensors, "const weights = prepareWeights(tensors);"] : [tensors];
}
