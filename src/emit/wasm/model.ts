import type { PlanPart, ProgramPlan } from "../../plan/plan.ts";
import type { Code } from "../../support/text.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { fixedLines, inputLines, needLines, partFunction } from "../module/host/inputs.ts";
import { dimsName, sizeText } from "../module/host/size.ts";
import { matchText } from "../module/joined.ts";
import { loadingLines } from "../module/runtime/safetensors.ts";
import { keyText, optionsParameter } from "../module/runtime/types.ts";
import { sessionEntries } from "../module/sessions.ts";
import {
  hasState,
  keepsState,
  ownParts,
  partFixedDims,
  partNames,
  saidDims,
  stateType,
} from "../module/surface.ts";
import { literal, numberText } from "../module/text.ts";
import type { ListNames } from "./names.ts";

/** What makes a model: its memory filled, its threads started, its functions. */
export function modelLines(program: ProgramPlan, profiles: boolean): Code[] {
  const options = optionsParameter(program, "ThreadOptions");
  return [
    "/**",
    " * The model with its weights in memory, and its threads. Throws WeightsError for weights that do not fit the model,",
    " * EngineError where it cannot run.",
    " */",
    `export async function createModel(source«: WeightSource | StreamedSource», ${options})«: Promise<Model>» {`,
    [
      ...(keepsState(program) ? fixedLines(program) : []),
      `const tensors = ${matchText(program, "streamed")};`,
      ...(program.sessions === undefined ? [] : sampleLines),
      `const loaded = await loadModel(tensors, ${keepsState(program) ? "fixed" : "{}« as Dims»"}, options${program.sessions === undefined ? "" : ", see"});`,
      "const runner = runnerOf(loaded);",
      ...(profiles ? ["const profile = profilerOf(loaded, runner);"] : []),
      ...(keepsState(program) ? ["const kept = stateTensors(loaded.w, fixed);"] : []),
      ...openLines(program),
      "return {",
      [
        ...ownParts(program).flatMap((part) => runLines(program, part)),
        ...(keepsState(program)
          ? [
              `readState: () => runner.inTurn(() => copyOfState(loaded, kept))« as Promise<Record<string, ${stateType(program)}>>»,`,
              "writeState: (given) => runner.inTurn(() => replaceState(loaded, kept, given)),",
            ]
          : sessionEntries(program)),
        ...(profiles ? profileLines(program) : []),
        "threads: loaded.engine.ranks,",
        "close: runner.close,",
      ],
      "};",
    ],
    "}",
    "",
    ...loadingLines(options, ""),
    "",
    "async function loadModel(",
    [
      "tensors«: Map<string, Given>», fixed«: Dims», options«: ThreadOptions», see«: (name: string, first: number, elements: Elements) => void» = () => {},",
    ],
    ")«: Promise<Loaded>» {",
    [
      "const engine = await startEngine(options.threads);",
      "try {",
      [
        "const { place, end } = placesFrom(CONSTANTS_AT + KERNEL_CONSTANT_BYTES);",
        "const w = placesOf(place, fixed);",
        "await fillMemory(engine, end(), tensors, options, (list) => loadWeights(w, fixed, list), see);",
        "return { engine, w, from: end() };",
      ],
      "} catch (error) {",
      ["engine.close();", "throw error;"],
      "}",
    ],
    "}",
  ];
}

/** What shows parts of weights to the samples of them that sessions are told apart by. */
const sampleLines = [
  "const samples = samplesOf(tensors);",
  "const see = (name«: string», first«: number», elements«: Elements»)«: void» => samples.get(name)«!».see(first, elements);",
];

/** What makes the state of a session, and runs on it, if the model makes sessions. */
function openLines(program: ProgramPlan): Code[] {
  if (program.sessions === undefined) return [];
  const parts = program.parts.filter((part) => hasState(program, part));
  const entries = parts.map((part) => {
    const { run } = partNames(program, part);
    const { said, bind } = dimsTexts(program, part);
    return `${run}: { part: parts.${run}, bind: (inputs«: ${partNames(program, part).inputs}»${said === "" ? "" : `, dims«: ${partNames(program, part).dims}»`}) => ${bind} },`;
  });
  return [
    "const form = formWith(samples);",
    "const stateFor = statesOf(loaded, runner);",
    "/** The state of a session, and what runs on it. */",
    "const openState = async (sizes«: StateSizes») => {",
    [
      ...fixedLines(program),
      "return stateFor({",
      [
        "places: (place) => statePlacesOf(place, fixed),",
        "kept: (w) => stateTensors(w, fixed),",
        "parts: {",
        entries,
        "},",
      ],
      "});",
    ],
    "};",
  ];
}

