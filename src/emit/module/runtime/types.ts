import type { SymbolDeclaration } from "../../../ir/graph.ts";
import type { PlanPart, ProgramPlan } from "../../../plan/plan.ts";
import { isFloat, type Dtype } from "../../../tensor/dtype.ts";
import { showType } from "../../../tensor/type.ts";
import type { Piece } from "../piece.ts";
import { changesState, fixedDims, keepsState, ownParts, partNames, saidDims, stateType } from "../surface.ts";
import { fragment, literal, typesOnly } from "../text.ts";
import { isInherited } from "../words.ts";

const isWord = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

/** A key of an object type or literal, quoted where it must be; written as it is, `__proto__` is no key. */
export const keyText = (name: string): string =>
  name === "__proto__" ? `[${literal(name)}]` : isWord(name) ? name : literal(name);

/** The input of a name, undefined if it is left off. */
export function accessOf(name: string): string {
  const access = isWord(name) ? `inputs.${name}` : `inputs[${literal(name)}]`;
  return isInherited(name) ? `(Object.hasOwn(inputs, ${literal(name)}) ? ${access} : undefined)` : access;
}

const resultType = (dtype: Dtype): string => (isFloat(dtype) ? "FloatTensor" : "IntTensor");

/** What an input of a type takes, as literal of the runtime. */
export const takesText = (dtype: Dtype): string =>
  literal(isFloat(dtype) ? "numbers" : dtype === "bool" ? "true and false" : "whole numbers");

/** The types of the module's surface: what goes in and what comes out; `model` declares `Model`, which runs it. */
export function publicTypes(program: ProgramPlan, model: readonly string[]): Piece {
  const fixed = optionDims(program);
  return {
    declares: [
      ...["Tensor", "BoolTensor", "FloatTensor", "IntTensor", "WeightSource", "WeightOptions", "Parameter"],
      ...program.parts.flatMap((part) => partTypeNames(program, part)),
      ...(fixed.length === 0 ? [] : ["ModelOptions"]),
      "Model",
    ],
    code: typesOnly([
      ...general,
      ...program.parts.flatMap((part) => ["", ...partTypes(program, part)]),
      ...optionTypes(fixed),
      "",
      ...model,
    ]),
  };
}

/** The run-time dims that `createModel` is told. */
const optionDims = (program: ProgramPlan): readonly SymbolDeclaration[] =>
  keepsState(program) ? fixedDims(program) : [];

const partTypeNames = (program: ProgramPlan, part: PlanPart): string[] => {
  const { inputs, outputs, dims } = partNames(program, part);
  return [inputs, outputs, ...(saidDims(program, part).length === 0 ? [] : [dims])];
};

const membersOf = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const boundText = ({ max }: SymbolDeclaration): string[] =>
  max === undefined ? [] : [`/** At most ${max}. */`];

const dimMembers = (dims: readonly SymbolDeclaration[]): string[] =>
  dims.flatMap((symbol) => [...boundText(symbol), `readonly ${symbol.name}: number;`]);

function partTypes(program: ProgramPlan, part: PlanPart): string[] {
  const names = partNames(program, part);
  const inputs = part.inputs.flatMap(({ name, type, fill }) => {
    const comment = `/** ${showType(type)}${fill === undefined ? "" : `; all ${fill} if it is left off`} */`;
    const kind = type.dtype === "bool" ? "BoolTensor" : "Tensor";
    return [
      comment,
      `readonly ${keyText(name)}${fill === undefined ? `: ${kind}` : `?: ${kind} | undefined`};`,
    ];
  });
  const outputs = part.outputs.flatMap(({ name, type }) => [
    `/** ${showType(type)} */`,
    `readonly ${keyText(name)}: ${resultType(type.dtype)};`,
  ]);
  const said = saidDims(program, part);
  return [
    `export interface ${names.inputs} {`,
    ...membersOf(inputs),
    "}",
    "",
    ...(said.length === 0
      ? []
      : [
          "/** Sizes that no input says. */",
          `export interface ${names.dims} {`,
          ...membersOf(dimMembers(said)),
          "}",
          "",
        ]),
    `export interface ${names.outputs} {`,
    ...membersOf(outputs),
    "}",
  ];
}

