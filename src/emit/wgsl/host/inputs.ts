import type { Plan } from "../../../plan/plan.ts";
import { sizeReads } from "../../../plan/size-reads.ts";
import { sizeNeeds } from "../../../plan/size-needs.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, type Dim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { showShape } from "../../../tensor/type.ts";
import type { inputRuntime } from "../../module/runtime/inputs.ts";
import { accessOf, keyText, takesText } from "../../module/runtime/types.ts";
import { literal, numberText } from "../../module/text.ts";
import { dimField } from "../dims.ts";
import { memoryName, type Program } from "../program.ts";
import { dimsName, sizeText } from "./size.ts";

/** The function that checks the inputs' shapes and finds the run-time dims. */
export function dimsFunction(plan: Plan): Code[] {
  const reads = sizeReads(plan);
  const sizes = reads.map(({ symbol, input, type, axis }) => {
    const form = literal(showShape(type.shape));
    return `${dimField(symbol.name)}: inputSize(${literal(input)}, ${accessOf(input)}, ${axis}, ${form}),`;
  });
  const bounds = reads.flatMap(({ symbol: { name, max } }) => {
    const message = literal(`${name} is at most ${max}, got `);
    const field = dimField(name);
    return max === undefined
      ? []
      : [`if (d.${field} > ${max}) throw new InputError(${message} + d.${field});`];
  });
  return [
    "/** The run-time dims, from the shapes of the inputs. */",
    "function bindDims(inputs«: Inputs»)«: Dims» {",
    [
      `checkInputNames(inputs, [${plan.inputs.map(({ name }) => literal(name)).join(", ")}]);`,
      ...(sizes.length === 0 ? ["return {};"] : ["const d«: Dims» = {", sizes, "};", ...bounds, "return d;"]),
    ],
    "}",
  ];
}

/** What the two functions call of what every module may have. */
export const inputReaders = (plan: Plan): readonly (keyof typeof inputRuntime)[] => [
  "checkInputNames",
  ...(sizeReads(plan).length > 0 ? (["inputSize"] as const) : []),
  ...(plan.inputs.length > 0 ? (["readInput"] as const) : []),
  ...(plan.inputs.every(({ buffer }) => hasKnownSize(plan, buffer)) ? [] : (["allocate"] as const)),
];

const hasKnownSize = ({ buffers }: Plan, buffer: number): boolean =>
  constantDim(buffers[buffer]!.elements) !== undefined;

/** The function that reads the inputs, checked, as they go to the device. */
export function inputsFunction(program: Program): Code[] {
  const { plan } = program;
  const limits = idLimits(program);
  const lines = plan.inputs.map(({ name, type, fill, buffer }, index) => {
    const array = isFloat(type.dtype) ? "Float32Array" : "Int32Array";
    const size = sizeText(plan.buffers[buffer]!.elements);
    const shape = type.shape.map((axis) => sizeText(axis)).join(", ");
    const filled = fill === undefined ? "undefined" : numberText(fill);
    const local = `input${index}`;
    const limit = limits.get(buffer);
    return [
      hasKnownSize(plan, buffer)
        ? `const ${local} = new ${array}(${size});`
        : `const ${local} = allocate(${array}, ${size}, d);`,
      `readInput(${literal(name)}, ${accessOf(name)}, ${literal(showShape(type.shape))}, [${shape}], ${filled}, ${takesText(type.dtype)}, ${local}, 0);`,
      ...(limit === undefined ? [] : [checkLine(name, local, limit)]),
    ];
  });
  const entries = plan.inputs.map(
    ({ buffer }, index) => `[${literal(memoryName(plan, buffer))}, input${index}],`,
  );
  const needs = sizeNeeds(plan).map(
    ({ size, least, message }) =>
      `if (${sizeText(size)} < ${least}) throw new InputError(${literal(message)});`,
  );
  const d = dimsName([
    ...sizeNeeds(plan).map(({ size }) => size),
    ...plan.inputs.flatMap(({ type, buffer }) => [...type.shape, plan.buffers[buffer]!.elements]),
  ]);
  return [
    ...(limits.size === 0 ? [] : [...checkIds, ""]),
    "/** The inputs and the memory that they go to. */",
    `function readInputs(inputs«: Inputs», ${d}«: Dims»)«: [string, Float32Array | Int32Array][]» {`,
    [...needs, ...lines.flat(), "return [", entries, "];"],
    "}",
  ];
}

const checkLine = (name: string, local: string, { rows, ignore }: IdLimit): string =>
  `checkIds(${literal(name)}, ${local}, ${rows}${ignore === undefined ? "" : `, ${ignore}`});`;

const checkIds = [
  "/** A shader cannot refuse an id that is not in its table, so that is done before; `ignore` marks targets left out. */",
  "function checkIds(name«: string», ids«: ArrayLike<number>», rows«: number», ignore«?: number»)«: void» {",
  "  for (let i = 0; i < ids.length; i++)",
  "    if (!(ids[i]«!» >= 0 && ids[i]«!» < rows) && ids[i] !== ignore)",
  '      throw new InputError("the id " + ids[i] + " of " + name + " is not in a table of " + rows + " rows (0 to " + (rows - 1) + ")");',
  "}",
];

/** How many ids there are, and one that is none and allowed. */
interface IdLimit {
  readonly rows: number;
  readonly ignore: number | undefined;
}

/** For inputs that are ids of a table or classes of a loss: what they may be; of several readers the strictest. */
function idLimits({ plan }: Program): Map<number, IdLimit> {
  const inputs = new Set(plan.inputs.map(({ buffer }) => buffer));
  const limits = new Map<number, IdLimit>();
  const limit = (buffer: number, size: Dim, ignore?: number): void => {
    const rows = constantDim(size);
    if (rows === undefined || !inputs.has(buffer)) return;
    const known = limits.get(buffer) ?? { rows, ignore };
    limits.set(buffer, {
      rows: Math.min(rows, known.rows),
      ignore: known.ignore === ignore ? ignore : undefined,
    });
  };
  for (const step of plan.steps) {
    if (step.op === "embedding") limit(step.operands.ids.buffer, step.operands.table.type.shape[0]!);
    else if (step.op === "cross_entropy" || step.op === "accuracy") {
      const { operands, attrs } = step;
      limit(operands.targets.buffer, operands.logits.type.shape.at(-1)!, attrs.ignore);
    }
  }
  return limits;
}

/** The sizes that the lines below read. */
export const resultSizes = ({ plan }: Program): readonly Dim[] =>
  plan.outputs.flatMap(({ type, buffer }) => [...type.shape, plan.buffers[buffer]!.elements]);

/** The lines of a run that make the results of what the device gives back. */
export const resultLines = ({ plan }: Program): Code[] => [
  "return {",
  plan.outputs.map(({ name, type, buffer }) => {
    const shape = type.shape.map((size) => sizeText(size)).join(", ");
    const bytes = `bytes.get(${literal(memoryName(plan, buffer))})«!»`;
    const count = sizeText(plan.buffers[buffer]!.elements);
    const data = isFloat(type.dtype)
      ? `loadedFloats(${bytes}, ${count})`
      : `new Int32Array(${bytes}, 0, ${count})`;
    return `${keyText(name)}: { data: ${data}, shape: [${shape}] },`;
  }),
  "};",
];
