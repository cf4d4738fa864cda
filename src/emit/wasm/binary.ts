import { invariant } from "../../support/invariant.ts";
import { drop } from "./assembler/code.ts";
import { FunctionWriter } from "./assembler/function.ts";
import { encodeModule } from "./assembler/module.ts";
import { f32x4, i32x4, v128 } from "./assembler/simd.ts";
import type { KernelTable, MachineName } from "./kernel-table.ts";

/** A module that only engines with relaxed SIMD take. */
export function relaxedProbe(): Uint8Array {
  const probe = new FunctionWriter([]);
  probe.push(drop(i32x4.bitmask(f32x4.relaxed_madd(v128.zero, v128.zero, v128.zero))));
  return encodeModule({
    functions: [{ signature: probe.signature, code: probe.encode() }],
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
