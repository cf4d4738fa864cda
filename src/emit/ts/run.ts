import { planOfPart, type Plan, type PlanInput, type PlanPart, type ProgramPlan } from "../../plan/plan.ts";
import { elementsIn } from "../../kernels/storage.ts";
import { layoutOf } from "../../plan/layout.ts";
import { sizeReads } from "../../plan/size-reads.ts";
import type { Code } from "../../support/text.ts";
import { showShape } from "../../tensor/type.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { constantDim, type Dim } from "../../tensor/dim.ts";
import { callLines, type StageCall } from "./calls.ts";
import { stepComment } from "../module/comments.ts";
import { slotName, type ModuleNames } from "./names.ts";
import { stepsOf } from "../../plan/loops.ts";
import { accessOf, keyText, takesText } from "../module/runtime/types.ts";
import { arrayType, type FloatFormat } from "./storage.ts";
import { STATE_DIMS } from "./state.ts";
import { tsTarget } from "./target.ts";
import { functionName, partFixedDims, partNames, runParameters, saidDims } from "../module/surface.ts";
import { literal, numberText } from "../module/text.ts";

/** What the functions of runs declare or read whatever the model is, beside slots, kernels and what checks inputs. */
export const runWords = [
  ...["inputs", "dims", "weights", "state", STATE_DIMS, "f32", "f64", "i32", "memory", "scratch", "words"],
  ...["Math", "Object", "ArrayBuffer", "Float32Array", "Float64Array", "Int32Array"],
];

/** The steps of a part with their kernels; `profiles`: the module's `clock` is read before and after each. */
export interface CalledSteps {
  readonly calls: readonly StageCall[];
  readonly profiles: boolean;
}

const readClock = "clock.push(performance.now());";

/** What a module that profiles declares or reads beside. */
export const clockWords = ["clock", "performance"];

/** The milliseconds at which the last run began its first step, and ended each. */
export const clockLine = "export const clock = [];";

/** The function that runs a part of the model: sizes, memory, inputs, steps, results. */
export function runFunction(
  program: ProgramPlan,
  part: PlanPart,
  names: ModuleNames,
  { calls, profiles }: CalledSteps,
): Code[] {
  const plan = planOfPart(program, part);
  const surface = partNames(program, part);
  const steps = stepLines(plan, names, calls);
  const results = plan.outputs.map(({ name, type, buffer }) => {
    const shape = type.shape.map((size) => names.size(size)).join(", ");
    return `${keyText(name)}: { data: ${names.local(buffer)}, shape: [${shape}] },`;
  });
  return [
    `function ${functionName(program, part, runWords)}(${runParameters(program, part)})«: ${surface.outputs}» {`,
    [
      `${names.check("checkInputNames")}(inputs, [${plan.inputs.map(({ name }) => literal(name)).join(", ")}]);`,
      ...symbolLines(program, part, names),
      ...plan.needs.map(
        ({ size, least, message }) =>
          `if (${names.size(size)} < ${least}) throw new InputError(${literal(message)});`,
      ),
      ...spaced(arenaLines(program, plan, names)),
      "",
      ...plan.inputs.flatMap((input) => inputLines(input, plan, names)),
      ...(profiles ? ["", "clock.length = 0;", readClock] : []),
      ...steps.flatMap((lines) => [...lines, ...(profiles ? [readClock] : [])]),
      "",
      "return {",
      results,
      "};",
    ],
    "}",
  ];
}

/** With an empty line before, if there is anything. */
const spaced = (lines: readonly Code[]): Code[] => (lines.length === 0 ? [] : ["", ...lines]);

/** Each run-time dim under its name, in its bounds. */
function symbolLines(program: ProgramPlan, part: PlanPart, names: ModuleNames): string[] {
  const fixed = new Set(partFixedDims(program, part).map(({ name }) => name));
  const read = sizeReads(part).flatMap(({ symbol: { name, max }, input, type, axis }) => {
    const local = names.symbol(name);
    const size = `${names.check("inputSize")}(${literal(input)}, ${accessOf(input)}, ${axis}, ${literal(showShape(type.shape))})`;
    if (fixed.has(name))
      return [
        `const ${local} = ${names.check("keptSize")}(${literal(name)}, ${size}, ${STATE_DIMS}.${name});`,
      ];
    const line = `const ${local} = ${size};`;
    if (max === undefined) return [line];
    const message = literal(`${name} is at most ${max}, got `);
    return [line, `if (${local} > ${max}) throw new InputError(${message} + ${local});`];
  });
  const bound = new Set(sizeReads(part).map(({ symbol }) => symbol.name));
  const kept = part.symbols.flatMap(({ name }) =>
    fixed.has(name) && !bound.has(name) ? [`const ${names.symbol(name)} = ${STATE_DIMS}.${name};`] : [],
  );
  const said = saidDims(program, part).map(
    ({ name, max = Infinity }) =>
      `const ${names.symbol(name)} = ${names.check("saidSize")}(${literal(name)}, { ...dims }, ${max});`,
  );
  return [...read, ...kept, ...said];
}

