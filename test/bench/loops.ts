import { FunctionWriter } from "../../src/emit/wasm/assembler/function.ts";
import { encodeModule } from "../../src/emit/wasm/assembler/module.ts";
import { clock } from "./clocks.ts";

/** A function of one's own as a module, in a memory of so many bytes, none of which is 0; `code` is how large the module is. */
export function loopOf(
  writer: FunctionWriter,
  bytes: number,
): { readonly run: () => void; readonly code: number } {
  const pages = Math.ceil(bytes / 65536);
  const binary = encodeModule({
    functions: [{ signature: writer.signature, code: writer.encode(), exportName: "run" }],
    table: [],
    memory: { pages, most: pages, shared: false },
    data: [],
  });
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new Uint8Array(memory.buffer).fill(1);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  return { run: exports["run"] as () => void, code: binary.length };
}

/** Milliseconds that a round takes at least, so that the clock does not count. */
const ROUND = 20;

/** Milliseconds of the processor that one run takes, of as many as a round is. */
export function timeOf(run: () => void): number {
  const start = clock();
  let [count, passed] = [0, 0];
  do {
    run();
    count++;
    passed = clock() - start;
  } while (passed < ROUND);
  return passed / count;
}
