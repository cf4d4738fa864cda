import { invariant } from "../../support/invariant.ts";
import { FunctionWriter } from "./assembler/function.ts";
import { f32 } from "./assembler/numbers.ts";
import { encodeModule } from "./assembler/module.ts";
import { f32x4, i32x4, v128 } from "./assembler/simd.ts";
import type { KernelTable, MachineName } from "./kernel-table.ts";

/** A little more than 1, whose square no float32 is. */
const NEAR_ONE = 1 + 2 ** -12;

/**
 * A module that only engines with relaxed SIMD take. Its `isFused` is 0 where they round a product before it is added to, as
 * engines and processors may: then the kernels for them gain nothing, and lose bits.
 */
export function relaxedProbe(): Uint8Array {
  const probe = new FunctionWriter([], ["i32"]);
  const x = f32x4.splat(f32.const(NEAR_ONE));
  const rest = f32x4.relaxed_madd(x, x, f32x4.splat(f32.const(-Math.fround(NEAR_ONE ** 2))));
  probe.result(i32x4.bitmask(f32x4.ne(rest, v128.zero)));
  return encodeModule({
    functions: [{ signature: probe.signature, code: probe.encode(), exportName: "isFused" }],
    table: [],
    memory: { pages: 1, most: 1, shared: false },
    data: [],
  });
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
