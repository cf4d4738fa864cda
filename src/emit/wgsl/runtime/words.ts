import { fragment } from "../../module/text.ts";

/** Floats as a device with 16-bit storage holds them. */
export const halfRuntime = fragment`
  /** Bytes of two floats on the device. */
  const PAIR_BYTES = 4;

  const halfOf = new Float32Array(1);
  const bitsOf = new Uint32Array(halfOf.buffer);

  /** The bits of the nearest half-precision float, ties to even. */
  function numberToHalf(x«: number»)«: number» {
    halfOf[0] = x;
    const bits = bitsOf[0]«!»;
    const sign = (bits >>> 16) & 0x8000;
    const size = bits & 0x7fffffff;
    if (size > 0x7f800000) return sign | 0x7e00;
    if (size >= 0x477ff000) return sign | 0x7c00;
    if (size >= 0x38800000) return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    const scaled = Math.abs(halfOf[0]«!») * 2 ** 24;
    const below = Math.floor(scaled);
    const rest = scaled - below;
    return sign | (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below);
  }

  /** Floats as they are stored on the device; an even number of them, as it copies words. */
  function stored(data«: Float32Array | Int32Array»)«: Uint16Array | Int32Array» {
    if (data instanceof Int32Array) return data;
    const halves = new Uint16Array(data.length + (data.length % 2));
    for (let i = 0; i < data.length; i++) halves[i] = numberToHalf(data[i]«!»);
    return halves;
  }

  const loadedFloats = (bytes«: ArrayBuffer», count«: number»)«: Float32Array» =>
    Float32Array.from(new Uint16Array(bytes, 0, count), halfToNumber);
`;

export const wordRuntime = fragment`
  /** Bytes of two floats on the device. */
  const PAIR_BYTES = 8;

  const stored = «<A extends Float32Array | Int32Array>»(data«: A»)«: A» => data;

  const loadedFloats = (bytes«: ArrayBuffer», count«: number»)«: Float32Array» => new Float32Array(bytes, 0, count);
`;
