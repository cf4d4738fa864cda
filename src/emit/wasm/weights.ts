import {
  operandViews,
  type Buffer,
  type PlanShared,
  type PlanState,
  type ProgramPlan,
  type Step,
} from "../../plan/plan.ts";
import { packSlots, type Tenancy } from "../../plan/slots.ts";
import { invariant } from "../../support/invariant.ts";
import { largest } from "../../support/lists.ts";
import type { Code } from "../../support/text.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import { elementsOf } from "../../tensor/type.ts";
import { stepComment } from "../module/comments.ts";
import { dimsName, sizeText } from "../module/host/size.ts";
import { keyText } from "../module/runtime/types.ts";
import type { elementRuntime } from "../module/runtime/weights.ts";
import { literal, numberText } from "../module/text.ts";
import { callText, memoryOf, scratchLines } from "./lists.ts";
import type { KernelTable } from "./kernel-table.ts";
import { meetingsOf, type CalledStage } from "./meetings.ts";
import type { ListNames } from "./names.ts";

const readBy = (steps: readonly Step[]): Set<number> =>
  new Set(steps.flatMap((step) => operandViews(step).map(({ buffer }) => buffer)));

/** The buffers that last as long as a model: constants, states, and what steps of runs read of weights. */
export function lastingBuffers({ shared, parts }: ProgramPlan): ReadonlySet<number> {
  const readByRuns = readBy(parts.flatMap(({ steps }) => steps));
  const readAtLoad = readBy(shared.prepare);
  return new Set(
    shared.buffers.flatMap(({ home: { kind } }, buffer) => {
      const isRead = readByRuns.has(buffer) || (kind === "constant" && readAtLoad.has(buffer));
      const lasts = kind === "state" || (isRead && kind !== "slot" && kind !== "output");
      return lasts ? [buffer] : [];
    }),
  );
}

/** The function that gives what lasts its place: the address in bytes by name. */
export function placesFunction(program: ProgramPlan, names: ListNames, lasting: ReadonlySet<number>): Code[] {
  const inSession = (buffer: number): boolean =>
    program.sessions !== undefined && program.shared.buffers[buffer]!.home.kind === "state";
  const all = [...lasting];
  return [
    "/** Where that lies which lasts as long as a model: addresses in bytes. */",
    ...placesLines(
      "placesOf",
      program.shared,
      names,
      all.filter((buffer) => !inSession(buffer)),
    ),
    ...(program.sessions === undefined
      ? []
      : [
          "",
          "/** The same of what lasts as long as a session. */",
          ...placesLines("statePlacesOf", program.shared, names, all.filter(inSession)),
        ]),
  ];
}

function placesLines(
  called: string,
  { buffers }: PlanShared,
  names: ListNames,
  placed: readonly number[],
): Code[] {
  const sizes = new Map(placed.map((buffer) => [names.lasting(buffer), buffers[buffer]!.elements]));
  const entries = [...sizes].map(([name, elements]) => `${keyText(name)}: place(${sizeText(elements)}),`);
  return [
    `function ${called}(${entries.length === 0 ? "_place" : "place"}«: Place», ${dimsName([...sizes.values()])}«: Dims») {`,
    entries.length === 0 ? ["return {};"] : ["return {", entries, "};"],
    "}",
  ];
}

/** What reads the elements of a tensor of that kind. */
const readerOf = (dtype: Dtype): keyof typeof elementRuntime => (isFloat(dtype) ? "floats" : "ints");

/** The readers that the function below calls. */
export const weightReaders = ({ shared }: ProgramPlan): readonly (keyof typeof elementRuntime)[] =>
  shared.parameters.flatMap(({ buffer, dtype }) => (buffer === undefined ? [] : [readerOf(dtype)]));

/** The steps that make something of the weights, as calls. */
export const preparedCalls = ({ shared }: ProgramPlan, table: KernelTable): CalledStage[] =>
  shared.prepare.map((stage) => ({ stage, call: table.call(stage, memoryOf(shared)) }));

/**
 * The function that brings weights, constants and states to their places, and makes what runs read of the weights. A
 * tensor that only this reads is there as long as steps need it: the memory of runs, which there are none yet.
 */
