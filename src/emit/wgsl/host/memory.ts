import { largest } from "../../../support/lists.ts";
import { operandViews, type PlanParameter, type PlanState } from "../../../plan/plan.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { literal, numberText } from "../../module/text.ts";
import {
  allSteps,
  bindingName,
  memoryName,
  SCRATCH_MEMORY,
  scratchSizes,
  stateMemory,
  type DispatchPart,
  type Dispatches,
  type DispatchStep,
} from "../dispatches.ts";
import { byDims, dimsName, sizeText } from "../../module/host/size.ts";

/** The memory that the runs of a part need: tensors that are never alive together share a slot. */
export function runMemory({ buffers, layout }: Dispatches, { plan, steps }: DispatchPart): string[] {
  const slots = layout.slots(plan).map((sizes, slot) => {
    const texts = sizes.map((size) => sizeText(size));
    const bytes = texts.length === 1 ? texts[0]! : `Math.max(${texts.join(", ")})`;
    return `{ name: "slot ${slot}", bytes: ${byDims(bytes, sizes)} },`;
  });
  const scratchNeeds = scratchSizes(steps);
  const scratch = scratchNeeds.map((size) => sizeText(size));
  const outputs = plan.outputs.map(({ buffer: index }) => {
    const size = layout.bytes(index);
    const bytes = byDims(sizeText(size), [size]);
    return `{ name: ${literal(memoryName(buffers[index]!))}, bytes: ${bytes}, isOutput: true },`;
  });
  return [
    ...slots,
    ...(scratch.length === 0
      ? []
      : [
          `{ name: ${literal(SCRATCH_MEMORY)}, bytes: ${byDims(`4 * Math.max(${scratch.join(", ")})`, scratchNeeds)} },`,
        ]),
    ...outputs,
  ];
}

/** The tables that say what memory there is beside that of runs, and what it holds. */
export function memoryTables(all: Dispatches): Code[] {
  const { buffers, layout, prepare } = all;
  const prepared = buffers.flatMap((buffer, index) =>
    buffer.home.kind === "prepared"
      ? [`[${literal(memoryName(buffer))}, ${sizeText(layout.bytes(index))}],`]
      : [],
  );
  const scratch = scratchSizes(prepare).map((size) => constantDim(size) ?? 0);
  return [
    "/** What is made of the weights once, in bytes. */",
    "const preparedMemory«: readonly (readonly [string, number])[]» = [",
    [
      ...prepared,
      ...(scratch.length === 0 ? [] : [`[${literal(SCRATCH_MEMORY)}, ${4 * largest(scratch)}],`]),
    ],
    "];",
    "",
    "/** Vectors that lie one after the other, as a shader binds few buffers: each from an even place. */",
    "const packs«: readonly Pack[]» = [",
    packLines(all),
    "];",
    "",
    "/** Weights that only those are made of. */",
    `const spentWeights«: readonly string[]» = [${spentWeights(all).map(literal).join(", ")}];`,
  ];
}

function packLines(all: Dispatches): string[] {
  const { buffers } = all;
  const packs = new Map<string, string>();
  for (const { dispatches } of allSteps(all))
    for (const binding of dispatches.flatMap(({ bindings }) => bindings)) {
      if (binding.pack === undefined) continue;
      const parts = binding.pack.map((buffer) => literal(memoryName(buffers[buffer]!)));
      const name = bindingName(buffers, binding);
      const moves = binding.pack.some((buffer) => buffers[buffer]!.home.kind === "state");
      packs.set(
        name,
        `{ name: ${literal(name)}, parts: [${parts.join(", ")}]${moves ? ", moves: true" : ""} },`,
      );
    }
  return [...packs.values()];
}

const readBy = (list: readonly DispatchStep[]): Set<number> =>
  new Set(list.flatMap(({ steps }) => steps.flatMap(operandViews).map(({ buffer }) => buffer)));

function spentWeights({ buffers, prepare, parts }: Dispatches): string[] {
  const read = readBy(parts.flatMap(({ steps }) => steps));
  const spent = readBy(prepare);
  return [...spent].filter((buffer) => !read.has(buffer)).map((buffer) => memoryName(buffers[buffer]!));
}

/** The parameters that runs read and do not change. */
const readParameters = ({
  program,
  buffers,
}: Dispatches): readonly (PlanParameter & { readonly buffer: number })[] =>
  program.shared.parameters.flatMap((parameter) =>
    parameter.buffer === undefined || buffers[parameter.buffer]!.home.kind !== "parameter"
      ? []
      : [{ ...parameter, buffer: parameter.buffer }],
  );

/** The tables of what the device holds from the start: parameters and constants. */
export function uploadTables(all: Dispatches): Code[] {
  const { buffers } = all;
  const parameters = readParameters(all).map(
    ({ name, buffer }) => `[${literal(memoryName(buffers[buffer]!))}, ${literal(name)}],`,
  );
  const constants = buffers.flatMap((buffer) =>
    buffer.home.kind === "constant"
      ? [
          `[${literal(memoryName(buffer))}, ${isFloat(buffer.dtype) ? "Float32Array" : "Int32Array"}.of(${buffer.home.values.map(numberText).join(", ")})],`,
        ]
      : [],
  );
  return [
    "/** The memory of each weight that the device holds. */",
    "const weightMemory«: readonly (readonly [memory: string, name: string])[]» = [",
    parameters,
    "];",
    "",
    "/** The memory of constants, and what they are. */",
    "const constantMemory«: readonly (readonly [memory: string, data: Float32Array | Int32Array])[]» = [",
    constants,
    "];",
  ];
}

/** The function that says what passes from run to run: its memory, its shape and how it begins. */
export function stateFunction({ program }: Dispatches): Code[] {
  const { state } = program.shared;
  const entries = state.map((each) => {
    const shape = each.type.shape.map((size) => sizeText(size)).join(", ");
    const kind = `Kind: ${arrayOf(each)}, begins: ${beginning(each)}`;
    return `{ name: ${literal(each.name)}, memory: ${literal(stateMemory(each.name))}, shape: [${shape}], ${kind} },`;
  });
  return [
    "/** What each run leaves as the next one finds it; always in 32 bits. */",
    `function stateTensors(${dimsName(state.flatMap(({ type }) => type.shape))}«: Dims»)«: Kept[]» {`,
    ["return [", entries, "];"],
    "}",
  ];
}

const arrayOf = ({ type }: PlanState): string => (isFloat(type.dtype) ? "Float32Array" : "Int32Array");

function beginning(state: PlanState): string {
  const { name, type, kind, init } = state;
  if (kind !== "kept") return literal(name);
  invariant(init.kind === "constant", `the state ${name} begins with more than one number`);
  if (init.value === 0) return "undefined";
  return `new ${arrayOf(state)}(${sizeText(elementsOf(type))}).fill(${numberText(init.value)})`;
}
