import type { PackedParameterSource, PlanParameter, PlanShared, ProgramPlan } from "../../plan/plan.ts";
import { packedNames } from "../../passes/packing.ts";
import { isStack } from "../../ir/stacks.ts";
import type { Code } from "../../support/text.ts";
import type { Piece } from "./piece.ts";
import { laterRuntime } from "./runtime/later.generated.ts";
import { packedRuntime } from "./runtime/packed.generated.ts";
import { stacksRuntime } from "./runtime/stacks.generated.ts";
import { fragment, literal } from "./text.ts";

/** How the tensors of a module's weights come: all of them there, or some when they are wanted. */
export type Coming = "whole" | "streamed";

/** The tensors that weights must have: of parameters that are kept as codes, those that the codes are made of. */
export function givenParameters({
  parameters,
  packed = [],
}: PlanShared): readonly Pick<PlanParameter, "name" | "shape" | "dtype">[] {
  const sources = new Map(packed.map((source) => [packedNames(source.name).codes, source]));
  const beside = new Set(
    packed.flatMap(({ name }) => [packedNames(name).scales, packedNames(name).minimums]),
  );
  return parameters
    .filter(({ name }) => !beside.has(name))
    .map((parameter) => sources.get(parameter.name) ?? parameter);
}

/** Whether the tensors of a parameter may come as those of its parts. */
const hasStacks = (shared: PlanShared): boolean => givenParameters(shared).some(({ name }) => isStack(name));

/** What finds the tensors of a model's parameters in `source`, as an expression. */
export function matchText({ shared }: ProgramPlan, coming: Coming): string {
  const isPacked = shared.packed !== undefined;
  const coded = isPacked ? "withCodes(source)" : "source";
  const join = isPacked ? "codedStackOf" : "stackOf";
  const whole = hasStacks(shared) ? `withStacks(${coded}, ${join})` : coded;
  const matched = `${coming === "streamed" ? "await " : ""}matchWeights(${whole}, options)`;
  return isPacked ? `packedTensors(${matched})` : matched;
}

/** What joins tensors of a file that are one of the model's, and makes codes of weights, where the model has such. */
export function joinedPiece({ shared }: ProgramPlan, coming: Coming): Piece {
  const { packed } = shared;
  const stacks = hasStacks(shared);
  if (packed === undefined && !stacks) return { declares: [], code: [] };
  return {
    declares: [
      ...["readOf", "laterTensor", ...laterRuntime.declares],
      ...(stacks ? ["withStacks", "stackOf", "codedStackOf", ...stacksRuntime.declares] : []),
      ...(packed === undefined
        ? []
        : ["packedWeights", "codedAs", "withCodes", "packedTensors", "endings", ...packedRuntime.declares]),
    ],
    code: [
      ...(packed === undefined ? [] : [...tableOf(packed), ""]),
      ...readers[coming],
      ...(packed === undefined ? [] : ["", ...joining, "", ...packedRuntime.code]),
      ...(stacks ? ["", ...stacking, "", ...stacksRuntime.code] : []),
      ...(stacks && packed !== undefined ? ["", ...stackingCodes] : []),
      "",
      ...laterRuntime.code,
    ],
  };
}

const tableOf = (packed: readonly PackedParameterSource[]): Code[] => [
  "/** Weights that the model keeps as codes. */",
  "const packedWeights«: readonly PackedWeight[]» = [",
  packed.map(
    ({ name, shape, form: { bits, block, hasMinimums }, isTransposed }) =>
      `{ name: ${literal(name)}, shape: [${shape.join(", ")}], form: { bits: ${bits}, block: ${block}, hasMinimums: ${hasMinimums} }, isTransposed: ${isTransposed} },`,
  ),
  "];",
];

/** How elements are read, and tensors made whose elements come when they are asked for. */
const readers: Readonly<Record<Coming, readonly string[]>> = {
  whole: fragment`
    const readOf = (tensor«: Given»)«: ReadElements» => (kind, first, end) => {
      const { data } = tensor;
      const found = storedAs.get(tensor)?.read(first, end) ?? (ArrayBuffer.isView(data) ? (data« as Elements»).subarray(first, end) : Array.prototype.slice.call(data, first, end));
      const Kind = kind === "f32" ? Float32Array : Int32Array;
      return found instanceof Kind ? found : Kind.from(found);
    };

    function laterTensor(shape«: readonly number[]», kind«: "f32" | "i32"», read«: (first: number, end: number) => Soon<Elements>», _of«?: Given»)«: Given» {
      const size = shape.reduce((product, length) => product * length, 1);
      let made«: Elements | undefined»;
      const all = ()«: Elements» => (made ??= read(0, size)« as Elements»);
      const tensor = { shape, get data() { return all(); } };
      storedAs.set(tensor, { isFloat: kind === "f32", size, elementBytes: 4, read: (first, end) => all().subarray(first, end) });
      return tensor;
    }
  `,
  streamed: fragment`
    const readOf = (tensor«: Given»)«: ReadElements» => (kind, first, end) => elementsBetween(tensor, kind, first, end);

    /** A tensor whose elements come when they are asked for; from where those of another do, if it is made of such. */
    const laterTensor = (shape«: readonly number[]», dtype«: "f32" | "i32"», read«: (first: number, end: number) => Soon<Elements>», of«?: Given»)«: Given» =>
      of === undefined || !isStreamed(of) ? { shape, dtype, read } : { ...of, shape, dtype, read };
  `,
};