/** The typed arrays through which the steps see the arena. */
export function arenaArrays(
  { buffers }: Pick<Plan, "buffers">,
  parts: readonly PlanPart[],
  floats: FloatFormat,
): readonly { readonly name: string; readonly type: string }[] {
  const inArena = parts
    .flatMap(({ runBuffers }) => runBuffers)
    .map((buffer) => buffers[buffer]!)
    .filter(({ home }) => home.kind === "slot");
  const hasFloats =
    inArena.some(({ dtype }) => isFloat(dtype)) ||
    parts.some(({ steps }) => steps.some((step) => tsTarget.scratchOf?.(step) !== undefined));
  return [
    ...(hasFloats ? [{ name: floats, type: arrayType("f32", floats) }] : []),
    ...(inArena.some(({ dtype }) => !isFloat(dtype))
      ? [{ name: "i32", type: arrayType("i32", floats) }]
      : []),
  ];
}

/** Where each slot of the arena begins, and the arena itself, larger if it has to be. */
function arenaLines(program: ProgramPlan, plan: Plan, names: ModuleNames): Code[] {
  const arrays = arenaArrays(plan, program.parts, names.floats);
  const isUsed = arenaArrays(plan, [plan], names.floats).length > 0;
  if (!isUsed) return [];
  const layout = layoutOf(plan, tsTarget);
  const scratch = layout.scratch(plan.steps);
  const ends = [
    ...plan.slots.map((_, slot) => slotName(slot)),
    ...(scratch.length > 0 ? ["scratch"] : []),
    "words",
  ];
  // The arena is counted in words, whatever floats it holds.
  const sizes = [...layout.slots(plan), ...(scratch.length > 0 ? [scratch] : [])].map((region) =>
    region.map((bytes) => elementsIn("f32", bytes)),
  );
  const largest = (list: readonly Dim[]): string => {
    const texts = list.map((size) => names.size(size));
    return texts.length === 1 ? texts[0]! : `Math.max(${texts.join(", ")})`;
  };
  return [
    "// Where each slot of the arena begins; tensors that are never alive together share one.",
    ...ends.map((name, index) =>
      index === 0
        ? `const ${name} = 0;`
        : `const ${name} = ${ends[index - 1]!} + ${largest(sizes[index - 1]!)};`,
    ),
    `if (words > ${arrays[0]!.name}.length) {`,
    names.floats === "f32"
      ? [
          `const memory = ${names.check("allocate")}(ArrayBuffer, 4 * words, ${sizesText(plan, names)});`,
          ...arrays.map(({ name, type }) => `${name} = new ${type}(memory);`),
        ]
      : // Words of two widths do not lie over each other.
        arrays.map(
          ({ name, type }) =>
            `${name} = ${names.check("allocate")}(${type}, words, ${sizesText(plan, names)});`,
        ),
    "}",
  ];
}

/** The run-time dims by name, for messages. */
function sizesText({ symbols }: Plan, names: ModuleNames): string {
  const entries = symbols.map(({ name }) => {
    const local = names.symbol(name);
    return local === name ? name : `${name}: ${local}`;
  });
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function inputLines({ name, type, fill, buffer }: PlanInput, plan: Plan, names: ModuleNames): Code[] {
  const shape = type.shape.map((size) => names.size(size)).join(", ");
  const local = names.local(buffer);
  const array = isFloat(type.dtype) ? names.floats : "i32";
  const filled = fill === undefined ? "undefined" : numberText(fill);
  return [
    ...placeLine(buffer, plan, names),
    `${names.check("readInput")}(${literal(name)}, ${accessOf(name)}, ${literal(showShape(type.shape))}, [${shape}], ${filled}, ${takesText(type.dtype)}, ${array}, ${local});`,
  ];
}

/** The line that gives a buffer of the run its place. */
function placeLine(buffer: number, plan: Plan, names: ModuleNames): string[] {
  const { home, dtype, elements } = plan.buffers[buffer]!;
  if (home.kind === "slot") return [`const ${names.local(buffer)} = ${slotName(home.slot)};`];
  if (home.kind !== "output") return [];
  const type = arrayType(dtype, names.floats);
  const length = names.size(elements);
  if (constantDim(elements) !== undefined) return [`const ${names.local(buffer)} = new ${type}(${length});`];
  return [
    `const ${names.local(buffer)} = ${names.check("allocate")}(${type}, ${length}, ${sizesText(plan, names)});`,
  ];
}

function stepLines(plan: Plan, names: ModuleNames, calls: readonly StageCall[]): Code[][] {
  const placed = new Set<number>();
  return calls.map((call) => {
    const { stage } = call;
    const steps = stepsOf(stage);
    const places = steps.flatMap(({ results }) =>
      results.flatMap(({ buffer }) => {
        const isPlaced = placed.has(buffer) || ("steps" in stage && !stage.stored.has(buffer));
        if (isPlaced) return [];
        placed.add(buffer);
        return placeLine(buffer, plan, names);
      }),
    );
    return ["", ...steps.map(stepComment), ...places, ...callLines(call, names.run, 4)];
  });
}
