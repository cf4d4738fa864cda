import { dtypeBytes, isFloat, roundTo, type Dtype } from "../tensor/dtype.ts";
import { makeData, sizeOf, type HostTensor } from "../tensor/host.ts";
import { decodeBf16, decodeF16, encodeBf16, encodeF16 } from "./half.ts";
import { Problem } from "./problem.ts";
import type { ScaledDtype } from "./safetensors-header.ts";

/** A tensor as a file holds it: little endian, row-major, dense; `bytes` may be a view into the file. */
export interface StoredTensor {
  readonly dtype: Dtype;
  /** What its bytes are, if they are u8 only as they lie. */
  readonly scaled?: ScaledDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export type NumberArray =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Int8Array | Uint8Array | Uint16Array;

/**
 * The elements as float32, a fresh array. Floats of 64 bits are rounded, those of 16 are exact; integers beyond 2²⁴
 * lose their last digits.
 */
export function toFloat32(tensor: StoredTensor): Float32Array {
  const elements = elementsOf(tensor);
  if (elements instanceof Float32Array) return elements;
  return elements instanceof BigInt64Array
    ? Float32Array.from(elements, Number)
    : Float32Array.from(elements);
}

/**
 * The elements as float32 for who only reads them: those of a file that has them so are not copied, wherever its bytes allow it.
 */
export function readFloat32(tensor: StoredTensor): Float32Array {
  const { dtype, shape, bytes } = tensor;
  const isInPlace = dtype === "f32" && bytes.byteOffset % 4 === 0;
  return isInPlace ? new Float32Array(bytes.buffer, bytes.byteOffset, sizeOf(shape)) : toFloat32(tensor);
}

/** The same of whole numbers as 32 bits. */
export function readInt32(tensor: StoredTensor): Int32Array {
  const { dtype, shape, bytes } = tensor;
  const isInPlace = dtype === "i32" && bytes.byteOffset % 4 === 0;
  return isInPlace ? new Int32Array(bytes.buffer, bytes.byteOffset, sizeOf(shape)) : toInt32(tensor);
}

/** Whole numbers of any width as 32 bits, which packed codes use to the last. */
export function toInt32(tensor: StoredTensor): Int32Array {
  const elements = elementsOf(tensor);
  if (elements instanceof Int32Array) return elements;
  return elements instanceof BigInt64Array ? Int32Array.from(elements, Number) : Int32Array.from(elements);
}

/** The elements as the interpreter holds them; `name` is for the message if an integer does not fit 32 bits. */
export function toHostTensor(tensor: StoredTensor, name: string): HostTensor | Problem {
  const elements = elementsOf(tensor);
  const { dtype, shape } = tensor;
  const data = makeData(dtype, elements.length);
  for (let i = 0; i < elements.length; i++) {
    const value = Number(elements[i]);
    data[i] = dtype === "bool" ? Number(value !== 0) : value;
    if (data instanceof Int32Array && data[i] !== value)
      return new Problem(
        "E708",
        `${name}: element ${i} is ${value}, which does not fit in 32 bits with a sign`,
      );
  }
  return { dtype, shape, data };
}

/** The tensor's bytes with each element rounded to `dtype`, ties to even. */
export function toStored(tensor: HostTensor, dtype: Dtype = tensor.dtype): StoredTensor {
  const rounded = isFloat(dtype)
    ? Float64Array.from(tensor.data, (value) => roundTo(dtype, value))
    : Array.from(tensor.data, (value) => roundTo(dtype, value));
  const elements = encode(dtype, rounded);
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  return { dtype, shape: tensor.shape, bytes };
}

/** The elements in the narrowest array of numbers that holds them all, copied: a file need not align them. */
export function elementsOf({ dtype, shape, bytes }: StoredTensor): NumberArray | BigInt64Array {
  // Not `bytes.slice`: that of Node's Buffer makes no copy.
  const { buffer } = new Uint8Array(bytes.subarray(0, sizeOf(shape) * dtypeBytes[dtype]));
  switch (dtype) {
    case "f64":
      return new Float64Array(buffer);
    case "f32":
      return new Float32Array(buffer);
    case "f16":
      return decodeF16(new Uint16Array(buffer));
    case "bf16":
      return decodeBf16(new Uint16Array(buffer));
    case "i64":
      return new BigInt64Array(buffer);
    case "i32":
      return new Int32Array(buffer);
    case "u32":
      return new Uint32Array(buffer);
    case "i16":
      return new Int16Array(buffer);
    case "i8":
      return new Int8Array(buffer);
    case "u8":
    case "bool":
      return new Uint8Array(buffer);
  }
}

function encode(dtype: Dtype, values: ArrayLike<number>): NumberArray | BigInt64Array {
  switch (dtype) {
    case "f64":
      return Float64Array.from(values);
    case "f32":
      return Float32Array.from(values);
    case "f16":
      return Uint16Array.from(values, encodeF16);
    case "bf16":
      return encodeBf16(values);
    case "i64":
      return BigInt64Array.from(Array.from(values, BigInt));
    case "i32":
      return Int32Array.from(values);
    case "u32":
      return Uint32Array.from(values);
    case "i16":
      return Int16Array.from(values);
    case "i8":
      return Int8Array.from(values);
    case "u8":
    case "bool":
      return Uint8Array.from(values);
  }
}
