import { invariant } from "../../support/invariant.ts";
import { FunctionWriter } from "./assembler/function.ts";
import type { I32, V128 } from "./assembler/code.ts";
import { f32, i32 } from "./assembler/numbers.ts";
import { encodeModule } from "./assembler/module.ts";
import { f32x4, i32x4, v128 } from "./assembler/simd.ts";
import type { KernelTable, MachineName } from "./kernel-table.ts";

/** A little more than 1, whose square no float32 is. */
const NEAR_ONE = 1 + 2 ** -12;

/**
 * A module that only engines with relaxed SIMD take. Its `isFused` is 0 where they round a product before it is added to, as
 * engines and processors may: then the kernels for them gain nothing, and lose bits. Of kernels that sum products of codes
 * (`sumsCodes`) it is 0 also where such sums are lost.
 */
export function relaxedProbe(sumsCodes: boolean): Uint8Array {
  const probe = new FunctionWriter([], ["i32"]);
  const x = f32x4.splat(f32.const(NEAR_ONE));
  const rest = f32x4.relaxed_madd(x, x, f32x4.splat(f32.const(-Math.fround(NEAR_ONE ** 2))));
  const isFused = i32x4.bitmask(f32x4.ne(rest, v128.zero));
  probe.result(sumsCodes ? i32.and(isFused, i32.eqz(lostSums(probe))) : isFused);
  return encodeModule({
    functions: [{ signature: probe.signature, code: probe.encode(), exportName: "isFused" }],
    table: [],
    memory: { pages: 1, most: 1, shared: false },
    data: [],
  });
}

/** More sums than engines have registers. */
const SUMS = 20;

/**
 * Four products added to each of many sums; not 0 if one of them is wrong. Of a sum whose register is wanted for something else, V8 11's
 * baseline code (Liftoff) writes the products over it before it adds to it: 11.3 does, which Node 20 has behind a flag; Chromium 114 to
 * 119 have 11.4 to 11.9.
 */
function lostSums(probe: FunctionWriter): I32 {
  const [x, y] = [-3, 5];
  const sums = probe.locals("v128", SUMS);
  const factors = [x, y].map((value) => i32x4.splat(i32.const(Math.imul(0x01010101, value & 255))));
  const wrong = sums.map((sum, i) => i32x4.ne(sum.get, i32x4.splat(i32.const(i + 4 * x * y))));
  for (const [i, sum] of sums.entries()) probe.push(sum.set(i32x4.splat(i32.const(i))));
  for (const sum of sums)
    probe.push(sum.set(i32x4.relaxed_dot_i8x16_i7x16_add_s(...(factors as [V128, V128]), sum.get)));
  return i32x4.bitmask(wrong.reduce((all, each) => v128.or(all, each)));
}

/** The one byte of a module that says whether threads share its memory, and what it is for memory of one thread. */
export function sharingByte(
  table: KernelTable,
  machine: MachineName,
): { readonly at: number; readonly own: number } {
  const [shared, own] = [table.encode(machine, true), table.encode(machine, false)];
  const differing = shared.reduce<number[]>(
    (found, byte, at) => (byte === own[at] ? found : [...found, at]),
    [],
  );
  const [at] = differing;
  invariant(
    differing.length === 1 && at !== undefined && shared.length === own.length,
    "sharing is not one byte",
  );
  return { at, own: own[at]! };
}

/**
 * Two letters a byte. It is longer than base64, but what repeats in the code repeats in the text: modules are sent through gzip, which
 * makes less of this (of the whole module of GPT-2 36.3 kB in place of 40.6).
 */
export const hexadecimal = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