/** The function of a part as a model has it. */
function runLines(program: ProgramPlan, part: PlanPart): string[] {
  const { run } = partNames(program, part);
  const { said, bind } = dimsTexts(program, part);
  return [`${run}: (inputs${said}, options) => runner.run(parts.${run}, inputs, () => ${bind}, options),`];
}

/** What says the run-time dims of a part's inputs, and what of them a caller says. */
function dimsTexts(program: ProgramPlan, part: PlanPart): { readonly said: string; readonly bind: string } {
  const said = saidDims(program, part).length > 0 ? ", dims" : "";
  const fixed = partFixedDims(program, part).length > 0 ? ", fixed" : "";
  return { said, bind: `${partFunction(program, part, "bindDims")}(inputs${said}${fixed})` };
}

/** What times the steps of each part. */
const profileLines = (program: ProgramPlan): Code[] => [
  "profiles: {",
  ownParts(program).map((part) => {
    const { run } = partNames(program, part);
    const { said, bind } = dimsTexts(program, part);
    return `${run}: (inputs${said}) => profile(parts.${run}, inputs, () => ${bind}),`;
  }),
  "},",
];

/** `const parts = { run: { … } }`: what the functions of a model do. */
export function partTable(program: ProgramPlan): Code[] {
  return [
    "/** What each function of a model does. */",
    "const parts = {",
    program.parts.map((part) => {
      const named = (name: string): string => partFunction(program, part, name);
      return `${partNames(program, part).run}: { list: ${named("listSteps")}, read: ${named("readInputs")}, results: ${named("resultsOf")} },`;
    }),
    "};",
  ];
}

/** The function that reads the inputs of a part, checked, each into an array of its own. */
export function inputsFunction(program: ProgramPlan, part: PlanPart): Code[] {
  const { buffers } = program.shared;
  const lines = [
    ...needLines(part),
    ...part.inputs.flatMap((input, index) => inputLines(input, `input${index}`, buffers)),
  ];
  const arrays = part.inputs.map((_, index) => `input${index}`);
  const d = dimsName([
    ...part.needs.map(({ size }) => size),
    ...part.inputs.flatMap(({ type }) => type.shape),
  ]);
  const inputs = part.inputs.length === 0 ? "_inputs" : "inputs";
  return [
    `function ${partFunction(program, part, "readInputs")}(${inputs}«: ${partNames(program, part).inputs}», ${d}«: Dims») {`,
    [...lines, `return [${arrays.join(", ")}];`],
    "}",
  ];
}

/** The function that makes the results of a part of the arrays that a run gives. */
export function resultsFunction(program: ProgramPlan, part: PlanPart): Code[] {
  const { outputs } = partNames(program, part);
  const entries = part.outputs.map(({ name, type }, index) => {
    const shape = type.shape.map((size) => sizeText(size)).join(", ");
    const array = isFloat(type.dtype) ? "Float32Array" : "Int32Array";
    return `${keyText(name)}: { data: data[${index}]« as ${array}», shape: [${shape}] },`;
  });
  const d = dimsName(part.outputs.flatMap(({ type }) => type.shape));
  return [
    `function ${partFunction(program, part, "resultsOf")}(data«: readonly (Float32Array | Int32Array)[]», ${d}«: Dims»)«: ${outputs}» {`,
    ["return {", entries, "};"],
    "}",
  ];
}

/** The function that says what passes from run to run, and where it lies. */
export function stateFunction(program: ProgramPlan, names: ListNames): Code[] {
  const entries = program.shared.state.map(({ name, type, init, buffer }) => {
    const shape = type.shape.map((size) => sizeText(size)).join(", ");
    const kind = isFloat(type.dtype) ? "f32" : "i32";
    const begin =
      program.sessions === undefined || init.kind !== "constant" ? "" : `, begin: ${numberText(init.value)}`;
    return `{ name: ${literal(name)}, at: ${names.start(buffer)}, shape: [${shape}], kind: "${kind}"${begin} },`;
  });
  const d = dimsName(program.shared.state.flatMap(({ type }) => type.shape));
  return [
    "/** What each run leaves as the next one finds it. */",
    `const stateTensors = (w«: Places», ${d}«: Dims»)«: readonly Kept[]» => [`,
    entries,
    "];",
  ];
}