const optionTypes = (fixed: readonly SymbolDeclaration[]): string[] =>
  fixed.length === 0
    ? []
    : [
        "",
        "export interface ModelOptions extends WeightOptions {",
        "  /** Sizes for which the state is made; runs keep to them. */",
        `  readonly dims: { ${dimMembers(fixed).join(" ")} };`,
        "}",
      ];

/** What `createModel` is told, and what it is told if it is told nothing; `more` is a type of what a target takes beside. */
export function optionsParameter(program: ProgramPlan, more?: string): string {
  const type = optionDims(program).length === 0 ? "WeightOptions" : "ModelOptions";
  const whole = more === undefined ? type : `${type} & ${more}`;
  return `options«: ${whole}» = {}${type === "ModelOptions" ? `« as ${whole}»` : ""}`;
}

const general = fragment`
  /** A tensor from outside: its elements row-major. */
  export interface Tensor {
    readonly data: ArrayLike<number>;
    readonly shape: readonly number[];
  }

  /** The same of bools: true and false, or 1 and 0. */
  export interface BoolTensor {
    readonly data: ArrayLike<number | boolean>;
    readonly shape: readonly number[];
  }

  export interface FloatTensor extends Tensor {
    readonly data: Float32Array;
  }

  export interface IntTensor extends Tensor {
    readonly data: Int32Array;
  }

  /**
   * Tensors by their checkpoint names. Float32Array data of a parameter may be used where it lies, so it must not change
   * later; a state is a copy.
   */
  export type WeightSource = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

  export interface WeightOptions {
    /** Patterns of tensors that may be there and are not used, beside harmlessTensors. */
    readonly ignore?: readonly RegExp[];
    /**
     * What the names of the tensors have in front of those of the parameters, or lack. Left off, a prefix by which every
     * parameter has a tensor is found; "" looks for none.
     */
    readonly prefix?: string;
  }

  export interface Parameter {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: string;
  }
`;

/** What makes sessions. */
function sessionMembers(program: ProgramPlan): string[] {
  if (program.sessions === undefined) return [];
  const { inputs, outputs } = partNames(
    program,
    program.parts.find(({ name }) => name === "append")!,
  );
  const made = `Promise<Session<${inputs}, ${outputs}>>`;
  return [
    "/** A text that is read a few positions at a time, with memory of its own beside the weights; it is disposed by itself. */",
    `readonly session: (options?: SessionOptions) => ${made};`,
    "/** The same where one of this model was saved; throws SessionError for bytes of another model, or of other weights. */",
    `readonly restore: (bytes: Uint8Array, options?: Pick<SessionOptions, "capacity" | "chunk">) => ${made};`,
  ];
}

/** What makes a surface of one target: how it says what a run does, and whether it answers later. */
export interface SurfaceWords {
  /** Of a run that changes nothing, and of one that changes the state. */
  readonly runs: readonly string[];
  readonly changes: readonly string[];
  readonly isLater: boolean;
  /** What a run takes after its inputs and dims. */
  readonly parameters?: string;
  /** Whether some states can be read without the others. */
  readonly readsSome?: boolean;
  /** Further members of a model. */
  readonly more: readonly string[];
}

/** What runs the model. */
export function modelType(program: ProgramPlan, words: SurfaceWords): string[] {
  const later = (type: string): string => (words.isLater ? `Promise<${type}>` : type);
  const runs = ownParts(program).flatMap((part) => {
    const names = partNames(program, part);
    const dims = saidDims(program, part).length === 0 ? "" : `, dims: ${names.dims}`;
    const says = changesState(program, part) ? words.changes : words.runs;
    return [
      "/**",
      ...says.map((line) => ` * ${line}`),
      " */",
      `readonly ${names.run}: (inputs: ${names.inputs}${dims}${words.parameters ?? ""}) => ${later(names.outputs)};`,
    ];
  });
  const state = [
    `/** A copy of the state as it is after the runs so far${words.readsSome === true ? "; of some of it, if names are given" : ""}. */`,
    `readonly readState: (${words.readsSome === true ? "names?: readonly string[]" : ""}) => ${later(`Record<string, ${stateType(program)}>`)};`,
    "/** Replaces tensors of the state; throws WeightsError for one that does not fit. */",
    `readonly writeState: (source: WeightSource) => ${later("void")};`,
  ];
  return [
    "export interface Model {",
    ...membersOf([...runs, ...(keepsState(program) ? state : []), ...sessionMembers(program), ...words.more]),
    "}",
  ];
}