const stacking = fragment`
  /** Weights with one tensor in the place of the parts of each stack. Throws WeightsError if some of them are not there, or not alike. */
  function withStacks(source«: Readonly<Record<string, Given>> | ReadonlyMap<string, Given>», join«: (parts: readonly Given[]) => Given»)«: typeof source» {
    if (typeof source !== "object" || source === null) return source;
    const given = source instanceof Map ? source« as Map<string, Given>» : new Map(Object.entries(source));
    const joined = new Map«<string, Given>»(given);
    for (const { name, parts, missing } of stacksAmong(parameters, given)) {
      if (missing.length > 0) throw new WeightsError(missing.map((part) => "missing: " + part + ", a part of " + name));
      const tensors = parts.map((part) => given.get(part)«!»);
      const types = tensors.map((tensor) => [tensor?.shape, Object.values(kindOfGiven(tensor))].join());
      const odd = types.findIndex((type) => type !== types[0]);
      if (odd >= 0) throw new WeightsError(["not alike: " + parts[0] + " and " + parts[odd] + ", parts of " + name]);
      for (const part of parts) joined.delete(part);
      joined.set(name, join(tensors));
    }
    return joined;
  }

  /** Tensors of one shape as one with an axis more. */
  function stackOf(parts«: readonly Given[]»)«: Given» {
    const first = parts[0]«!»;
    const { isFloat, size } = kindOfGiven(first);
    const kind = isFloat ? "f32" : "i32";
    const read = readStacked(parts.map(readOf), size);
    return laterTensor([parts.length, ...first.shape], kind, (from, to) => read(kind, from, to), first);
  }
`;

const stackingCodes = fragment`
  /** The same with their codes, if all have such. */
  function codedStackOf(parts«: readonly Given[]»)«: Given» {
    const stack = stackOf(parts);
    const codes = parts.flatMap((part) => codedAs.get(part) ?? []);
    const form = codes[0]?.form;
    if (form !== undefined && codes.length === parts.length && codes.every((each) => isSameForm(each.form, form)))
      codedAs.set(stack, { form, rows: stackedRows((part) => codes[part]«!».rows, stack.shape[1]«!») });
    return stack;
  }
`;

const joining = fragment`
  /** The codes of matrices that a file has so. */
  const codedAs = new WeakMap«<object, Coded>»();

  /** Weights with one matrix in the place of its codes and scales. */
  function withCodes(source«: Readonly<Record<string, Given>> | ReadonlyMap<string, Given>»)«: typeof source» {
    if (typeof source !== "object" || source === null) return source;
    const given = source instanceof Map ? source« as Map<string, Given>» : new Map(Object.entries(source));
    const joined = new Map«<string, Given>»(given);
    const parts = [...joined].filter(([, tensor]) => Array.isArray(tensor?.shape));
    const known = parts.map(([name, tensor]) => [name, { shape: tensor.shape, isFloat: kindOfGiven(tensor).isFloat, read: readOf(tensor) }]« as const»);
    for (const { name, parts, matrix } of codedMatrices(new Map(known))) {
      for (const part of parts) joined.delete(part);
      const tensor = laterTensor(matrix.shape, "f32", matrix.elements);
      codedAs.set(tensor, matrix);
      joined.set(name, tensor);
    }
    return joined;
  }

  const endings = { codes: "_packed", scales: "_scale", minimums: "_minimum" };

  /** Tensors with the codes and scales of packed weights in their places. */
  function packedTensors(tensors«: Map<string, Given>»)«: Map<string, Given>» {
    const all = new Map(tensors);
    for (const weight of packedWeights) {
      const tensor = tensors.get(weight.name)«!»;
      all.delete(weight.name);
      for (const { role, shape, read } of packedParts(weight, readOf(tensor), codedAs.get(tensor)))
        all.set(weight.name + endings[role], laterTensor(shape, role === "codes" ? "i32" : "f32", read));
    }
    return all;
  }
`;
