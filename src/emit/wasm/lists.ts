import { layoutOf } from "../../plan/layout.ts";
import { runsInAnyOrder, shareLoops, stepsOf, type Stage } from "../../plan/loops.ts";
import {
  memoryName,
  planOfPart,
  type Plan,
  type PlanPart,
  type PlanShared,
  type ProgramPlan,
} from "../../plan/plan.ts";
import { elementsIn } from "../../kernels/storage.ts";
import type { View } from "../../kernels/view.ts";
import type { Code } from "../../support/text.ts";
import { isFloat } from "../../tensor/dtype.ts";
import type { Dim } from "../../tensor/dim.ts";
import { stepComment } from "../module/comments.ts";
import { partFunction } from "../module/host/inputs.ts";
import { WIDTH, wrapped } from "../module/text.ts";
import type { Word } from "./kernel.ts";
import { distinctDims, type KernelTable } from "./kernel-table.ts";
import { meetingsOf, type CalledStage } from "./meetings.ts";
import type { ListNames } from "./names.ts";
import { wasmTarget } from "./target.ts";

/** Where a view begins: what tells memory apart. */
export const memoryOf =
  ({ buffers }: Pick<PlanShared, "buffers">) =>
  ({ buffer, offset }: View): string =>
    `${memoryName(buffers[buffer]!)} ${offset.key}`;

/** The steps of a run, some of them in one loop: where threads, each in its part of the turns, read nothing that another writes. */
export const stagesOf = (plan: Plan): Stage[] =>
  shareLoops(plan, {
    target: wasmTarget,
    accepts: (loop) => runsInAnyOrder(loop, (buffer) => memoryName(plan.buffers[buffer]!)),
  });

/** The stages of a part with their calls. */
export function calledStages(program: ProgramPlan, part: PlanPart, table: KernelTable): CalledStage[] {
  const plan = planOfPart(program, part);
  return stagesOf(plan).map((stage) => ({ stage, call: table.call(stage, memoryOf(plan)) }));
}

/** The function that says what a run of a part does: where its memory lies, and its calls in order. */
export function listFunction(
  program: ProgramPlan,
  part: PlanPart,
  calls: readonly CalledStage[],
  names: ListNames,
): Code[] {
  const plan = planOfPart(program, part);
  const inputs = plan.inputs.map(({ buffer }) => names.start(buffer));
  const outputs = plan.outputs.map(
    ({ buffer, type }) =>
      `[${names.start(buffer)}, ${names.size(plan.buffers[buffer]!.elements)}, "${isFloat(type.dtype) ? "f32" : "i32"}"]`,
  );
  const lines = callLines(plan, calls, names);
  const places = plan.inputs.map(({ buffer }) => placeLine(buffer, plan, names));
  const [slots, scratch] = [slotLines(plan, names), scratchLines(calls, names)];
  const taken = names.taken;
  return [
    `/** The memory of a run of these sizes, and what it does, step by step; addresses are in bytes. */`,
    `function ${partFunction(program, part, "listSteps")}(${names.parameter("w")}«: Places», ${names.dims}«: Dims», ${names.parameter("list")}«: List»)«: RunPlaces» {`,
    [
      ...taken,
      ...slots,
      ...scratch,
      ...places.flat(),
      ...lines,
      "",
      "return {",
      [...wrapped("inputs: [", inputs, "],", WIDTH - 4), ...wrapped("outputs: [", outputs, "],", WIDTH - 4)],
      "};",
    ],
    "}",
  ];
}

function slotLines(plan: Plan, names: ListNames): Code[] {
  const slots = layoutOf(plan, wasmTarget).slots(plan);
  return slots.length === 0
    ? []
    : [
        "// Slots of the arena; tensors that are never alive together share one.",
        ...slots.map((sizes, slot) => {
          const words = sizes.map((bytes) => elementsIn("f32", bytes));
          return `const ${names.slot(slot)} = ${names.read("place")}(${largestText(words, names)});`;
        }),
      ];
}

/** The memory that kernels need beside their tensors: of each thread, and of all together. */
export function scratchLines(calls: readonly CalledStage[], names: ListNames): Code[] {
  const needs = (kind: "own" | "shared"): readonly Dim[] | undefined =>
    calls.some(({ call }) => call.words.some((word) => word.kind === kind))
      ? distinctDims(calls.flatMap(({ call }) => call.scratch[kind]))
      : undefined;
  const [own, shared] = [needs("own"), needs("shared")];
  if (own === undefined && shared === undefined) return [];
  return [
    "// What kernels need while they run: each thread for itself, and all together.",
    ...(own === undefined
      ? []
      : [
          `const ownStep = wholeLines(${largestText(own, names)});`,
          `const own = ${names.read("place")}((${names.read("ranks")} * ownStep) / 4);`,
        ]),
    ...(shared === undefined
      ? []
      : [`const shared = ${names.read("place")}(Math.ceil(${largestText(shared, names)} / 4));`]),
  ];
}

function largestText(sizes: readonly Dim[], names: ListNames): string {
  const texts = sizes.map((size) => names.size(size));
  if (texts.length > 1) return `Math.max(${texts.join(", ")})`;
  return texts[0] ?? "0";
}

function placeLine(buffer: number, { buffers }: Pick<Plan, "buffers">, names: ListNames): string[] {
  const { home, elements } = buffers[buffer]!;
  if (home.kind === "slot") return [`const ${names.local(buffer)} = ${names.slot(home.slot)};`];
  if (home.kind !== "output") return [];
  return [`const ${names.local(buffer)} = ${names.read("place")}(${names.size(elements)});`];
}

/** Lines that list calls, each after what it does, and where threads meet. */
function callLines(plan: Plan, calls: readonly CalledStage[], names: ListNames): Code[] {
  const placed = new Set(plan.inputs.map(({ buffer }) => buffer));
  const meetings = meetingsOf(calls, plan.buffers);
  const settling = meetings.findIndex(({ changesState }) => changesState);
  return calls.flatMap((called, index) => {
    const places = stepsOf(called.stage).flatMap(({ results }) =>
      results.flatMap(({ buffer }) => {
        const isPlaced = placed.has(buffer) || !isStored(called.stage, buffer);
        placed.add(buffer);
        return isPlaced ? [] : placeLine(buffer, plan, names);
      }),
    );
    return [
      "",
      ...(meetings[index]!.before ? [`${names.read("meet")}();`] : []),
      ...(index === settling ? [`${names.read("settle")}();`] : []),
      ...stepsOf(called.stage).map(stepComment),
      ...places,
      ...callText(called, names, 2),
    ];
  });
}

const isStored = (stage: Stage, buffer: number): boolean => !("steps" in stage) || stage.stored.has(buffer);

/** `call(add_norm_1, x, y, out, B * T);`; `change` makes of the text of a word what stands in its place. */
export function callText(
  { call: { kernel, words } }: CalledStage,
  names: ListNames,
  indent: number,
  change: (word: Word, text: string) => string = (_, text) => text,
): Code[] {
  const args = words.map((word) => change(word, wordText(word, names)));
  return wrapped(`${names.read("call")}(`, [kernel.name, ...args], ");", WIDTH - indent);
}

function wordText(word: Word, names: ListNames): string {
  switch (word.kind) {
    case "address":
      return names.address(word.view);
    case "size":
      return names.size(word.size);
    case "number":
      return String(word.value);
    case "own":
    case "ownStep":
    case "shared":
      return word.kind;
  }
}