export function loadFunction(
  { shared, sessions }: ProgramPlan,
  calls: readonly CalledStage[],
  names: ListNames,
  lasting: ReadonlySet<number>,
): Code[] {
  const state = sessions === undefined ? shared.state : [];
  const stays = shared.parameters.filter(
    ({ buffer }) =>
      buffer !== undefined && lasting.has(buffer) && shared.buffers[buffer]!.home.kind === "parameter",
  );
  const isRead = shared.parameters.some(({ buffer }) => buffer !== undefined);
  const lines = [
    ...constantLines(shared, names, lasting),
    ...state.flatMap((each) => stateLines(each, names)),
    ...stays.map(({ name, dtype, buffer }) => loadText(name, dtype, names.start(buffer!), names)),
    ...prepareLines(shared, calls, names, lasting),
  ];
  const taken = names.taken;
  return [
    "/** Brings weights to their places, and makes of them what runs read. */",
    `async function loadWeights(${names.parameter("w")}«: Places», ${isRead ? "tensors" : "_tensors"}«: Map<string, Tensor>», ${dimsName(state.map(({ type }) => elementsOf(type)))}«: Dims», ${names.parameter("list")}«: LoadingList»)«: Promise<void>» {`,
    [...taken, ...lines],
    "}",
  ];
}

const loadText = (name: string, dtype: Dtype, place: string, names: ListNames): string =>
  `await ${names.read("load")}(${literal(name)}, ${place}, () => ${readerOf(dtype)}(tensors, ${literal(name)}));`;

const constantLines = ({ buffers }: PlanShared, names: ListNames, lasting: ReadonlySet<number>): string[] =>
  buffers.flatMap(({ home, dtype }, buffer) =>
    home.kind === "constant" && lasting.has(buffer)
      ? [
          `${names.read("put")}(${names.start(buffer)}, ${isFloat(dtype) ? "Float32Array" : "Int32Array"}.of(${home.values.map(numberText).join(", ")}));`,
        ]
      : [],
  );

/** How a state begins: as a weight, or as one number. */
function stateLines({ name, type, kind, init, buffer }: PlanState, names: ListNames): string[] {
  if (kind !== "kept") return [loadText(name, type.dtype, names.start(buffer), names)];
  invariant(init.kind === "constant", `the state ${name} begins with more than one number`);
  if (init.value === 0) return [];
  const array = isFloat(type.dtype) ? "Float32Array" : "Int32Array";
  return [
    `${names.read("put")}(${names.start(buffer)}, new ${array}(${sizeText(elementsOf(type))}).fill(${numberText(init.value)}));`,
  ];
}

/** Tensors that only the preparation reads, by when they are there. */
function stagedTenancies(
  { prepare, buffers }: PlanShared,
  lasting: ReadonlySet<number>,
): Map<number, Tenancy> {
  const tenancies = new Map<number, Tenancy>();
  prepare.forEach((step, index) => {
    for (const { buffer } of [...operandViews(step), ...step.results]) {
      if (lasting.has(buffer)) continue;
      const known = tenancies.get(buffer);
      if (known === undefined)
        tenancies.set(buffer, { size: buffers[buffer]!.elements, first: index, last: index });
      else known.last = index;
    }
  });
  return tenancies;
}

function prepareLines(
  shared: PlanShared,
  calls: readonly CalledStage[],
  names: ListNames,
  lasting: ReadonlySet<number>,
): Code[] {
  if (calls.length === 0) return [];
  const { buffers, prepare } = shared;
  const tenancies = stagedTenancies(shared, lasting);
  const staged = [...tenancies.keys()];
  const { slotOf, slots } = packSlots([...tenancies.values()], []);
  const slotOfBuffer = new Map(staged.map((buffer, index) => [buffer, slotOf[index]!]));
  const words = slots.map((slot) =>
    largest(slot.map((tenancy) => evaluateDim(buffers[staged[tenancy]!]!.elements, new Map()))),
  );
  const inStage = buffers.map((buffer, index): Buffer => {
    const slot = slotOfBuffer.get(index);
    return slot === undefined ? buffer : { ...buffer, home: { kind: "slot", slot } };
  });
  const meetings = meetingsOf(calls, inStage);
  const placed = new Set<number>(lasting);
  const fresh = (step: Step): Code[] =>
    [...operandViews(step), ...step.results].flatMap(({ buffer }) => {
      if (placed.has(buffer)) return [];
      placed.add(buffer);
      const local = names.local(buffer);
      const { home, dtype } = buffers[buffer]!;
      return [
        `const ${local} = ${names.slot(slotOfBuffer.get(buffer)!)};`,
        ...(home.kind === "parameter" ? [loadText(home.parameter, dtype, local, names)] : []),
      ];
    });
  return [
    "// What is read here alone lies where runs will have their memory.",
    ...words.map((count, slot) => `const ${names.slot(slot)} = ${names.read("place")}(${count});`),
    ...scratchLines(calls, names),
    ...calls.flatMap((called, index) => [
      "",
      ...(meetings[index]!.before ? [`${names.read("meet")}();`] : []),
      stepComment(prepare[index]!),
      ...fresh(prepare[index]!),
      ...callText(called, names, 2),
    ]),
  ];
}
