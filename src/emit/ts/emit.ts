import { layoutCode, plural, type Code } from "../../support/text.ts";
import type { Plan } from "../../plan/plan.ts";
import { CallTable } from "./calls.ts";
import { helpers } from "./helpers/table.ts";
import { ModuleNames } from "./names.ts";
import { prepareFunction } from "./prepare.ts";
import { arenaArrays, runFunction } from "./run.ts";
import type { FloatFormat } from "./storage.ts";
import { inputRuntime } from "../module/runtime/inputs.ts";
import { safetensorsRuntime } from "../module/runtime/safetensors.ts";
import { keepsState, keyText, publicTypes, runsAtOnce } from "../module/runtime/types.ts";
import { elementRuntime, elementRuntime64, weightRuntime } from "../module/runtime/weights.ts";
import { commentText, finishText, identifier, literal, Names } from "../module/text.ts";
import { declaredWords, reservedWords, wordsOf } from "../module/words.ts";
import { notLinted, sourceName, tensorsText } from "../module/comments.ts";
import type { EmittedFile } from "../module/file.ts";
import { partsFor } from "../module/helpers.ts";
import { parameterTable } from "../module/parameters.ts";

export type TypeScriptOptions =
  | {
      /** False writes JavaScript: the same text without its types. */
      readonly types?: boolean;
      readonly floats?: "f32";
    }
  /**
   * Keeps all floats in 64 bits, for measures that float32 would lose. Functions stay those of float32 (erf is right to
   * 1.2e-7), and so would types, so there are none.
   */
  | { readonly types: false; readonly floats: FloatFormat };

/**
 * One standalone module, `<model>.ts` (or `.js`): `createModel`, `loadSafetensors` and their types, the steps in order,
 * and each kernel once. Valid under `tsc --strict` with ES2023 and nothing of Node or the DOM but TextDecoder; only
 * erasable types. A project that asks for more, such as `noUncheckedIndexedAccess`, is told to pass over it.
 */
export function emitTypeScript(
  plan: Plan,
  options: TypeScriptOptions = {},
): { files: readonly EmittedFile[] } {
  const types = options.types ?? true;
  const floats = options.floats ?? "f32";
  const calls = new CallTable(new Names([...reservedWords, ...declaredWords(frame(plan))]));
  const { names, model, prepare } = functionsOf(plan, floats, calls);
  const sections: readonly (readonly Code[])[] = [
    header(plan, calls.kernels.length),
    notLinted,
    typesOf(plan),
    parameterTable(plan),
    model,
    prepare,
    ...calls.kernels,
    ...partsFor(helpers, calls.helpers),
    weightRuntime,
    ...partsFor(floats === "f32" ? elementRuntime : elementRuntime64, names.readers),
    // What checks the names of inputs, in every run, brings the error that kernels throw as well.
    ...partsFor(inputRuntime, names.checks),
    safetensorsRuntime,
  ].filter((section) => section.length > 0);
  const text = sections.map((section) => layoutCode(section)).join("\n");
  return {
    files: [{ path: `${identifier(plan.name)}.${types ? "ts" : "js"}`, text: finishText(text, types) }],
  };
}

const typesOf = (plan: Plan): Code[] => publicTypes(plan, plan.state.length === 0 ? runsAtOnce : keepsState);

/** All that a module may declare beside its kernels. */
const frame = (plan: Plan): Code[] => [
  ...typesOf(plan),
  ...[helpers, elementRuntime, inputRuntime].flatMap((parts) =>
    Object.keys(parts).map((name) => `const ${name}`),
  ),
  ...parameterTable(plan),
  ...weightRuntime,
  ...safetensorsRuntime,
  ...["createModel", "prepareWeights"].map((name) => `function ${name}`),
];

/**
 * The functions in which values of the model have names. They are written once without names, and what words they then
 * hold is what no value may be called.
 */
function functionsOf(
  plan: Plan,
  floats: FloatFormat,
  calls: CallTable,
): { readonly names: ModuleNames; readonly model: Code[]; readonly prepare: Code[] } {
  const write = (names: ModuleNames) => {
    const run = runFunction(plan, names, calls);
    const prepare = prepareFunction(plan, names, calls);
    return { names, model: createModel(plan, names, run, prepare.length > 0), prepare };
  };
  const { model, prepare } = write(ModuleNames.unlike(plan, floats));
  return write(new ModuleNames(plan, floats, [...reservedWords, ...wordsOf([...model, ...prepare])]));
}

function header(plan: Plan, kernels: number): string[] {
  const from = sourceName(plan);
  const bound = plan.symbols.map(({ name, max }) => (max === undefined ? name : `${name} ≤ ${max}`));
  return [
    `// ${commentText(plan.name)}${from === undefined ? "" : `, from ${commentText(from)}`}: written by lmg. Change the model, not this file.`,
    "//",
    `// ${tensorsText(plan)}, ${plural(plan.steps.length, "step")}, ${plural(kernels, "kernel")}.`,
    ...(bound.length === 0 ? [] : [`// Sizes that the inputs bring: ${bound.join(", ")}.`]),
  ];
}

function createModel(plan: Plan, names: ModuleNames, run: readonly Code[], hasWeights: boolean): Code[] {
  const arrays = arenaArrays(plan, names);
  return [
    "/** The model with its weights; throws WeightsError if they do not fit. */",
    "export function createModel(source«: WeightSource», options«: WeightOptions» = {})«: Model» {",
    [
      hasWeights
        ? "const weights = prepareWeights(matchWeights(source, options));"
        : "matchWeights(source, options);",
      ...(arrays.length === 0
        ? []
        : [
            names.floats === "f32"
              ? "// Memory of the runs; floats and whole numbers are two views of one piece."
              : "// Memory of the runs.",
          ]),
      ...arrays.map(({ name, type }) => `let ${name} = new ${type}(0);`),
      "",
      ...run,
      "",
      ...(plan.state.length === 0
        ? ["return { run };"]
        : ["return {", ["run,", "state: {", stateEntries(plan), "},"], "};"]),
    ],
    "}",
  ];
}

/** What passes from run to run, by name: the model's own arrays. */
const stateEntries = (plan: Plan): string[] =>
  plan.state.map(({ name, type }) => {
    const shape = type.shape.map((size) => size.key).join(", ");
    return `${keyText(name)}: { data: weights[${literal(name)}], shape: [${shape}] },`;
  });
