import type { Dtype } from "../../tensor/dtype.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";

/** What an attribute of a node holds, by the kind that the file says. */
export interface Attribute {
  readonly int: number | undefined;
  readonly float: number | undefined;
  readonly text: string | undefined;
  readonly ints: readonly number[];
  readonly floats: readonly number[];
  readonly tensor: StoredTensor | undefined;
  readonly isGraph: boolean;
}

export interface OnnxNode {
  readonly op: string;
  /** Of the operators: empty for ONNX's own. */
  readonly domain: string;
  readonly name: string;
  /** The module that it is of, as the exporter says: `layers.0.mlp.up`; empty where it does not. */
  readonly scope: string;
  /** Names of values; empty for one that is left off. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** What the caller gives: a size is a number, a name, or neither. */
export interface OnnxInput {
  readonly name: string;
  readonly dtype: Dtype;
  readonly sizes: readonly (number | string | undefined)[];
}

/** An ONNX model with its tensors: nodes stand behind those whose values they read, each value is made once. */
export interface OnnxModel {
  readonly name: string;
  readonly producer: string;
  readonly opset: number;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** The attributes of a node with their defaults. */
export const intOf = (node: OnnxNode, name: string, fallback: number): number =>
  node.attributes.get(name)?.int ?? fallback;

export const floatOf = (node: OnnxNode, name: string, fallback: number): number =>
  node.attributes.get(name)?.float ?? fallback;

export const textOf = (node: OnnxNode, name: string, fallback: string): string =>
  node.attributes.get(name)?.text ?? fallback;

export const intsOf = (node: OnnxNode, name: string): readonly number[] | undefined =>
  node.attributes.get(name)?.ints;
