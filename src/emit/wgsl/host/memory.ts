import { largest } from "../../../support/lists.ts";
import { operandViews, type Plan, type PlanParameter } from "../../../plan/plan.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import type { elementRuntime } from "../../module/runtime/weights.ts";
import { literal, numberText } from "../../module/text.ts";
import {
  bindingName,
  elementBytes,
  memoryName,
  SCRATCH_MEMORY,
  scratchSizes,
  stateMemory,
  type Program,
  type ProgramStep,
} from "../program.ts";
import { byDims, sizeText } from "./size.ts";

/** The tables that say what memory there is, and what it holds. */
export function memoryTables(program: Program): Code[] {
  const { plan, target } = program;
  const slots = plan.slots.map(({ sizes }, slot) => {
    const bytes = largest(
      plan.buffers.map(({ home }, buffer) =>
        home.kind === "slot" && home.slot === slot ? elementBytes(plan, buffer, target) : 0,
      ),
    );
    const texts = sizes.map((size) => sizeText(size));
    const elements = texts.length === 1 ? texts[0]! : `Math.max(${texts.join(", ")})`;
    return `{ name: "slot ${slot}", bytes: ${byDims(`${bytes} * (${elements})`, sizes)} },`;
  });
  const scratchNeeds = scratchSizes(program);
  const scratch = scratchNeeds.map((size) => sizeText(size));
  const outputs = plan.outputs.map(({ buffer }) => {
    const bytes = `${elementBytes(plan, buffer, target)} * (${sizeText(plan.buffers[buffer]!.elements)})`;
    return `{ name: ${literal(memoryName(plan, buffer))}, bytes: ${byDims(bytes, [plan.buffers[buffer]!.elements])}, isOutput: true },`;
  });
  const prepared = plan.buffers.flatMap((buffer, index) =>
    buffer.home.kind === "prepared"
      ? [
          `[${literal(memoryName(plan, index))}, ${elementBytes(plan, index, target) * (constantDim(buffer.elements) ?? 0)}],`,
        ]
      : [],
  );
  return [
    "/** Memory of the runs: tensors that are never alive together share a slot. */",
    "const runMemory«: readonly Memory[]» = [",
    [
      ...slots,
      ...(scratch.length === 0
        ? []
        : [
            `{ name: ${literal(SCRATCH_MEMORY)}, bytes: ${byDims(`4 * Math.max(${scratch.join(", ")})`, scratchNeeds)} },`,
          ]),
      ...outputs,
    ],
    "];",
    "",
    "/** What is made of the weights once, in bytes. */",
    "const preparedMemory«: readonly (readonly [string, number])[]» = [",
    prepared,
    "];",
    "",
    "/** Vectors that lie one after the other, as a shader binds few buffers: each from an even place. */",
    "const packs«: readonly Pack[]» = [",
    packLines(program),
    "];",
    "",
    "/** Weights that only those are made of. */",
    `const spentWeights«: readonly string[]» = [${spentWeights(program).map(literal).join(", ")}];`,
  ];
}

function packLines({ plan, prepare, steps }: Program): string[] {
  const packs = new Map<string, string>();
  for (const { dispatches } of [...prepare, ...steps])
    for (const binding of dispatches.flatMap(({ bindings }) => bindings)) {
      if (binding.pack === undefined) continue;
      const parts = binding.pack.map((buffer) => literal(memoryName(plan, buffer)));
      const name = bindingName(plan, binding);
      const moves = binding.pack.some((buffer) => plan.buffers[buffer]!.home.kind === "state");
      packs.set(
        name,
        `{ name: ${literal(name)}, parts: [${parts.join(", ")}]${moves ? ", moves: true" : ""} },`,
      );
    }
  return [...packs.values()];
}

const readBy = (list: readonly ProgramStep[]): Set<number> =>
  new Set(list.flatMap(({ steps }) => steps.flatMap(operandViews).map(({ buffer }) => buffer)));

function spentWeights({ plan, prepare, steps }: Program): string[] {
  const read = readBy(steps);
  const spent = readBy(prepare);
  return [...spent]
    .filter((buffer) => !read.has(buffer) && plan.buffers[buffer]!.home.kind !== "state")
    .map((buffer) => memoryName(plan, buffer));
}

/** The parameters that runs read and do not change. */
function readParameters({
  parameters,
  state,
}: Plan): readonly (PlanParameter & { readonly buffer: number })[] {
  const kept = new Set(state.map(({ name }) => name));
  return parameters.flatMap((parameter) =>
    parameter.buffer === undefined || kept.has(parameter.name)
      ? []
      : [{ ...parameter, buffer: parameter.buffer }],
  );
}

/** What reads the elements of a tensor of that kind. */
const readerOf = ({ buffers }: Plan, buffer: number): keyof typeof elementRuntime =>
  isFloat(buffers[buffer]!.dtype) ? "floats" : "ints";

/** What the function below calls of what every module may have, and what sets the state. */
export const elementReaders = ({ plan }: Program): readonly (keyof typeof elementRuntime)[] => [
  ...readParameters(plan).map(({ buffer }) => readerOf(plan, buffer)),
  ...(plan.state.length > 0 ? (["floats"] as const) : []),
];

/** The function that brings parameters and constants to the device. */
export function uploadFunction({ plan }: Program): Code[] {
  const parameters = readParameters(plan).map(
    ({ name, buffer }) =>
      `[${literal(memoryName(plan, buffer))}, ${readerOf(plan, buffer)}(tensors, ${literal(name)})],`,
  );
  const constants = plan.buffers.flatMap(({ dtype, home }, buffer) =>
    home.kind === "constant"
      ? [
          `[${literal(memoryName(plan, buffer))}, ${isFloat(dtype) ? "Float32Array" : "Int32Array"}.of(${home.values.map(numberText).join(", ")})],`,
        ]
      : [],
  );
  const entries = [...parameters, ...constants];
  return [
    "/** What the device holds from the start. */",
    `function givenTensors(${parameters.length === 0 ? "_tensors" : "tensors"}«: Map<string, Tensor>»)«: [string, Float32Array | Int32Array][]» {`,
    ["return [", entries, "];"],
    "}",
  ];
}

/** The state: what memory each tensor of it has, and its shape. */
export const stateTable = ({ plan }: Program): Code[] => [
  "/** What each run leaves as the next one finds it; always in 32 bits. */",
  "const stateTensors«: readonly { readonly name: string; readonly memory: string; readonly shape: readonly number[] }[]» = [",
  plan.state.map(({ name, type }) => {
    const shape = type.shape.map((size) => sizeText(size)).join(", ");
    return `{ name: ${literal(name)}, memory: ${literal(stateMemory(name))}, shape: [${shape}] },`;
  }),
  "];",
];
