import type { Buffer, PlanPart, ProgramPlan } from "../../../plan/plan.ts";
import { sizeReads } from "../../../plan/size-reads.ts";
import { sizeNeeds } from "../../../plan/size-needs.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, type Dim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { showShape } from "../../../tensor/type.ts";
import type { inputRuntime } from "../../module/runtime/inputs.ts";
import { accessOf, keyText, takesText } from "../../module/runtime/types.ts";
import { fixedDims, partNames, runParameters, saidDims, symbolsOfParts } from "../../module/surface.ts";
import { literal, numberText } from "../../module/text.ts";
import { dimField } from "../dims.ts";
import { memoryName, type DispatchPart, type Dispatches } from "../dispatches.ts";
import { dimsName, sizeText } from "./size.ts";

/** The function that checks the inputs' shapes and finds the run-time dims; those of other parts are 0. */
export function dimsFunction(program: ProgramPlan, part: PlanPart): Code[] {
  const fixed = new Set(fixedDims(program).map(({ name }) => name));
  const reads = sizeReads(part);
  const bound = new Set(reads.map(({ symbol }) => symbol.name));
  const said = saidDims(program, part);
  const sizes = new Map<string, string>();
  for (const { symbol, input, type, axis } of reads) {
    const size = `inputSize(${literal(input)}, ${accessOf(input)}, ${axis}, ${literal(showShape(type.shape))})`;
    const kept = `keptSize(${literal(symbol.name)}, ${size}, fixed.${dimField(symbol.name)})`;
    sizes.set(symbol.name, fixed.has(symbol.name) ? kept : size);
  }
  for (const { name } of part.symbols)
    if (fixed.has(name) && !bound.has(name)) sizes.set(name, `fixed.${dimField(name)}`);
  for (const { name, max = Infinity } of said)
    sizes.set(name, `saidSize(${literal(name)}, { ...dims }, ${max})`);
  const bounds = reads.flatMap(({ symbol: { name, max } }) => {
    const message = literal(`${name} is at most ${max}, got `);
    const field = dimField(name);
    return max === undefined
      ? []
      : [`if (d.${field} > ${max}) throw new InputError(${message} + d.${field});`];
  });
  const entries = symbolsOfParts(program).map(({ name }) => `${dimField(name)}: ${sizes.get(name) ?? "0"},`);
  const readsFixed = part.symbols.some(({ name }) => fixed.has(name));
  const parameters = [
    runParameters(program, part),
    ...(fixed.size === 0 ? [] : [`${readsFixed ? "fixed" : "_fixed"}«: Dims»`]),
  ];
  return [
    "/** The run-time dims, from the shapes of the inputs. */",
    `function ${partFunction(program, part, "bindDims")}(${parameters.join(", ")})«: Dims» {`,
    [
      `checkInputNames(inputs, [${part.inputs.map(({ name }) => literal(name)).join(", ")}]);`,
      ...(entries.length === 0
        ? ["return {};"]
        : ["const d«: Dims» = {", entries, "};", ...bounds, "return d;"]),
    ],
    "}",
  ];
}

/** What the functions of a program's parts call of what every module may have. */
export function inputReaders({ program, buffers }: Dispatches): readonly (keyof typeof inputRuntime)[] {
  const isSaid =
    fixedDims(program).length > 0 || program.parts.some((part) => saidDims(program, part).length > 0);
  const fixed = new Set(fixedDims(program).map(({ name }) => name));
  return [
    "checkInputNames",
    ...(isSaid ? (["saidSize"] as const) : []),
    ...program.parts.flatMap((part) => {
      const reads = sizeReads(part);
      return [
        ...(reads.length > 0 ? (["inputSize"] as const) : []),
        ...(reads.some(({ symbol }) => fixed.has(symbol.name)) ? (["keptSize"] as const) : []),
        ...(part.inputs.length > 0 ? (["readInput"] as const) : []),
        ...(part.inputs.every(({ buffer }) => hasKnownSize(buffers, buffer)) ? [] : (["allocate"] as const)),
      ];
    }),
  ];
}

const hasKnownSize = (buffers: readonly Buffer[], buffer: number): boolean =>
  constantDim(buffers[buffer]!.elements) !== undefined;

