import type { Plan } from "../../../plan/plan.ts";
import { isFloat, type Dtype } from "../../../tensor/dtype.ts";
import { showType } from "../../../tensor/type.ts";
import type { Code } from "../../../support/text.ts";
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

/** The types of the module's surface: what goes in and what comes out; `model` declares what runs it. */
export function publicTypes(plan: Plan, model: readonly string[] = runsAtOnce): Code[] {
  const inputs = plan.inputs.map(({ name, type, fill }) => {
    const comment = `/** ${showType(type)}${fill === undefined ? "" : `; all ${fill} if it is left off`} */`;
    const kind = type.dtype === "bool" ? "BoolTensor" : "Tensor";
    return [
      comment,
      `readonly ${keyText(name)}${fill === undefined ? `: ${kind}` : `?: ${kind} | undefined`};`,
    ];
  });
  const outputs = plan.outputs.map(({ name, type }) => [
    `/** ${showType(type)} */`,
    `readonly ${keyText(name)}: ${resultType(type.dtype)};`,
  ]);
  const bodyOf = (lines: readonly string[][]): string[] => lines.flat().map((line) => `  ${line}`);
  return typesOnly([
    ...general,
    "",
    "export interface Inputs {",
    ...bodyOf(inputs),
    "}",
    "",
    "export interface Outputs {",
    ...bodyOf(outputs),
    "}",
    "",
    ...model,
  ]);
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

  /** Tensors by their checkpoint names. Float32Array data is used where it lies, so it must not change later. */
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

/** What runs a plan that keeps nothing. */
export const runsAtOnce = fragment`
  export interface Model {
    /**
     * Runs the model. The run-time dims come from the shapes of the inputs. The results are the caller's; all other memory
     * is kept for the next run, and grows when the inputs do.
     */
    readonly run: (inputs: Inputs) => Outputs;
  }
`;

/** What runs a plan with state: a training step. */
export const keepsState = fragment`
  export interface Model {
    /**
     * Runs one step, which changes the state. The run-time dims come from the shapes of the inputs. The results are the
     * caller's; all other memory is kept for the next run, and grows when the inputs do.
     */
    readonly run: (inputs: Inputs) => Outputs;
    /**
     * What passes from step to step. A Float32Array that createModel was given is the state itself: steps write into it,
     * and two modules that were given the same arrays share them.
     */
    readonly state: Readonly<Record<string, FloatTensor>>;
  }
`;
