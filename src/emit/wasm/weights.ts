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
import { onlyView } from "../../kernels/results.ts";
import { elementBytes } from "../../kernels/storage.ts";
import { addDims, constantDim, dim, evaluateDim, floorDivideDim, type Dim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { elementsOf } from "../../tensor/type.ts";
import { stepComment } from "../module/comments.ts";
import { dimsName, sizeText } from "../module/host/size.ts";
import { keyText } from "../module/runtime/types.ts";
import { literal, numberText } from "../module/text.ts";
import { callText, memoryOf, scratchLines } from "./lists.ts";
import type { KernelTable } from "./kernel-table.ts";
import { piecedParameters, piecesOf, type LoadPiece } from "./load-pieces.ts";
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

/** Words of 32 bits that a buffer takes. */
const wordsOf = ({ elements, half }: Buffer): Dim =>
  half === undefined ? elements : floorDivideDim(addDims(elements, dim(1)), 2);

function placesLines(
  called: string,
  { buffers }: PlanShared,
  names: ListNames,
  placed: readonly number[],
): Code[] {
  const sizes = new Map(placed.map((buffer) => [names.lasting(buffer), wordsOf(buffers[buffer]!)]));
  const entries = [...sizes].map(([name, words]) => `${keyText(name)}: place(${sizeText(words)}),`);
  return [
    `function ${called}(${entries.length === 0 ? "_place" : "place"}«: Place», ${dimsName([...sizes.values()])}«: Dims») {`,
    entries.length === 0 ? ["return {};"] : ["return {", entries, "};"],
    "}",
  ];
}

/** A step that makes something of the weights as a call; some with a piece of a weight that is read for it. */
export interface PreparedCall extends CalledStage {
  readonly stage: Step;
  readonly piece?: LoadPiece;
}

/** The steps that make something of the weights, as calls: large weights are read a piece at a time. */
export const preparedCalls = (
  { shared }: ProgramPlan,
  table: KernelTable,
  lasting: ReadonlySet<number>,
): PreparedCall[] =>
  preparedStages(shared, lasting).map((prepared) => ({
    ...prepared,
    call: table.call(prepared.stage, memoryOf(shared)),
  }));

/** A step that makes something of the weights, and the piece of a weight that is read for it. */
type PreparedStage = Omit<PreparedCall, "call">;

function preparedStages(shared: PlanShared, lasting: ReadonlySet<number>): PreparedStage[] {
  const pieced = piecedParameters(shared, lasting);
  return shared.prepare.flatMap((stage): PreparedStage[] =>
    stage.op === "copy" && pieced.has(stage.operands.x.buffer)
      ? piecesOf(stage).map((piece) => ({ stage: piece.step, piece }))
      : [{ stage }],
  );
}

/** Bytes of memory that the loading of weights takes beside what lasts; runs have them after it. */
export function stagedBytes(program: ProgramPlan): number {
  const lasting = lastingBuffers(program);
  const { buffers } = program.shared;
  const tenancies = stagedTenancies(preparedStages(program.shared, lasting), buffers, lasting);
  const { words } = slotsOf(tenancies);
  return 4 * words.reduce((sum, count) => sum + count, 0);
}

/**
 * The function that brings weights, constants and states to their places, and makes what runs read of the weights. A
 * tensor that only this reads is there as long as steps need it: the memory of runs, which there are none yet.
 */
export function loadFunction(
  { shared, sessions }: ProgramPlan,
  calls: readonly PreparedCall[],
  names: ListNames,
  lasting: ReadonlySet<number>,
): Code[] {
  const state = sessions === undefined ? shared.state : [];
  const stays = shared.parameters.filter(
    ({ buffer }) =>
      buffer !== undefined && lasting.has(buffer) && shared.buffers[buffer]!.home.kind === "parameter",
  );
  const lines = [
    ...constantLines(shared, names, lasting),
    ...state.flatMap((each) => stateLines(each, names)),
    ...stays.map(({ name, buffer }) => loadText(name, names.start(buffer!), names)),
    ...prepareLines(shared, calls, names, lasting),
  ];
  const taken = names.taken;
  return [
    "/** Brings weights to their places, and makes of them what runs read. */",
    `async function loadWeights(${names.parameter("w")}«: Places», ${dimsName(state.map(({ type }) => elementsOf(type)))}«: Dims», ${names.parameter("list")}«: LoadingList»)«: Promise<void>» {`,
    [...taken, ...lines],
    "}",
  ];
}

const loadText = (name: string, place: string, names: ListNames, range = ""): string =>
  `await ${names.read("load")}(${literal(name)}, ${place}${range});`;

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
  if (kind !== "kept") return [loadText(name, names.start(buffer), names)];
  invariant(init.kind === "constant", `the state ${name} begins with more than one number`);
  if (init.value === 0) return [];
  const array = isFloat(type.dtype) ? "Float32Array" : "Int32Array";
  return [
    `${names.read("put")}(${names.start(buffer)}, new ${array}(${sizeText(elementsOf(type))}).fill(${numberText(init.value)}));`,
  ];
}