/** What a function of a part is called: `readInputs`, or of several parts `readInputsOfUpdate`. */
export function partFunction(program: ProgramPlan, part: PlanPart, name: string): string {
  const { run } = partNames(program, part);
  return program.parts.length === 1 ? name : `${name}Of${run[0]!.toUpperCase()}${run.slice(1)}`;
}

/** The function that reads the inputs of a part, checked, as they go to the device. */
export function inputsFunction({ program, buffers }: Dispatches, { plan }: DispatchPart): Code[] {
  const limits = idLimits(plan);
  const lines = plan.inputs.map(({ name, type, fill, buffer }, index) => {
    const array = isFloat(type.dtype) ? "Float32Array" : "Int32Array";
    const { elements } = buffers[buffer]!;
    const shape = type.shape.map((axis) => sizeText(axis)).join(", ");
    const filled = fill === undefined ? "undefined" : numberText(fill);
    const local = `input${index}`;
    const limit = limits.get(buffer);
    return [
      hasKnownSize(buffers, buffer)
        ? `const ${local} = new ${array}(${sizeText(elements)});`
        : `const ${local} = allocate(${array}, ${sizeText(elements)}, d);`,
      `readInput(${literal(name)}, ${accessOf(name)}, ${literal(showShape(type.shape))}, [${shape}], ${filled}, ${takesText(type.dtype)}, ${local}, 0);`,
      ...(limit === undefined ? [] : [checkLine(name, local, limit)]),
    ];
  });
  const entries = plan.inputs.map(
    ({ buffer }, index) => `[${literal(memoryName(buffers[buffer]!))}, input${index}],`,
  );
  const needs = sizeNeeds(plan).map(
    ({ size, least, message }) =>
      `if (${sizeText(size)} < ${least}) throw new InputError(${literal(message)});`,
  );
  const d = dimsName([
    ...sizeNeeds(plan).map(({ size }) => size),
    ...plan.inputs.flatMap(({ type, buffer }) => [...type.shape, buffers[buffer]!.elements]),
  ]);
  const { inputs } = partNames(program, plan);
  return [
    "/** The inputs and the memory that they go to. */",
    `function ${partFunction(program, plan, "readInputs")}(${entries.length === 0 ? "_inputs" : "inputs"}«: ${inputs}», ${d}«: Dims»)«: [string, Float32Array | Int32Array][]» {`,
    [...needs, ...lines.flat(), "return [", entries, "];"],
    "}",
  ];
}

const checkLine = (name: string, local: string, { rows, ignore }: IdLimit): string =>
  `checkIds(${literal(name)}, ${local}, ${rows}${ignore === undefined ? "" : `, ${ignore}`});`;

/** Checks ids where an input of a part has a limit. */
export const idRuntime = ({ parts }: Dispatches): string[] =>
  parts.some(({ plan }) => idLimits(plan).size > 0) ? checkIds : [];

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
function idLimits(plan: PlanPart): Map<number, IdLimit> {
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

/** The function that makes the results of a part of what the device gives back. */
export function resultsFunction({ program, buffers }: Dispatches, { plan }: DispatchPart): Code[] {
  const entries = plan.outputs.map(({ name, type, buffer }) => {
    const shape = type.shape.map((size) => sizeText(size)).join(", ");
    const bytes = `bytes.get(${literal(memoryName(buffers[buffer]!))})«!»`;
    const count = sizeText(buffers[buffer]!.elements);
    const data = isFloat(type.dtype)
      ? `loadedFloats(${bytes}, ${count})`
      : `new Int32Array(${bytes}, 0, ${count})`;
    return `${keyText(name)}: { data: ${data}, shape: [${shape}] },`;
  });
  const { outputs } = partNames(program, plan);
  const bytes = entries.length === 0 ? "_bytes" : "bytes";
  const sizes = plan.outputs.flatMap(({ type, buffer }) => [...type.shape, buffers[buffer]!.elements]);
  return [
    "/** What the device gave back as the results of the model. */",
    `function ${partFunction(program, plan, "resultsOf")}(${bytes}«: ReadonlyMap<string, ArrayBuffer>», ${dimsName(sizes)}«: Dims»)«: ${outputs}» {`,
    ["return {", entries, "};"],
    "}",
  ];
}
