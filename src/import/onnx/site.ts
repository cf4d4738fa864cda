import { heldAs } from "../../checkpoint/onnx/held.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { toHostTensor, type StoredTensor } from "../../checkpoint/stored.ts";
import type { Value } from "../../ir/graph.ts";
import { constantDim, dim, type Dim } from "../../tensor/dim.ts";
import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import { Builder, NoForm } from "./graph.ts";
import type { OnnxNode } from "./model.ts";

/** Whole numbers of which some are sizes that are known at run time: what shapes are computed with. */
export interface Sizes {
  readonly dims: readonly Dim[];
  /** A number rather than a list of one. */
  readonly isScalar: boolean;
  readonly dtype: Dtype;
}

/** What a name of ONNX means: elements that the file has, sizes, or a value of the graph. */
export type Meaning = StoredTensor | Sizes | Value;

export const isSizes = (meaning: Meaning): meaning is Sizes => "dims" in meaning;
export const isStored = (meaning: Meaning): meaning is StoredTensor => "bytes" in meaning;

/** Elements that a graph holds itself: positions of 32,768 tokens, or a mask of 1,024. */
const MAX_CONSTANT = 2 ** 20;

/** Whole numbers that may be a shape. */
const MAX_SIZES = 64;

/** A node that is being read, with what its inputs mean. */
export class Site extends Builder {
  readonly opset: number;
  readonly #meanings: Map<string, Meaning>;
  readonly #values = new Map<string, Value>();
  readonly #own: (name: string, tensor: StoredTensor) => Value;
  node!: OnnxNode;

  /** `own` makes a parameter of a tensor of the file. */
  constructor(
    opset: number,
    meanings: Map<string, Meaning>,
    own: (name: string, tensor: StoredTensor) => Value,
  ) {
    super();
    this.opset = opset;
    this.#meanings = meanings;
    this.#own = own;
  }

  /** How many inputs there are, with those that are left off between. */
  get count(): number {
    return this.node.inputs.length;
  }

  has = (index: number): boolean => (this.node.inputs[index] ?? "") !== "";

  meaning(index: number): Meaning {
    const name = this.node.inputs[index] ?? "";
    const found = this.#meanings.get(name);
    if (found === undefined)
      throw new NoForm(name === "" ? `no input ${index}` : "an input that was not read");
    return found;
  }

  value = (index: number): Value => {
    this.meaning(index);
    return this.named(this.node.inputs[index]!);
  };

  optional = (index: number): Value | undefined => (this.has(index) ? this.value(index) : undefined);

  values = (): readonly Value[] => this.node.inputs.map((_, index) => this.value(index));

  /** The value of a name: made where it is first read as one. */
  named(name: string): Value {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const meaning = this.#meanings.get(name);
    if (meaning === undefined) throw new NoForm("an input that was not read");
    const value = isSizes(meaning)
      ? this.#ofSizes(meaning)
      : isStored(meaning)
        ? this.#ofTensor(name, meaning)
        : meaning;
    this.#values.set(name, value);
    return value;
  }

  /** The elements, where the file has them; undefined for what is computed, or large. */
  known(index: number): HostTensor | undefined {
    const meaning = this.meaning(index);
    if (isSizes(meaning)) {
      const values = meaning.dims.map(constantDim);
      if (!values.every((value) => value !== undefined)) return undefined;
      return {
        dtype: meaning.dtype,
        shape: meaning.isScalar ? [] : [values.length],
        data: Float64Array.from(values),
      };
    }
    if (!isStored(meaning) || sizeOf(meaning.shape) > MAX_CONSTANT) return undefined;
    return this.#host(meaning);
  }

