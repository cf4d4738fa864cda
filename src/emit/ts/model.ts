import type { Code } from "../../support/text.ts";
import { shareLoops } from "../../plan/loops.ts";
import { planOfPart, type PlanPart, type ProgramPlan } from "../../plan/plan.ts";
import type { CallTable } from "./calls.ts";
import { ModuleNames, slotName } from "./names.ts";
import { preparePlacing, runPlacing } from "./placing.ts";
import { prepareFunction, prepareWords } from "./prepare.ts";
import { arenaArrays, clockWords, runFunction, runWords } from "./run.ts";
import { stateLines } from "./state.ts";
import type { FloatFormat } from "./storage.ts";
import { tsTarget } from "./target.ts";
import { declaredIn } from "../module/helpers.ts";
import { inputRuntime } from "../module/runtime/inputs.ts";
import { optionsParameter } from "../module/runtime/types.ts";
import { matchText } from "../module/joined.ts";
import { elementRuntime } from "../module/runtime/weights.ts";
import { sessionEntries } from "../module/sessions.ts";
import {
  functionEntries,
  functionName,
  keepsState,
  ownParts,
  partNames,
  stateType,
} from "../module/surface.ts";
import { reservedWords } from "../module/words.ts";

/** The functions in which values of the model have names, which are given when all other words are known. */
export function functionsOf(
  program: ProgramPlan,
  { floats, profiles }: { readonly floats: FloatFormat; readonly profiles: boolean },
  table: CallTable,
): { readonly names: readonly ModuleNames[]; readonly model: Code[]; readonly prepare: Code[] } {
  const { shared, parts } = program;
  const inRun = runPlacing(shared, floats);
  const calls = parts.map((part) =>
    shareLoops(planOfPart(program, part), { target: tsTarget }).map((stage) => table.call(stage, inRun)),
  );
  const preparing = shared.prepare.map((step) => table.call(step, preparePlacing(floats)));
  const taken = [...reservedWords, ...functionWords(program, table), ...(profiles ? clockWords : [])];
  const own = new ModuleNames({ buffers: shared.buffers, symbols: [] }, floats, taken);
  const ofParts = parts.map(
    ({ symbols }) => new ModuleNames({ buffers: shared.buffers, symbols }, floats, taken),
  );
  const runs = new Map(
    parts.map((part, index) => [
      part,
      runFunction(program, part, ofParts[index]!, { calls: calls[index]!, profiles }),
    ]),
  );
  const steps = parts.flatMap((part) => part.steps);
  const prepare = prepareFunction(shared, steps, own, preparing);
  const model = createModel(program, own, runs, prepare.length > 0);
  return { names: [own, ...ofParts], model, prepare };
}

/** What those functions declare and read beside values of the model, which nothing of it may hide. */
export const functionWords = (program: ProgramPlan, { kernels }: Pick<CallTable, "kernels">): string[] => [
  ...modelWords,
  ...program.parts.flatMap((part) => [
    functionName(program, part, runWords),
    ...part.slots.map((_, slot) => slotName(slot)),
  ]),
  ...runWords,
  ...prepareWords,
  ...[elementRuntime, inputRuntime].flatMap(declaredIn),
  ...kernels.flatMap(({ declares }) => declares),
];

/** What `createModel` declares or reads around the functions of runs, itself among it. */
export const modelWords = [
  ...["source", "options", "tensors", "weights", "state", "f32", "f64", "i32"],
  ...["createModel", "matchWeights", "prepareWeights", "copyOfState", "replaceState"],
  ...[
    "samples",
    "name",
    "tensor",
    "samplesOf",
    "elementsOf",
    "form",
    "formWith",
    "openState",
    "sizes",
    "runs",
    "Session",
    "part",
    "names",
    "bytes",
  ],
];

function createModel(
  program: ProgramPlan,
  names: ModuleNames,
  runs: ReadonlyMap<PlanPart, readonly Code[]>,
  hasWeights: boolean,
): Code[] {
  const { floats } = names;
  const arrays = arenaArrays(program.shared, program.parts, floats);
  const [own, inSessions] = [
    ownParts(program),
    program.parts.filter((part) => !ownParts(program).includes(part)),
  ];
  const runLines = (parts: readonly PlanPart[]): Code[] => parts.flatMap((part) => ["", ...runs.get(part)!]);
  return [
    "/** The model with its weights; throws WeightsError if they do not fit. */",
    `export function createModel(source«: WeightSource», ${optionsParameter(program)})«: Model» {`,
    [
      ...weightLines(program, hasWeights),
      ...(program.sessions === undefined ? stateLines(program, names) : formLines),
      ...(arrays.length === 0
        ? []
        : [
            floats === "f32"
              ? "// Memory of the runs; floats and whole numbers are two views of one piece."
              : "// Memory of the runs.",
          ]),
      ...arrays.map(({ name, type }) => `let ${name} = new ${type}(0);`),
      ...runLines(own),
      ...(program.sessions === undefined ? [] : ["", ...openFunction(program, names, runLines(inSessions))]),
      "",
      ...returnLines(program),
    ],
    "}",
  ];
}

/** What sessions know of the program and its weights. */
const formLines = [
  "const samples = samplesOf(tensors);",
  "for (const [name, tensor] of tensors) samples.get(name)«!».seeAll(elementsOf(tensor));",
  "const form = formWith(samples);",
];

/** What a model is. */
function returnLines(program: ProgramPlan): Code[] {
  const functions = functionEntries(program, runWords);
  const state = keepsState(program)
    ? [
        `readState: () => copyOfState(state)« as Record<string, ${stateType(program)}>»,`,
        "writeState: (source) => replaceState(state, source),",
      ]
    : sessionEntries(program);
  if (state.length === 0) return [`return { ${functions.join(", ")} };`];
  return ["return {", [...functions.map((name) => `${name},`), ...state], "};"];
}

/** The function that makes the state of a session, and what runs on it. */
function openFunction(program: ProgramPlan, names: ModuleNames, runs: readonly Code[]): Code[] {
  const parts = program.parts.filter((part) => !ownParts(program).includes(part));
  const entries = parts.map(
    (part) => `${partNames(program, part).run}: ${functionName(program, part, runWords)}`,
  );
  return [
    "/** The state of a session, and what runs on it. */",
    "function openState(sizes«: StateSizes»)«: PartsModel» {",
    [
      ...stateLines(program, names),
      ...runs,
      "",
      `const runs = { ${entries.join(", ")} };`,
      "return {",
      [
        "run: (part, inputs, dims) => runs[part« as keyof typeof runs»](inputs« as never», dims« as never»)« as unknown as StateTensors»,",
        "readState: (names) => copyOfState(state, names),",
        "writeState: (source) => replaceState(state, source),",
        "close: () => {},",
      ],
      "};",
    ],
    "}",
  ];
}

/** The lines that find the weights and prepare what is made of them. */
function weightLines(program: ProgramPlan, hasWeights: boolean): string[] {
  const { shared, sessions } = program;
  const match = matchText(program, "whole");
  if (sessions === undefined && shared.state.every(({ kind }) => kind === "kept"))
    return [hasWeights ? `const weights = prepareWeights(${match});` : `${match};`];
  const tensors = `const tensors = ${match};`;
  return hasWeights ? [tensors, "const weights = prepareWeights(tensors);"] : [tensors];
}
