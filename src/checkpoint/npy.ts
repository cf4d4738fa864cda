import { dtypeBytes, type Dtype } from "../tensor/dtype.ts";
import { sizeOf, stridesOf, type HostTensor } from "../tensor/host.ts";
import { Problem, quote, showSizes } from "./problem.ts";
import { toHostTensor, toStored, type StoredTensor } from "./stored.ts";
import type { StatedSize } from "./unpacking.ts";

/** `\x93NUMPY`: how every .npy file begins (NEP 1). */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's type codes, little endian. `u2` is read as i32, which holds it. */
const dtypeOfDescr: { readonly [descr: string]: Dtype } = {
  "<f8": "f64",
  "<f4": "f32",
  "<f2": "f16",
  "<i8": "i64",
  "<i4": "i32",
  "<u4": "u32",
  "<i2": "i16",
  "|i1": "i8",
  "|u1": "u8",
  "|b1": "bool",
  "<u2": "i32",
};

/** Header lengths are whatever the file says, but never more than this many bytes: shapes are short. */
const MAX_HEADER = 1 << 16;

interface NpyHeader {
  readonly dtype: Dtype;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly dataStart: number;
  /** What they take, in bytes. */
  readonly size: number;
}

/** The array of a .npy file, versions 1 to 3, C or Fortran order; row-major in the result. */
export function readNpy(bytes: Uint8Array, name: string): HostTensor | Problem {
  const stored = readStoredNpy(bytes, name);
  return stored instanceof Problem ? stored : toHostTensor(stored, name);
}

/** The same with its elements as they lie in the file, without a copy if they are in C order. */
export function readStoredNpy(bytes: Uint8Array, name: string): StoredTensor | Problem {
  const header = readHeader(bytes, name);
  if (header instanceof Problem) return header;
  const { dtype, fortran, shape, dataStart, size } = header;
  if (!Number.isSafeInteger(size) || dataStart + size !== bytes.length)
    return new Problem(
      "E713",
      `${name}: ${dtype}${showSizes(shape)} takes ${size} bytes, but the file has ${bytes.length - dataStart} after its header`,
    );
  const elements = bytes.subarray(dataStart);
  const data = elements.length === sizeOf(shape) * dtypeBytes[dtype] ? elements : widened(elements);
  return fortran
    ? transpose({ dtype, shape: shape.toReversed(), bytes: data })
    : { dtype, shape, bytes: data };
}

/** Numbers of 16 bits without a sign as numbers of 32 bits. */
const widened = (elements: Uint8Array): Uint8Array =>
  new Uint8Array(Int32Array.from(new Uint16Array(new Uint8Array(elements).buffer)).buffer);

export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, at) => bytes[at] === byte);

/** The size of a .npy file by its beginning. */
export function statedNpySize(start: Uint8Array, name: string): StatedSize | Problem {
  const needs = headerEnd(start);
  if (needs > start.length) return { needs };
  const header = readHeader(start, name);
  return header instanceof Problem ? header : { total: header.dataStart + header.size };
}

/** So many bytes have the header of every .npy file that is read. */
export const NPY_START = 12 + MAX_HEADER;

/** The array of a .npy file without its elements, by the first `NPY_START` bytes of the file. */
export const statedNpyArray = (
  start: Uint8Array,
  name: string,
): Pick<StoredTensor, "dtype" | "shape"> | Problem => readHeader(start, name);

/** Where the header ends, by as many bytes as are there; one that is too long has no end that counts. */
function headerEnd(start: Uint8Array): number {
  const fixed = start[6] === 1 ? 10 : 12;
  if (start.length < fixed) return fixed;
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const length = fixed === 10 ? view.getUint16(8, true) : view.getUint32(8, true);
  return length > MAX_HEADER ? fixed : fixed + length;
}

