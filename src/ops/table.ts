import { createOps } from "./create.ts";
import type { Attributes, OpRecord, Operands, OpStage } from "./define.ts";
import { edgeOps } from "./edge.ts";
import { chainOps, elementwiseOps } from "./elementwise.ts";
import { gradientOps } from "./gradient.ts";
import { linearOps } from "./linear.ts";
import { lossOps } from "./loss.ts";
import { normOps } from "./norm.ts";
import { reduceOps } from "./reduce.ts";
import { shapeOps } from "./shape.ts";
import { trainingOps } from "./training.ts";

/** Every op. The parser's names, the printer, the verifier, `lmg ops` and the tests of each op follow from this table. */
export const ops = {
  ...createOps,
  ...shapeOps,
  ...elementwiseOps,
  ...reduceOps,
  ...linearOps,
  ...normOps,
  ...lossOps,
  ...trainingOps,
  ...gradientOps,
  ...edgeOps,
  ...chainOps,
} as const;

export type OpName = keyof typeof ops;

/** The ops of the language: those that models are made of and that have gradients. */
export type CoreOp = Exclude<
  OpName,
  keyof typeof gradientOps | keyof typeof edgeOps | keyof typeof chainOps | "linear_epilogue" | "add_norm"
>;

/** The operands of op K with `T` in their places. */
export type OperandsOf<K extends OpName, T> = Operands<(typeof ops)[K]["operands"], T>;

export type AttributesOf<K extends OpName> = Attributes<(typeof ops)[K]["attrs"]>;

/** The record of an op, its operand and attribute types forgotten: for code that treats all ops alike. */
export const recordOf = (name: OpName): OpRecord => ops[name] as unknown as OpRecord;

export const isOpName = (name: string): name is OpName => Object.hasOwn(ops, name);

export const opNames = Object.keys(ops) as OpName[];

export const stageOf = (name: OpName): OpStage => recordOf(name).stage;