/** Tensors that only the preparation reads, by when they are there; of one that is read in pieces, a piece is there. */
function stagedTenancies(
  stages: readonly PreparedStage[],
  buffers: readonly Buffer[],
  lasting: ReadonlySet<number>,
): Map<number, Tenancy> {
  const tenancies = new Map<number, { size: Dim; first: number; last: number }>();
  stages.forEach(({ stage, piece }, index) => {
    for (const { buffer } of [...operandViews(stage), ...stage.results]) {
      if (lasting.has(buffer)) continue;
      const isPiece = piece?.step.operands.x.buffer === buffer;
      const size = isPiece ? dim(piece.end - piece.first) : wordsOf(buffers[buffer]!);
      const known = tenancies.get(buffer);
      if (known === undefined) tenancies.set(buffer, { size, first: index, last: index });
      else {
        known.last = index;
        if (constantDim(size)! > constantDim(known.size)!) known.size = size;
      }
    }
  });
  return tenancies;
}

/** The slots that staged tensors share, each with its words. */
function slotsOf(tenancies: ReadonlyMap<number, Tenancy>): {
  readonly slotOfBuffer: ReadonlyMap<number, number>;
  readonly words: readonly number[];
} {
  const staged = [...tenancies];
  const { slotOf, slots } = packSlots(
    staged.map(([, tenancy]) => tenancy),
    [],
  );
  return {
    slotOfBuffer: new Map(staged.map(([buffer], index) => [buffer, slotOf[index]!])),
    words: slots.map((slot) => largest(slot.map((index) => evaluateDim(staged[index]![1].size, new Map())))),
  };
}

function prepareLines(
  { buffers }: PlanShared,
  calls: readonly PreparedCall[],
  names: ListNames,
  lasting: ReadonlySet<number>,
): Code[] {
  if (calls.length === 0) return [];
  const { slotOfBuffer, words } = slotsOf(stagedTenancies(calls, buffers, lasting));
  const inStage = buffers.map((buffer, index): Buffer => {
    const slot = slotOfBuffer.get(index);
    return slot === undefined ? buffer : { ...buffer, home: { kind: "slot", slot } };
  });
  const meetings = meetingsOf(calls, inStage);
  const placed = new Set<number>(lasting);
  const fresh = ({ stage, piece }: PreparedCall): Code[] =>
    [...operandViews(stage), ...stage.results].flatMap(({ buffer }) => {
      if (placed.has(buffer)) return [];
      placed.add(buffer);
      const local = names.local(buffer);
      const { home } = buffers[buffer]!;
      const isWhole = piece?.step.operands.x.buffer !== buffer;
      return [
        `const ${local} = ${names.slot(slotOfBuffer.get(buffer)!)};`,
        ...(home.kind === "parameter" && isWhole ? [loadText(home.parameter, local, names)] : []),
      ];
    });
  return [
    "// What is read here alone lies where runs will have their memory.",
    ...words.map((count, slot) => `const ${names.slot(slot)} = ${names.read("place")}(${count});`),
    ...scratchLines(calls, names),
    ...calls.flatMap((called, index) => [
      "",
      ...(meetings[index]!.before ? [`${names.read("meet")}();`] : []),
      stepComment(called.stage),
      ...fresh(called),
      ...(called.piece === undefined
        ? callText(called, names, 2)
        : pieceLines(called, called.piece, buffers, names)),
    ]),
  ];
}

/** What reads the parts of a weight one after the other, each followed by what is made of it. */
function pieceLines(
  called: PreparedCall,
  { step, first, end, turns, further }: LoadPiece,
  buffers: readonly Buffer[],
  names: ListNames,
): Code[] {
  const { home } = buffers[step.operands.x.buffer]!;
  invariant(home.kind === "parameter", "a weight is read in pieces");
  const made = onlyView(step.results).buffer;
  const moved = (count: number): string => (turns === 1 ? "" : ` + turn * ${count}`);
  const range = `, ${first}${moved(further.from)}, ${end}${moved(further.from)}`;
  const local = names.local(step.operands.x.buffer);
  const furtherBytes = moved(elementBytes(buffers[made]!.half ?? "f32") * further.to);
  const body = [
    loadText(home.parameter, local, names, range),
    ...callText(called, names, 4, (word, text) =>
      word.kind === "address" && word.view.buffer === made ? text + furtherBytes : text,
    ),
  ];
  return turns === 1 ? body : [`for (let turn = 0; turn < ${turns}; turn++) {`, body, "}"];
}