  #host(tensor: StoredTensor): HostTensor {
    const host = toHostTensor({ ...tensor }, "a constant");
    if (host instanceof Problem) throw new NoForm("whole numbers of more than 32 bits as elements");
    return host;
  }

  /** Whether all elements of an input are one number, and its name says of no parameter that it is learned. */
  isFilled(index: number, number: number): boolean {
    const isNamed = /[._](weight|bias|gamma|beta|scale)(:0)?$/i.test(this.node.inputs[index] ?? "");
    return !isNamed && this.known(index)?.data.every((value) => value === number) === true;
  }

  /** The one number of an input, if the file has it. */
  scalar(index: number): number | undefined {
    const meaning = this.meaning(index);
    const count = isSizes(meaning) ? meaning.dims.length : isStored(meaning) ? sizeOf(meaning.shape) : 0;
    if (count !== 1) return undefined;
    return isSizes(meaning) ? constantDim(meaning.dims[0]!) : this.known(index)?.data[0];
  }

  /** Whole numbers that the file has: axes, splits. */
  ints(index: number): readonly number[] {
    const sizes = this.sizes(index)?.dims.map(constantDim);
    if (sizes === undefined || !sizes.every((size) => size !== undefined))
      throw new NoForm(`input ${index} that is computed`);
    return sizes;
  }

  /** An input as sizes, if it is a few whole numbers. */
  sizes(index: number): Sizes | undefined {
    const meaning = this.meaning(index);
    if (isSizes(meaning)) return meaning;
    if (!isStored(meaning) || isFloat(meaning.dtype) || meaning.shape.length > 1) return undefined;
    if (sizeOf(meaning.shape) > MAX_SIZES) return undefined;
    return {
      dims: wholeNumbers(meaning).map((value) => dim(value)),
      isScalar: meaning.shape.length === 0,
      dtype: heldAs(meaning.dtype),
    };
  }

  /** Sizes that a node cannot do without: a shape. */
  shape(index: number): readonly Dim[] {
    const sizes = this.sizes(index);
    if (sizes === undefined) throw new NoForm("a shape that depends on more than the sizes of inputs");
    return sizes.dims;
  }

  #ofSizes({ dims, isScalar, dtype }: Sizes): Value {
    const values = dims.map(constantDim);
    if (!values.every((value) => value !== undefined)) {
      if (dims.length !== 1) throw new NoForm("sizes of inputs as numbers");
      // It may only say where elements are, which is known by then; else it is refused at the end.
      const size = this.emit("cast", { x: this.emit("extent", {}, { size: dims[0]! }) }, { dtype: "i32" });
      return isScalar ? size : this.reshape(size, [dim(1)]);
    }
    const shape = isScalar ? [] : [dim(values.length)];
    return this.emit("constant", {}, { dtype, shape, values });
  }

  #ofTensor(name: string, tensor: StoredTensor): Value {
    const isLearned = isFloat(tensor.dtype) && !isNumber(name, tensor);
    if (isLearned) return this.#own(name, tensor);
    if (sizeOf(tensor.shape) > MAX_CONSTANT)
      throw new NoForm(`a constant of ${sizeOf(tensor.shape)} elements`);
    const { data } = this.#host(tensor);
    const [dtype, shape] = [heldAs(tensor.dtype), tensor.shape.map((size) => dim(size))];
    const [first = 0] = data;
    return data.every((value) => Object.is(value, first))
      ? this.full(shape, dtype, first)
      : this.emit("constant", {}, { dtype, shape, values: [...data] });
  }
}

/** A single number that is not called as a checkpoint calls its parameters. */
const isNumber = (name: string, { shape }: StoredTensor): boolean =>
  sizeOf(shape) === 1 && (shape.length === 0 || !/^[A-Za-z]\w*(\.\w+)+$/.test(name));

/** 64 bits, of which what is beyond 2⁵³ stands for "to the end". */
function wholeNumbers(tensor: StoredTensor): readonly number[] {
  const { dtype, bytes, shape } = tensor;
  if (dtype !== "i64") {
    const host = toHostTensor(tensor, "a constant");
    if (host instanceof Problem) throw new NoForm("whole numbers of more than 32 bits");
    return [...host.data];
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const limit = Number.MAX_SAFE_INTEGER;
  return Array.from({ length: sizeOf(shape) }, (_, at) =>
    Math.max(-limit, Math.min(limit, Number(view.getBigInt64(at * 8, true)))),
  );
}
