import "./relaxed.ts";
import { encodeModule } from "../../../src/emit/wasm/assembler/module.ts";
import { FunctionWriter } from "../../../src/emit/wasm/assembler/function.ts";
import type { I32, Statement, V128 } from "../../../src/emit/wasm/assembler/code.ts";
import { i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { v128 } from "../../../src/emit/wasm/assembler/simd.ts";
import type { Body, Wide } from "../../../src/emit/wasm/functions/wide.ts";
import { Constants, type Machine } from "../../../src/emit/wasm/machine.ts";
import { CONSTANTS_AT } from "../../../src/emit/wasm/map.ts";

const LANES = 4;
const WORD = 4;
const PAGE = 65536;

/**
 * Runs code over arrays of words, `unroll` vectors of the machine at a time: as many arrays of results as the code gives. Arrays are
 * `count` words, a multiple of 16; the function may be called again and again.
 */
export function overLanes(
  machine: Machine,
  operands: number,
  results: number,
  code: (inputs: readonly Wide[], body: Body) => readonly Wide[],
): (count: number) => {
  readonly inputs: readonly Float32Array[];
  readonly outputs: readonly Float32Array[];
  readonly run: () => void;
} {
  const constants = new Constants();
  const writer = new FunctionWriter(["i32", "i32"]);
  const [count, step] = [writer.parameter(0).get, writer.parameter(1).get];
  const first = new Array<V128>(machine.unroll).fill(v128.zero);
  const arrayAt = (array: number, at: I32): I32 => i32.add(i32.mul(step, i32.const(array)), at);
  writer.push(
    writer.range(i32.const(0), i32.mul(count, i32.const(WORD)), WORD * LANES * machine.unroll, (at) => {
      const statements: Statement[] = [];
      const body: Body = { machine, constants, writer, push: (...more) => statements.push(...more) };
      const inputs = Array.from({ length: operands }, (_, array) =>
        first.map((_, vector) => v128.load(arrayAt(array, at), FIRST + WORD * LANES * vector)),
      );
      const outputs = code(inputs, body);
      outputs.forEach((wide, array) =>
        wide.forEach((vector, index) =>
          statements.push(v128.store(arrayAt(operands + array, at), vector, FIRST + WORD * LANES * index)),
        ),
      );
      return statements;
    }),
  );
  const module = new WebAssembly.Module(
    encodeModule({
      functions: [{ signature: writer.signature, code: writer.encode(), exportName: "run" }],
      table: [],
      memory: { pages: 1, most: PAGE, shared: false },
      data: [{ address: CONSTANTS_AT, bytes: constants.bytes }],
    }),
  );
  return (count) => {
    const arrays = operands + results;
    const memory = new WebAssembly.Memory({
      initial: 1 + Math.ceil((arrays * count * WORD) / PAGE),
      maximum: PAGE,
    });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const run = instance.exports["run"] as (count: number, step: number) => void;
    const views = Array.from(
      { length: arrays },
      (_, array) => new Float32Array(memory.buffer, FIRST + array * count * WORD, count),
    );
    return {
      inputs: views.slice(0, operands),
      outputs: views.slice(operands),
      run: () => {
        run(count, count * WORD);
      },
    };
  };
}

/** Where the arrays begin: behind the first page. */
const FIRST = PAGE;