function readHeader(bytes: Uint8Array, name: string): NpyHeader | Problem {
  if (!isNpy(bytes))
    return new Problem("E711", `${name}: expected a .npy file, but it does not begin with \\x93NUMPY`);
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3)
    return new Problem("E711", `${name}: .npy version ${version} is not known; 1, 2 and 3 are`);
  const lengthBytes = version === 1 ? 2 : 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = 8 + lengthBytes;
  if (bytes.length < start) return truncated(name, start, bytes.length);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER)
    return new Problem("E711", `${name}: the header claims ${length} bytes; the limit is ${MAX_HEADER}`);
  if (bytes.length < start + length) return truncated(name, start + length, bytes.length);
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(
    bytes.subarray(start, start + length),
  );
  return checkHeader(text, start + length, name);
}

const truncated = (name: string, expected: number, found: number): Problem =>
  new Problem("E711", `${name}: the file is truncated: expected at least ${expected} bytes, found ${found}`);

/** `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, a Python literal with these three keys. */
function checkHeader(text: string, dataStart: number, name: string): NpyHeader | Problem {
  const field = (key: string, pattern: string): string | undefined =>
    new RegExp(`[{,]\\s*(?:'${key}'|"${key}")\\s*:\\s*${pattern}\\s*[,}]`).exec(text)?.[1];
  const descr = field("descr", "['\"]([^'\"]*)['\"]");
  const order = field("fortran_order", "(True|False)");
  const sizes = field("shape", "\\(([\\d,\\sL]*)\\)");
  if (descr === undefined || order === undefined || sizes === undefined)
    return new Problem(
      "E712",
      `${name}: expected a header with descr, fortran_order and shape, found ${quote(text.trim())}`,
      "only arrays of numbers can be read, no records",
    );
  const dtype = Object.hasOwn(dtypeOfDescr, descr) ? dtypeOfDescr[descr] : undefined;
  if (dtype === undefined) return unknownDescr(descr, name);
  const shape = (sizes.match(/\d+/g) ?? []).map(Number);
  const size = sizeOf(shape) * bytesOfDescr(descr);
  return { dtype, fortran: order === "True", shape, dataStart, size };
}

const bytesOfDescr = (descr: string): number => Number(descr.at(-1));

function unknownDescr(descr: string, name: string): Problem {
  const known = Object.keys(dtypeOfDescr).join(" ");
  const message = `${name}: elements of type ${quote(descr)} cannot be read; known are ${known}`;
  const kind = descr === "<u8" || descr === ">u8" ? "<i8" : descr.replace(/^[>=]/, "<");
  if (!Object.hasOwn(dtypeOfDescr, kind)) return new Problem("E712", message);
  return new Problem("E712", message, `save it with \`a.astype("${kind}")\``);
}

/** All axes reversed. */
function transpose(tensor: StoredTensor): StoredTensor {
  const width = dtypeBytes[tensor.dtype];
  const shape = tensor.shape.toReversed();
  const sourceStrides = stridesOf(tensor.shape).reverse();
  const strides = stridesOf(shape);
  const bytes = new Uint8Array(tensor.bytes.length);
  for (let to = 0; to < bytes.length; to += width) {
    let from = 0;
    for (let axis = 0, rest = to / width; axis < shape.length; axis++) {
      from += Math.floor(rest / strides[axis]!) * sourceStrides[axis]!;
      rest %= strides[axis]!;
    }
    for (let byte = 0; byte < width; byte++) bytes[to + byte] = tensor.bytes[from * width + byte]!;
  }
  return { dtype: tensor.dtype, shape, bytes };
}

/** A .npy file, version 1, C order, the header padded to a multiple of 64 bytes. NumPy has no bf16: f32 stands for it. */
export function writeNpy(tensor: HostTensor, dtype: Dtype = tensor.dtype): Uint8Array {
  const written = dtype === "bf16" ? "f32" : dtype;
  const descr = Object.keys(dtypeOfDescr).find((key) => dtypeOfDescr[key] === written) ?? "<f4";
  const { bytes } = toStored(tensor, written);
  const sizes = tensor.shape.length === 1 ? `${tensor.shape[0]!},` : tensor.shape.join(", ");
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const headerLength = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const header = `${dictionary.padEnd(headerLength - 11)}\n`;
  const file = new Uint8Array(headerLength + bytes.length);
  file.set([...MAGIC, 1, 0, header.length & 0xff, header.length >> 8]);
  file.set(new TextEncoder().encode(header), 10);
  file.set(bytes, headerLength);
  return file;
}
