import { expect, test } from "vitest";
import { FunctionWriter } from "../../../src/emit/wasm/assembler/function.ts";
import { encodeModule } from "../../../src/emit/wasm/assembler/module.ts";
import { i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { Ahead } from "../../../src/emit/wasm/products/ahead.ts";

const PAGE = 65_536;

/** Panels of so many steps, each with so many units, and rows that go through them. */
interface Case {
  readonly panels: number;
  readonly depth: number;
  readonly columnBytes: number;
  readonly parts: number;
  readonly rows: number;
}

/** Steps of all tiles of a thread's units, as they were counted, where the panels are the last bytes of the memory, or end so far behind it. */
function countSteps(
  { panels, depth, columnBytes, parts, rows }: Case,
  from: number,
  to: number,
  beyond = 0,
): number {
  const bytes = columnBytes * depth;
  const pages = Math.ceil((panels * bytes) / PAGE);
  const writer = new FunctionWriter([], ["i32"]);
  const ahead = new Ahead(writer);
  const [x, end, count] = [writer.local("i32"), writer.local("i32"), writer.local("i32")];
  const tiles = rows >> 1;
  const all = {
    address: i32.const(pages * PAGE - panels * bytes + beyond),
    bytes: i32.const(bytes),
    count: i32.const(panels),
    parts,
  };
  writer.push(
    writer.range(i32.const(from), i32.const(to), 1, (panel) => [
      ...ahead.begin(
        all,
        {
          panel,
          rows: { from: i32.const(0), to: i32.const(rows) },
          following: i32.sub(i32.const(to), panel),
        },
        i32.const(tiles * depth),
      ),
      writer.range(i32.const(0), i32.const(tiles), 1, () => [
        x.set(i32.const(0)),
        end.set(i32.const(4 * depth)),
        ahead.walk(x, end.get, [count.set(i32.add(count.get, i32.const(1)))]),
      ]),
    ]),
  );
  writer.result(count.get);
  const binary = encodeModule({
    functions: [{ signature: writer.signature, code: writer.encode(), exportName: "run" }],
    table: [],
    memory: { pages, most: pages, shared: false },
    data: [],
  });
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  return (exports["run"] as () => number)();
}

const cases: readonly Case[] = [
  { panels: 1, depth: 1, columnBytes: 48, parts: 1, rows: 8 },
  { panels: 2, depth: 5, columnBytes: 48, parts: 2, rows: 9 },
  { panels: 3, depth: 100, columnBytes: 96, parts: 1, rows: 2 },
  { panels: 7, depth: 384, columnBytes: 96, parts: 1, rows: 16 },
  { panels: 11, depth: 77, columnBytes: 96, parts: 2, rows: 128 },
  { panels: 5, depth: 682, columnBytes: 96, parts: 2, rows: 33 },
  { panels: 3, depth: 1536, columnBytes: 48, parts: 1, rows: 16 },
];

test.each(cases)(
  "$panels panels of $depth × $columnBytes bytes in $parts parts, $rows rows: no byte behind them is touched, no step left out",
  (each) => {
    const units = each.panels * each.parts;
    const steps = each.depth * (each.rows >> 1);
    expect(countSteps(each, 0, units)).toBe(steps * units);
    expect(countSteps(each, 1, units)).toBe(steps * (units - 1));
  },
);

test.each([
  { panels: 2, depth: 1536, columnBytes: 96, parts: 1, rows: 8 },
  { panels: 8, depth: 384, columnBytes: 96, parts: 1, rows: 16 },
  { panels: 7, depth: 384, columnBytes: 96, parts: 2, rows: 17 },
])("of $panels panels the last line is touched by whom the last units are", (each) => {
  const units = each.panels * each.parts;
  expect(() => countSteps(each, 0, units, 64)).toThrow("out of bounds");
  expect(countSteps(each, 0, units >> 1, 64)).toBeGreaterThan(0);
});

test("fewer than eight rows touch nothing", () => {
  const each = { panels: 8, depth: 384, columnBytes: 96, parts: 1, rows: 7 };
  expect(countSteps(each, 0, 8, 64)).toBe(8 * 3 * 384);
});

test("no steps touch nothing", () => {
  expect(countSteps({ panels: 4, depth: 0, columnBytes: 96, parts: 1, rows: 16 }, 0, 4)).toBe(0);
});
