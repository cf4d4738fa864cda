import type { Dim } from "../tensor/dim.ts";
import type { HostTensor } from "../tensor/host.ts";
import type { TensorType } from "../tensor/type.ts";
import type { Attribute } from "./attributes.ts";
import type { Trait } from "./traits.ts";

/** How often an operand stands: once, at most once, or any number of times. */
export type OperandKind = "one" | "optional" | "many";

export type OperandSpec = { readonly [name: string]: OperandKind };

export type AttributeSpec = { readonly [name: string]: Attribute<unknown> };

/** The operands of an op, with `T` in the place of each: values of a graph, types, or tensors. */
export type Operands<S extends OperandSpec, T> = {
  readonly [K in keyof S]: S[K] extends "one" ? T : S[K] extends "optional" ? T | undefined : readonly T[];
};

export type Attributes<S extends AttributeSpec> = {
  readonly [K in keyof S]: S[K] extends Attribute<infer T> ? T : never;
};

/** Why an op cannot be applied: the operand (or attribute) to blame and what is wrong with it. */
export class Mismatch {
  readonly blamed: string;
  readonly message: string;

  constructor(blamed: string, message: string) {
    this.blamed = blamed;
    this.message = message;
  }
}

/**
 * Where an op may stand: `core` ops come from the language and have gradients; `gradient` ops are made by
 * differentiation; `state` ops come from graphs with states and have none; `edge` ops are gone after the residual edges
 * are lowered; `kernel` ops are made by passes and only plans see them.
 */
export type OpStage = "core" | "gradient" | "state" | "edge" | "kernel";

/** Which plans have a step of an op: all, or only those of trainings. */
export type KernelUse = "any" | "training";

/** All target-independent meaning of an op. Nothing here knows of graphs or targets. */
export interface OpRecord<
  O extends OperandSpec = OperandSpec,
  A extends AttributeSpec = AttributeSpec,
  S extends OpStage = OpStage,
  K extends KernelUse = KernelUse,
  T extends Trait = Trait,
> {
  readonly stage: S;
  readonly traits?: readonly T[];
  /** Plans have steps of this op, for which every target has a kernel. Absent for what becomes another op, or no step. */
  readonly kernel?: K;
  /** One sentence with the formula; the source of the formula if it is not common knowledge. */
  readonly doc: string;
  readonly operands: O;
  readonly attrs: A;
  /** The names of the results; a last name that ends with `*` stands for any number. */
  readonly results: readonly string[];
  /** The results' types, or what is wrong. Never throws for operands of any type. */
  readonly infer: (
    operands: Operands<O, TensorType>,
    attrs: Attributes<A>,
  ) => readonly TensorType[] | Mismatch;
  /** The results, computed in float64: the oracle. Operands have the types that `infer` accepted. */
  readonly evaluate: (operands: Operands<O, HostTensor>, attrs: Attributes<A>) => readonly HostTensor[];
  /** Floating-point operations (a multiply-add counts two), by the types; absent for ops that only move data. */
  readonly flops?: (
    operands: Operands<O, TensorType>,
    attrs: Attributes<A>,
    results: readonly TensorType[],
  ) => Dim;
}

export const defineOp = <
  const O extends OperandSpec,
  const A extends AttributeSpec,
  const S extends OpStage,
  const K extends KernelUse = never,
  const T extends Trait = never,
>(
  record: OpRecord<O, A, S, K, T>,
): OpRecord<O, A, S, K, T> => record;
