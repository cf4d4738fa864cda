import { afterEach, describe, expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { instantiate, type Tensor } from "./instantiate.ts";

const text = `model outer {
  input x: f32[M, 1]
  input y: f32[N]
  z = x + y
  output z
}`;
const { plan } = compile({ name: "outer.lmg", text }, { target: wasmTarget });
const module = await instantiate(plan!);

const inputs = (rows: number, columns: number) => ({
  x: { data: new Float32Array(rows).fill(1), shape: [rows, 1] },
  y: { data: new Float32Array(columns).fill(2), shape: [columns] },
});

const { Memory } = WebAssembly;
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is put back, and called on its memory
const { grow } = Memory.prototype;

/** What becomes of a run, as text: a large result is not to be shown. */
const outcomeOf = (running: Promise<unknown>): Promise<string> => running.then(() => "it ran", String);

afterEach(() => {
  Memory.prototype.grow = grow;
  WebAssembly.Memory = Memory;
});

/** From now on no memory grows beyond so many pages of 64 KiB. */
function limit(pages: number): void {
  Memory.prototype.grow = function (this: WebAssembly.Memory, more: number): number {
    if (this.buffer.byteLength / 65536 + more > pages)
      throw new RangeError("WebAssembly.Memory.grow(): no memory");
    return grow.call(this, more);
  };
}

describe.each([1, 2])("in %d threads", (threads) => {
  test("a run for which the memory does not grow is refused with its sizes, and the model runs on", async () => {
    const model = await module.createModel({}, { threads });
    limit(16);
    expect(await outcomeOf(model.run(inputs(1000, 1000)))).toMatch(
      /^InputError: there is no memory for a run with M=1000, N=1000: it needs 40\d{5} bytes in one piece$/,
    );
    const small = (await model.run(inputs(2, 3)))["z"]!;
    expect([...(small.data as Float32Array)]).toEqual([3, 3, 3, 3, 3, 3]);
    Memory.prototype.grow = grow;
    const large = (await model.run(inputs(1000, 1000)))["z"]!;
    expect((large.data as Float32Array).every((z) => z === 3)).toBe(true);
    model.close();
  });

  test("memory that grows only as far as is needed is enough", async () => {
    const model = await module.createModel({}, { threads });
    // A run needs less than 124 pages; an eighth more than it has is asked for first.
    limit(124);
    expect((await model.run(inputs(1000, 1000)))["z"]!.shape).toEqual([1000, 1000]);
    model.close();
  });

  test("a run of more than 4 GiB is refused with its sizes before anything is asked for", async () => {
    const model = await module.createModel({}, { threads });
    Memory.prototype.grow = () => {
      throw new Error("it was asked for");
    };
    expect(await outcomeOf(model.run(inputs(2 ** 15, 2 ** 15)))).toMatch(
      /^InputError: there is no memory for a run with M=32768, N=32768: it needs 4\d{9} bytes in one piece$/,
    );
    Memory.prototype.grow = grow;
    expect((await model.run(inputs(1, 1)))["z"]!.data[0]).toBe(3);
    model.close();
  });

  test("where less can be reserved than addresses reach, a model has what there is", async () => {
    const asked: number[] = [];
    WebAssembly.Memory = class extends Memory {
      constructor(given: WebAssembly.MemoryDescriptor) {
        asked.push(given.maximum!);
        if (given.maximum! > 1024) throw new RangeError("WebAssembly.Memory(): could not allocate memory");
        super(given);
      }
    };
    const model = await module.createModel({}, { threads });
    expect(asked.filter((pages) => pages > 1)).toEqual([65536, 32768, 16384, 8192, 4096, 2048, 1024]);
    expect((await model.run(inputs(1000, 1000)))["z"]!.data[0]).toBe(3);
    expect(await outcomeOf(model.run(inputs(5000, 5000)))).toMatch(
      /^InputError: there is no memory for a run with M=5000, N=5000/,
    );
    model.close();
  });
});

const weighty =
  "model m(dim = 512) {\n  input x: f32[B, dim]\n  a: linear(dim)\n  b: linear(2)\n  output y: f32[B, 2]\n}";
const heavy = await instantiate(compile({ name: "m.lmg", text: weighty }, { target: wasmTarget }).plan!);
const weights = Object.fromEntries(
  heavy.parameters.map(({ name, shape }): [string, Tensor] => [
    name,
    { data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5), shape },
  ]),
);

test("weights for which there is no memory are refused", async () => {
  limit(8);
  await expect(heavy.createModel(weights, { threads: 1 })).rejects.toThrow(
    /^there is no memory for the weights: it needs \d{7} bytes in one piece$/,
  );
});
