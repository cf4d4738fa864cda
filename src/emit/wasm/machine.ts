import { f32x4, v128 } from "./assembler/simd.ts";
import { CONSTANTS_AT } from "./map.ts";
import { bytesOfFloat, i32 } from "./assembler/numbers.ts";
import type { I32, Statement, V128 } from "./assembler/code.ts";
import type { FunctionWriter } from "./assembler/function.ts";

/** What of WebAssembly the code is written for: a module carries its kernels once for each. */
export interface Machine {
  /** Relaxed SIMD: a product and a sum are one instruction, rounded once. */
  readonly fma: boolean;
  /** Vectors of independent work that are written out side by side. */
  readonly unroll: number;
}

/** What V8 from 12 on, and Firefox, run fastest; and what every engine with SIMD runs (V8 11 spills unrolled code). */
export const machines = {
  relaxed: { fma: true, unroll: 4 },
  plain: { fma: false, unroll: 1 },
} as const satisfies Readonly<Record<string, Machine>>;

/** Where code goes: its variables, and the statements that come before what is written next. */
export interface Writing {
  readonly writer: FunctionWriter;
  readonly push: (...statements: readonly Statement[]) => void;
}

/**
 * Constants of vectors, in memory: one that is loaded costs less than one in the code, which V8 puts together anew in every
 * turn of a loop.
 */
export class Constants {
  readonly #addresses = new Map<string, number>();
  readonly #data: number[] = [];
  /** The variables of the constants that `loadedOnce` met so far. */
  #met: { readonly writing: Writing; readonly variables: Map<string, V128> } | undefined;

  /** Four lanes of one float32. */
  splat(value: number): V128 {
    return this.#atHand(v128.load32_splat, bytesOfFloat(value));
  }

  /** Four lanes of one word of 32 bits. */
  splatWord(value: number): V128 {
    return this.#atHand(v128.load32_splat, new Uint8Array(Int32Array.of(value).buffer));
  }

  /** Two lanes of one word of 64 bits. */
  splatLong(value: bigint): V128 {
    return this.#atHand(v128.load64_splat, new Uint8Array(BigInt64Array.of(value).buffer));
  }

  /** Two lanes of one float64. */
  splatDouble(value: number): V128 {
    return this.#atHand(v128.load64_splat, new Uint8Array(Float64Array.of(value).buffer));
  }

  /** Where these bytes stand, a whole number of words; the same bytes are there once. Tables begin at a multiple of 16. */
  address(bytes: Uint8Array, align = bytes.length <= 4 ? 4 : bytes.length <= 8 ? 8 : 16): number {
    const key = bytes.join();
    const known = this.#addresses.get(key);
    if (known !== undefined) return known;
    while (this.#data.length % align !== 0) this.#data.push(0);
    const address = CONSTANTS_AT + this.#data.length;
    for (const byte of bytes) this.#data.push(byte);
    this.#addresses.set(key, address);
    return address;
  }

  /** All of them, as they lie from CONSTANTS_AT on. */
  get bytes(): Uint8Array {
    return Uint8Array.from(this.#data);
  }

  /**
   * What `make` writes for several vectors, each constant of it loaded once, into a variable, before all of it: a load for each vector
   * took an eighth of softmax.
   */
  loadedOnce<T>(writing: Writing, make: () => T): T {
    const before = this.#met;
    this.#met = { writing, variables: new Map() };
    const made = make();
    this.#met = before;
    return made;
  }

  #atHand(load: (address: I32, offset: number) => V128, bytes: Uint8Array): V128 {
    const address = this.address(bytes);
    const constant: V128 = { ...load(i32.const(0), address), isAtHand: true };
    if (this.#met === undefined) return constant;
    const { writing, variables } = this.#met;
    const key = `${address} ${bytes.length} ${load === v128.load64_splat}`;
    const known = variables.get(key);
    if (known !== undefined) return known;
    const variable = writing.writer.local("v128");
    writing.push(variable.set(constant));
    variables.set(key, variable.get);
    return variable.get;
  }
}

/** x · y + z: in one instruction where the machine has it. */
export const multiplyAdd = ({ fma }: Machine, x: V128, y: V128, z: V128): V128 =>
  fma ? f32x4.relaxed_madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z);

/** z - x · y. */
export const subtractProduct = ({ fma }: Machine, x: V128, y: V128, z: V128): V128 =>
  fma ? f32x4.relaxed_nmadd(x, y, z) : f32x4.sub(z, f32x4.mul(x, y));
