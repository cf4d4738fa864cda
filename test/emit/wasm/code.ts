import "./relaxed.ts";
import type { Code, Statement, V128, ValueType } from "../../../src/emit/wasm/assembler/code.ts";
import { FunctionWriter } from "../../../src/emit/wasm/assembler/function.ts";
import { encodeModule } from "../../../src/emit/wasm/assembler/module.ts";
import { f32, f64, i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { v128 } from "../../../src/emit/wasm/assembler/simd.ts";
import { CONSTANTS_AT } from "../../../src/emit/wasm/map.ts";

const MOST_PAGES = 16;

/** The memory after a function has run, which `write` writes; `bytes` stand in it from the address 0 on. */
export function memoryAfter(
  bytes: Uint8Array,
  write: (writer: FunctionWriter) => void,
  { shared = false }: { readonly shared?: boolean } = {},
): DataView {
  const writer = new FunctionWriter([]);
  write(writer);
  const binary = encodeModule({
    functions: [{ signature: writer.signature, code: writer.encode(), exportName: "run" }],
    table: [],
    memory: { pages: 1, most: MOST_PAGES, shared },
    data: [],
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared });
  new Uint8Array(memory.buffer).set(bytes);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  (instance.exports["run"] as () => void)();
  return new DataView(memory.buffer);
}

/** Where results go: behind all operands. */
export const RESULT_AT = CONSTANTS_AT;

const stored = (value: Code<ValueType>): Statement => {
  const at = i32.const(RESULT_AT);
  switch (value.type) {
    case "i32":
      return i32.store(at, value as Code<"i32">);
    case "f32":
      return f32.store(at, value as Code<"f32">);
    case "f64":
      return f64.store(at, value as Code<"f64">);
    case "v128":
      return v128.store(at, value as V128);
    case "i64":
      throw new Error("no test stores an i64");
  }
};

/** The bytes of a value, computed of what stands in memory. */
export function valueOf(bytes: Uint8Array, make: (writer: FunctionWriter) => Code<ValueType>): DataView {
  const memory = memoryAfter(bytes, (writer) => {
    writer.push(stored(make(writer)));
  });
  return new DataView(memory.buffer, RESULT_AT, 16);
}
