import { createOps } from "./create.ts";
import type { Attributes, KernelUse, OpRecord, Operands, OpStage } from "./define.ts";
import { edgeOps } from "./edge.ts";
import { chainOps, elementwiseOps } from "./elementwise.ts";
import { gradientOps } from "./gradient.ts";
import { linearOps } from "./linear.ts";
import { lossOps } from "./loss.ts";
import { normOps } from "./norm.ts";
import { quantizedOps } from "./quantized.ts";
import { reduceOps } from "./reduce.ts";
import { shapeOps } from "./shape.ts";
import { stateOps } from "./state.ts";
import { trainingOps } from "./training.ts";
import type { Trait } from "./traits.ts";

/** Every op. The parser's names, the printer, the verifier, `lmg ops` and the tests of each op follow from this table. */
export const ops = {
  ...createOps,
  ...shapeOps,
  ...stateOps,
  ...elementwiseOps,
  ...reduceOps,
  ...linearOps,
  ...quantizedOps,
  ...normOps,
  ...lossOps,
  ...trainingOps,
  ...gradientOps,
  ...edgeOps,
  ...chainOps,
} as const;

export type OpName = keyof typeof ops;

/** The names of the ops whose records have a member of that type. */
type NamesWhere<Member extends keyof OpRecord, Type> = {
  [K in OpName]: [NonNullable<(typeof ops)[K][Member]>] extends [never]
    ? never
    : NonNullable<(typeof ops)[K][Member]> extends Type
      ? K
      : never;
}[OpName];

/** The ops of the language: those that models are made of and that have gradients. */
export type CoreOp = NamesWhere<"stage", "core">;

/** The ops of graphs that plans have steps of. */
export type GraphKernel = NamesWhere<"kernel", KernelUse>;

/** The ops with a trait. */
export type OpWith<T extends Trait> = {
  [K in OpName]: T extends NonNullable<(typeof ops)[K]["traits"]>[number] ? K : never;
}[OpName];

/** The operands of op K with `T` in their places. */
export type OperandsOf<K extends OpName, T> = Operands<(typeof ops)[K]["operands"], T>;

export type AttributesOf<K extends OpName> = Attributes<(typeof ops)[K]["attrs"]>;

/** The record of an op, its operand and attribute types forgotten: for code that treats all ops alike. */
export const recordOf = (name: OpName): OpRecord => ops[name] as unknown as OpRecord;

export const isOpName = (name: string): name is OpName => Object.hasOwn(ops, name);

export const opNames = Object.keys(ops) as OpName[];

export const hasTrait = <T extends Trait>(name: OpName, trait: T): name is OpWith<T> =>
  recordOf(name).traits?.includes(trait) === true;

export const isGraphKernel = (name: OpName): name is GraphKernel => recordOf(name).kernel !== undefined;

export const stageOf = (name: OpName): OpStage => recordOf(name).stage;
