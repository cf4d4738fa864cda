import { expect, test } from "vitest";
import { FunctionWriter } from "../../../src/emit/wasm/assembler/function.ts";
import { encodeModule } from "../../../src/emit/wasm/assembler/module.ts";
import { i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { Ahead } from "../../../src/emit/wasm/products/ahead.ts";

const PAGE = 65_536;

/** Steps of so many tiles, as they were counted, where what comes next are the last bytes of the memory. */
function countSteps(steps: number, stepBytes: number, tiles: number): number {
  const writer = new FunctionWriter([], ["i32"]);
  const ahead = new Ahead(writer);
  const [x, end, count] = [writer.local("i32"), writer.local("i32"), writer.local("i32")];
  const next = { from: i32.const(PAGE - steps * stepBytes), steps: i32.const(steps), stepBytes };
  writer.push(
    ...ahead.begin(next, i32.const(tiles)),
    writer.range(i32.const(0), i32.const(tiles), 1, () => [
      x.set(i32.const(0)),
      end.set(i32.const(4 * steps)),
      ahead.walk(x, end.get, [count.set(i32.add(count.get, i32.const(1)))]),
    ]),
  );
  writer.result(count.get);
  const binary = encodeModule({
    functions: [{ signature: writer.signature, code: writer.encode(), exportName: "run" }],
    table: [],
    memory: { pages: 1, most: 1, shared: false },
    data: [],
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  return (exports["run"] as () => number)();
}

test.each([
  [1, 48, 1],
  [1, 96, 64],
  [5, 48, 3],
  [100, 96, 1],
  [384, 96, 64],
  [682, 96, 8],
])("%i steps of %i bytes in %i tiles touch no byte behind what comes next", (steps, stepBytes, tiles) => {
  expect(countSteps(steps, stepBytes, tiles)).toBe(steps * tiles);
});

test("no steps touch nothing", () => {
  expect(countSteps(0, 96, 4)).toBe(0);
});
