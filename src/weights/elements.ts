/** Elements of a model: floats of 32 bits, or whole numbers. */
export type Elements = Float32Array | Int32Array;

/** The dtypes of safetensors that are read, and the bytes of an element. */
export const elementBytes: ReadonlyMap<string, number> = new Map([
  ...(["F64", "I64"] as const).map((dtype) => [dtype, 8] as const),
  ...(["F32", "I32", "U32"] as const).map((dtype) => [dtype, 4] as const),
  ...(["F16", "BF16", "I16"] as const).map((dtype) => [dtype, 2] as const),
  ...(["I8", "U8", "BOOL"] as const).map((dtype) => [dtype, 1] as const),
]);

/** Bytes of whole elements where a typed array may begin, in the order of this machine; a file is little-endian. */
function inOrder(bytes: Uint8Array, width: number): Uint8Array {
  const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  if (littleEndian) return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const turned = new Uint8Array(bytes);
  for (let at = 0; at < turned.length; at += width) turned.subarray(at, at + width).reverse();
  return turned;
}

/** Elements of a file, of any alignment. F32 and I32 that are aligned stay where they are. */
export function readElements(dtype: string, stored: Uint8Array, size: number): Elements {
  const { buffer, byteOffset } = inOrder(stored, elementBytes.get(dtype)!);
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer, byteOffset, size);
    case "F64":
      return Float32Array.from(new Float64Array(buffer, byteOffset, size));
    case "F16":
      return halvesToNumbers(new Uint16Array(buffer, byteOffset, size));
    case "BF16": {
      // bfloat16 is the upper half of a float32.
      const halves = new Uint16Array(buffer, byteOffset, size);
      const words = new Uint32Array(size);
      for (let i = 0; i < size; i++) words[i] = halves[i]! << 16;
      return new Float32Array(words.buffer);
    }
    case "I64":
      return Int32Array.from(new BigInt64Array(buffer, byteOffset, size), Number);
    case "I32":
      return new Int32Array(buffer, byteOffset, size);
    case "U32":
      return Int32Array.from(new Uint32Array(buffer, byteOffset, size));
    case "I16":
      return Int32Array.from(new Int16Array(buffer, byteOffset, size));
    case "I8":
      return Int32Array.from(new Int8Array(buffer, byteOffset, size));
    default:
      return Int32Array.from(new Uint8Array(buffer, byteOffset, size));
  }
}

/** All binary16 numbers by their bits, once one was read. */
let halfNumbers: Float32Array | undefined;

function halvesToNumbers(halves: Uint16Array): Float32Array {
  const numbers = (halfNumbers ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToNumber(bits)));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = numbers[halves[i]!]!;
  return values;
}

export function halfToNumber(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
