import { layoutCode, plural, type Code } from "../../support/text.ts";
import { programOf, type Plan, type ProgramPlan } from "../../plan/plan.ts";
import { CallTable } from "./calls.ts";
import { helpers } from "./helpers/table.ts";
import { functionsOf } from "./model.ts";
import { clockLine, clockWords } from "./run.ts";
import type { FloatFormat } from "./storage.ts";
import { inputRuntime } from "../module/runtime/inputs.ts";
import { safetensorsRuntime } from "../module/runtime/safetensors.ts";
import { modelType, publicTypes, type SurfaceWords } from "../module/runtime/types.ts";
import {
  elementRuntime,
  elementRuntime64,
  stateRuntime,
  weightRuntime,
  wholeRuntime,
} from "../module/runtime/weights.ts";
import { commentText, finishText, identifier, Names, typesOnly } from "../module/text.ts";
import { reservedWords } from "../module/words.ts";
import { notLinted, sourceName, tensorsText } from "../module/comments.ts";
import type { EmittedFile } from "../module/file.ts";
import { declaredIn, partsFor } from "../module/helpers.ts";
import type { Piece } from "../module/piece.ts";
import { sessionPiece } from "../module/sessions.ts";
import { joinedPiece } from "../module/joined.ts";
import { parameterTable } from "../module/parameters.ts";
import { readsState, symbolsOfParts } from "../module/surface.ts";

export type TypeScriptOptions = {
  /** Lines for the comment at the top. */
  readonly notes?: readonly string[];
} & (
  | {
      /** False writes JavaScript: the same text without its types. */
      readonly types?: boolean;
      readonly floats?: "f32";
      readonly profiles?: false;
    }
  /**
   * Keeps all floats in 64 bits, for measures that float32 would lose. Functions stay those of float32 (erf is right to
   * 1.2e-7), and so would types, so there are none.
   */
  | { readonly types: false; readonly floats: FloatFormat; readonly profiles?: false }
  /** Exports the `clock` that a run reads before and after each step; for measures too. */
  | { readonly types: false; readonly floats?: "f32"; readonly profiles: boolean }
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
  const { floats = "f32", profiles = false } = options;
  const program = "parts" in plan ? plan : programOf(plan);
  const frame = frameOf(program);
  const calls = new CallTable(
    new Names([...reservedWords, ...frameWords(frame), ...(profiles ? clockWords : [])]),
  );
  const { names, model, prepare } = functionsOf(program, { floats, profiles }, calls);
  const elements = floats === "f32" ? elementRuntime : elementRuntime64;
  const sections: readonly (readonly Code[])[] = [
    header(program, calls.kernels.length, options.notes ?? []),
    notLinted,
    frame.types.code,
    frame.parameters.code,
    profiles ? [clockLine] : [],
    model,
    prepare,
    ...calls.kernels.map(({ code }) => code),
    ...partsFor(helpers, calls.helpers),
    frame.weights.code,
    frame.whole.code,
    frame.packed.code,
    ...partsFor(
      elements,
      names.flatMap(({ readers }) => [...readers]),
    ),
    frame.state.code,
    frame.sessions.code,
    // What checks the names of inputs, in every run, brings the error that kernels throw as well.
    ...partsFor(
      inputRuntime,
      names.flatMap(({ checks }) => [...checks]),
    ),
    frame.files.code,
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

/** The pieces of a module that do not depend on its steps. */
interface Frame {
  readonly types: Piece;
  readonly parameters: Piece;
  readonly weights: Piece;
  readonly whole: Piece;
  readonly packed: Piece;
  readonly state: Piece;
  readonly sessions: Piece;
  readonly files: Piece;
}

function frameOf(program: ProgramPlan): Frame {
  const types = publicTypes(program, modelType(program, words));
  const hasState = readsState(program);
  return {
    types: hasState ? { declares: [...types.declares, "Kept"], code: [...types.code, ...keptType] } : types,
    parameters: parameterTable(program.shared),
    weights: weightRuntime,
    whole: wholeRuntime,
    packed: joinedPiece(program, "whole"),
    state: hasState ? stateRuntime : { declares: [], code: [] },
    sessions: sessionPiece(program),
    files: safetensorsRuntime(program),
  };
}

const keptType = typesOnly([
  "",
  "interface Kept {",
  "  readonly data: Float32Array | Int32Array;",
  "  readonly shape: readonly number[];",
  "}",
]);

/** All that a module may declare beside its kernels. */
const frameWords = (frame: Frame): string[] => [
  ...Object.values<Piece>({ ...frame }).flatMap(({ declares }) => declares),
  ...[helpers, elementRuntime, inputRuntime].flatMap(declaredIn),
  ...["createModel", "prepareWeights"],
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
    `// ${commentText(program.name)}${from === undefined ? "" : `, from ${commentText(from)}`}: written by lmg. Change the model, not this file.`,
    "//",
    `// ${tensorsText(program.shared)}, ${steps.join(", ")}, ${plural(kernels, "kernel")}.`,
    ...(bound.length === 0 ? [] : [`// Sizes that the inputs bring: ${bound.join(", ")}.`]),
    ...(notes.length === 0 ? [] : ["", ...notes].map((line) => `// ${line}`.trimEnd())),
  ];
}
