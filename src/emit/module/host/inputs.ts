import type { Buffer, PlanInput, PlanPart, ProgramPlan } from "../../../plan/plan.ts";
import { sizeReads } from "../../../plan/size-reads.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { showShape } from "../../../tensor/type.ts";
import type { Piece } from "../piece.ts";
import type { inputRuntime } from "../runtime/inputs.ts";
import { accessOf, takesText } from "../runtime/types.ts";
import {
  fixedDims,
  partFixedDims,
  partNames,
  readsState,
  runParameters,
  saidDims,
  symbolsOfParts,
} from "../surface.ts";
import { literal, numberText, typesOnly } from "../text.ts";
import { sizeText } from "./size.ts";

/* What the host of a model that answers later does before a run: the run-time dims as one object `d`, inputs as arrays. */

/** The type of the run-time dims of all parts. */
export const dimsType = (program: ProgramPlan): Piece => ({
  declares: ["Dims"],
  code: typesOnly([
    "/** The sizes that a run brings. */",
    "interface Dims {",
    ...symbolsOfParts(program).map(({ name }) => `  readonly ${name}: number;`),
    "}",
  ]),
});

/** The lines of `createModel` that check the sizes for which the state is made. */
export function fixedLines(program: ProgramPlan): Code[] {
  const given = program.sessions === undefined ? "options.dims" : "sizes";
  const fixed = new Map(fixedDims(program).map(({ name, max = Infinity }) => [name, max]));
  if (!readsState(program)) return [];
  const entries = symbolsOfParts(program).map(({ name }) => {
    const max = fixed.get(name);
    const size = max === undefined ? "0" : `saidSize(${literal(name)}, ${given}, ${max})`;
    return `${name}: ${size},`;
  });
  return entries.length === 0 ? ["const fixed«: Dims» = {};"] : ["const fixed«: Dims» = {", entries, "};"];
}

/** The function that checks the inputs' shapes and finds the run-time dims; those of other parts are 0. */
export function dimsFunction(program: ProgramPlan, part: PlanPart): Code[] {
  const fixed = new Set(partFixedDims(program, part).map(({ name }) => name));
  const reads = sizeReads(part);
  const bound = new Set(reads.map(({ symbol }) => symbol.name));
  const said = saidDims(program, part);
  const sizes = new Map<string, string>();
  for (const { symbol, input, type, axis } of reads) {
    const size = `inputSize(${literal(input)}, ${accessOf(input)}, ${axis}, ${literal(showShape(type.shape))})`;
    const kept = `keptSize(${literal(symbol.name)}, ${size}, fixed.${symbol.name})`;
    sizes.set(symbol.name, fixed.has(symbol.name) ? kept : size);
  }
  for (const { name } of part.symbols)
    if (fixed.has(name) && !bound.has(name)) sizes.set(name, `fixed.${name}`);
  for (const { name, max = Infinity } of said)
    sizes.set(name, `saidSize(${literal(name)}, { ...dims }, ${max})`);
  const bounds = reads.flatMap(({ symbol: { name, max } }) => {
    const message = literal(`${name} is at most ${max}, got `);
    return max === undefined ? [] : [`if (d.${name} > ${max}) throw new InputError(${message} + d.${name});`];
  });
  const entries = symbolsOfParts(program).map(({ name }) => `${name}: ${sizes.get(name) ?? "0"},`);
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
export function inputReaders(program: ProgramPlan): readonly (keyof typeof inputRuntime)[] {
  const { buffers } = program.shared;
  const isSaid =
    fixedDims(program).length > 0 || program.parts.some((part) => saidDims(program, part).length > 0);
  return [
    "checkInputNames",
    ...(isSaid ? (["saidSize"] as const) : []),
    ...program.parts.flatMap((part) => {
      const reads = sizeReads(part);
      const fixed = new Set(partFixedDims(program, part).map(({ name }) => name));
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

/** The lines that read an input, checked, into an array of its own. */
export function inputLines(
  { name, type, fill, buffer }: PlanInput,
  local: string,
  buffers: readonly Buffer[],
): string[] {
  const array = isFloat(type.dtype) ? "Float32Array" : "Int32Array";
  const { elements } = buffers[buffer]!;
  const shape = type.shape.map((axis) => sizeText(axis)).join(", ");
  const filled = fill === undefined ? "undefined" : numberText(fill);
  return [
    hasKnownSize(buffers, buffer)
      ? `const ${local} = new ${array}(${sizeText(elements)});`
      : `const ${local} = allocate(${array}, ${sizeText(elements)}, d);`,
    `readInput(${literal(name)}, ${accessOf(name)}, ${literal(showShape(type.shape))}, [${shape}], ${filled}, ${takesText(type.dtype)}, ${local}, 0);`,
  ];
}

/** The lines that refuse sizes with which a step cannot be. */
export const needLines = (part: PlanPart): string[] =>
  part.needs.map(
    ({ size, least, message }) =>
      `if (${sizeText(size)} < ${least}) throw new InputError(${literal(message)});`,
  );
