import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { planGraph } from "../../src/plan/build.ts";
import { graphOf } from "../plan/graphs.ts";
import { cpuTargets, instantiate, type EmittedModule, type Model } from "./cpu.ts";
import { importText } from "./instantiate.ts";

/** logits = embedding(tokens) wᵀ + scale · mask: small enough to compute by hand. */
const graph = graphOf(`
  dim B
  dim T <= 4
  input %tokens: i32[B, T]
  input %mask: f32[B, T, 1] = 1
  parameter %table: f32[3, 2] = normal(0, 1) "embed.weight"
  parameter %w: f32[2, 2] = normal(0, 1) "head.weight"
  parameter %b: f32[2] = constant(0) "head.bias"
  %x: f32[B, T, 2] = embedding(table: %table, ids: %tokens)
  %y: f32[B, T, 2] = linear(x: %x, weight: %w, bias: %b)
  %z: f32[B, T, 2] = mul(%y, %mask)
  output logits = %z`);

const f32 = (shape: number[], data: number[]) => ({ shape, data: Float32Array.from(data) });
const weights = {
  "embed.weight": f32([3, 2], [1, 2, 3, 4, 5, 6]),
  "head.weight": f32([2, 2], [1, 0, 1, 1]),
  "head.bias": f32([2], [10, 20]),
};
const tokens = (shape: number[], data: readonly number[]) => ({ shape, data });

/** A safetensors file: 8 bytes of length, the header, the bytes. */
function fileOf(header: unknown, bytes: readonly number[] | Uint8Array, length?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  file.set(text, 8);
  file.set(bytes, 8 + text.length);
  return file;
}

describe.each(cpuTargets)("in $name", (cpu) => {
  let module: EmittedModule;
  beforeAll(async () => {
    module = await instantiate(cpu, planGraph(graph, { target: cpu.target }));
  });

  describe("a run", () => {
    const run = async (inputs: Parameters<Model["run"]>[0]) =>
      (await module.createModel(weights)).run(inputs);

    test("binds the run-time dims from the shapes and fills inputs that are left off", async () => {
      const { logits } = await run({ tokens: tokens([1, 2], [2, 0]) });
      expect(logits!.shape).toEqual([1, 2, 2]);
      expect([...(logits!.data as Float32Array)]).toEqual([15, 31, 11, 23]);
    });

    test("reads an input that is given instead of its fill", async () => {
      const mask = { shape: [1, 2, 1], data: [0, 2] };
      const { logits } = await run({ tokens: tokens([1, 2], [2, 0]), mask });
      expect([...(logits!.data as Float32Array)]).toEqual([0, 0, 22, 46]);
    });

    test("gives the same for the same, whatever ran between, and never touches what it returned", async () => {
      const model = await module.createModel(weights);
      const first = (await model.run({ tokens: tokens([1, 1], [1]) })).logits!;
      const copy = [...(first.data as Float32Array)];
      await model.run({ tokens: tokens([3, 4], Array(12).fill(2)) });
      expect([...((await model.run({ tokens: tokens([1, 1], [1]) })).logits!.data as Float32Array)]).toEqual(
        copy,
      );
      expect([...(first.data as Float32Array)]).toEqual([13, 27]);
    });

    test.each([
      ["a missing input", {}, "the input tokens [B, T] is missing"],
      ["another rank", { tokens: tokens([2], [0, 1]) }, "the input tokens is [B, T], got [2]"],
      [
        "a size that another input contradicts",
        { tokens: tokens([1, 2], [0, 1]), mask: { shape: [1, 3, 1], data: [1, 1, 1] } },
        "the input mask is [B, T, 1] = [1, 2, 1] here, got [1, 3, 1]",
      ],
      [
        "elements that do not fill the shape",
        { tokens: tokens([1, 2], [0]) },
        "the input tokens has 1 elements, its shape says 2",
      ],
      [
        "an empty input",
        { tokens: tokens([0, 2], []) },
        "the input tokens is empty or has no whole shape: [0, 2]",
      ],
      ["a size beyond its bound", { tokens: tokens([1, 5], [0, 0, 0, 0, 0]) }, "T is at most 4, got 5"],
      [
        "an id outside the table",
        { tokens: tokens([1, 1], [3]) },
        "the id 3 is not in a table of 3 rows (0 to 2)",
      ],
      ["a negative id", { tokens: tokens([1, 1], [-1]) }, "the id -1 is not in a table of 3 rows (0 to 2)"],
      [
        "an id that is no whole number",
        { tokens: tokens([1, 1], [1.5]) },
        "the input tokens takes whole numbers, got 1.5 at 0",
      ],
      [
        "an input that does not exist",
        { token: tokens([1, 1], [1]) },
        "there is no input token; the inputs are tokens, mask",
      ],
      ["nothing", undefined, "a run takes an object with the inputs by name: { tokens, mask }"],
      [
        "a bare array",
        { tokens: [0, 1] },
        "the input tokens must be { data, shape }, with all elements in one array",
      ],
      [
        "a tensor without a shape",
        { tokens: { data: [0] } },
        "the input tokens must be { data, shape }, with all elements in one array",
      ],
      [
        "a tensor without elements, where a value stands for it",
        { tokens: tokens([1, 1], [0]), mask: { shape: [1, 1, 1] } },
        "the input mask must be { data, shape }, with all elements in one array",
      ],
      [
        "the BigInts of 64-bit tokenizers",
        { tokens: { data: BigInt64Array.of(1n), shape: [1, 1] } },
        "the input tokens holds BigInts, it takes numbers: Int32Array.from(data, Number)",
      ],
    ])("refuses %s", async (_, inputs, message) => {
      const refused: unknown = await run(inputs as never).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(module.InputError);
      expect(refused).toEqual(new module.InputError(message));
    });
  });

  describe("elements that are no numbers", () => {
    const text = `model kinds {
  input x: f32[B]
  input n: i32[B]
  input b: bool[B]
  y = x * b
  m = n + 1
  output y
  output m
}`;
    const { plan: kindsPlan } = compile({ name: "kinds.lmg", text }, { target: cpu.target });
    let kinds: EmittedModule;
    beforeAll(async () => {
      kinds = await instantiate(cpu, kindsPlan!);
    });
    const good = { x: [1.5, 2], n: [3, 4], b: [1, 0] };
    const run = async (given: object) => {
      const inputs = Object.entries({ ...good, ...given }).map(([name, data]) => [
        name,
        { data, shape: [2] },
      ]);
      return (await kinds.createModel({})).run(Object.fromEntries(inputs) as never);
    };

    test.each([[[true, false]], [[1, 0]], [Uint8Array.of(1, 0)], [Float32Array.of(1, -0)]])(
      "bools are true and false, or 1 and 0: %j",
      async (b) => {
        const { y, m } = await run({ b });
        expect([[...(y!.data as Float32Array)], [...(m!.data as Int32Array)]]).toEqual([
          [1.5, 0],
          [4, 5],
        ]);
      },
    );

    const odd = ["1", null, undefined, Symbol("s"), 1n];
    test.each([
      ...[...odd, true].map((value) => ["x", "numbers", value] as const),
      ...[...odd, true, NaN, 0.5, Infinity, 2 ** 31].map((value) => ["n", "whole numbers", value] as const),
      ...[...odd, 2, NaN, 255].map((value) => ["b", "true and false", value] as const),
    ])("%s takes %s and refuses the rest by its place", async (name, takes, value) => {
      const refused = `the input ${name} takes ${takes}, got ${String(value)} at 1`;
      await expect(run({ [name]: [1, value] })).rejects.toThrow(refused);
    });

    test("a float may be NaN or infinite", async () => {
      expect([...((await run({ x: [NaN, 1], b: [true, true] })).y!.data as Float32Array)]).toEqual([NaN, 1]);
    });
  });

  describe("weights", () => {
    const messageOf = async (make: () => Promise<unknown>): Promise<string> => {
      try {
        await make();
      } catch (error) {
        if (error instanceof module.WeightsError) return error.message;
        throw error;
      }
      return "accepted";
    };

    test("come as an object or a map, in any kind of array", async () => {
      const map = new Map(
        Object.entries(weights).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
      );
      const { logits } = await (await module.createModel(map)).run({ tokens: tokens([1, 1], [0]) });
      expect([...(logits!.data as Float32Array)]).toEqual([11, 23]);
    });

    test("that miss, are surplus or have another shape are listed all at once, with the name that was meant", async () => {
      const { "embed.weight": table, "head.bias": bias } = weights;
      const given = {
        "embed.weights": table,
        "head.weight": f32([4], [1, 2, 3, 4]),
        "head.bias": bias,
        other: bias,
      };
      expect(await messageOf(() => module.createModel(given))).toBe(
        [
          "missing: embed.weight [3, 2]; did you mean embed.weights?",
          "wrong shape: head.weight is [4], the model has [2, 2]",
          "surplus: embed.weights, which the model does not have; did you mean embed.weight?",
          "surplus: other, which the model does not have",
        ].join("\n"),
      );
    });

    test("with fewer elements than their shape says are refused", async () => {
      const short = { ...weights, "head.bias": { shape: [2], data: Float32Array.of(1) } };
      expect(await messageOf(() => module.createModel(short))).toBe(
        "wrong length: head.bias [2] has 1 elements, not 2",
      );
    });

    test("that are no tensors by name are refused", async () => {
      expect(await messageOf(() => module.createModel(undefined as never))).toBe(
        "a model takes its weights by name: an object or a Map of { data, shape }, not undefined",
      );
      const bare = { ...weights, "head.bias": [10, 20] } as never;
      expect(await messageOf(() => module.createModel(bare))).toBe(
        "not a tensor: head.bias must be { data, shape }, with all elements in one array",
      );
    });

    test("may have the masks and tables that published checkpoints carry, or what the caller ignores", async () => {
      const bias = f32([1], [0]);
      const harmless = { "h.0.attn.bias": bias, "model.layers.0.self_attn.rotary_emb.inv_freq": bias };
      expect(await messageOf(() => module.createModel({ ...weights, ...harmless }))).toBe("accepted");
      const ignore = [/^extra$/];
      expect(await messageOf(() => module.createModel({ ...weights, extra: bias }))).toContain(
        "surplus: extra",
      );
      expect(
        await messageOf(() => module.createModel({ ...weights, extra: bias, ...harmless }, { ignore })),
      ).toBe("accepted");
    });
  });

  describe("a safetensors file", () => {
    /** 1, -2 and, where there is room for it, a fraction; bytes written by hand from the formats' definitions. */
    test.each([
      ["F32", [0, 0, 128, 63, 0, 0, 0, 192], [1, -2]],
      ["F64", [0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 0, 192], [1, -2]],
      ["F16", [0, 60, 0, 192, 1, 0, 0, 124], [1, -2, 2 ** -24, Infinity]],
      ["BF16", [128, 63, 0, 192], [1, -2]],
      ["I64", [1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255], [1, -2]],
      ["I32", [1, 0, 0, 0, 254, 255, 255, 255], [1, -2]],
      ["I16", [1, 0, 254, 255], [1, -2]],
      ["I8", [1, 254], [1, -2]],
      ["U8", [1, 254], [1, 254]],
      ["BOOL", [1, 0], [1, 0]],
    ])("of %s is read element by element", (dtype, bytes, expected) => {
      const header = { a: { dtype, shape: [expected.length], data_offsets: [0, bytes.length] } };
      const { data, shape } = module.readSafetensors(fileOf(header, bytes)).get("a")!;
      expect(shape).toEqual([expected.length]);
      expect(Array.from(data)).toEqual(expected);
    });

    test("stays as it is in memory until its elements are asked for, and a model keeps none that it does not read", () => {
      const header = { a: { dtype: "F16", shape: [2], data_offsets: [0, 4] } };
      const file = fileOf(header, [0, 60, 0, 192]);
      const tensor = module.readSafetensors(file).get("a")!;
      // The file's own memory: what is written there is what is read.
      file[file.length - 1] = 64;
      expect(Array.from(tensor.data)).toEqual([1, 2]);
      expect(tensor.data).toBe(tensor.data);
      expect({ ...tensor }).toEqual({ data: Float32Array.of(1, 2), shape: [2] });
      expect(structuredClone(tensor)).toEqual({ data: Float32Array.of(1, 2), shape: [2] });
    });

    test("loads a model, wherever its bytes begin", async () => {
      const entries = Object.entries(weights);
      let at = 0;
      const header = Object.fromEntries(
        entries.map(([name, { shape, data }]) => {
          const begin = at;
          at += 4 * data.length;
          return [name, { dtype: "F32", shape, data_offsets: [begin, at] }];
        }),
      );
      const bytes = entries.flatMap(([, { data }]) => [...new Uint8Array(data.buffer)]);
      for (const padding of ["", " ", "  "]) {
        const file = fileOf(JSON.stringify({ ...header, __metadata__: { format: "pt" } }) + padding, bytes);
        const { logits } = await (await module.loadSafetensors(file)).run({ tokens: tokens([1, 1], [0]) });
        expect([...(logits!.data as Float32Array)]).toEqual([11, 23]);
      }
    });

    test("may come from another realm, or as any view of its bytes", () => {
      const file = fileOf({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, [0, 0, 128, 63]);
      const foreign = runInNewContext("Uint8Array.from(bytes)", { bytes: [...file] }) as Uint8Array;
      expect(foreign).not.toBeInstanceOf(Uint8Array);
      const view = new DataView(file.buffer) as unknown as Uint8Array;
      for (const given of [foreign, foreign.buffer as ArrayBuffer, view])
        expect([...Array.from(module.readSafetensors(given).get("a")!.data)]).toEqual([1]);
    });

    test.each([
      ["a path", "model.safetensors", "string"],
      ["a promise", Promise.resolve(), "object"],
      ["nothing", undefined, "undefined"],
      ["several files", [new Uint8Array(8)], "an array; of several files each is read by itself"],
    ])("is no %s", (_, given, what) => {
      expect(() => module.readSafetensors(given as never)).toThrow(
        new module.WeightsError([
          `expected the bytes of a safetensors file, as Uint8Array or ArrayBuffer, got ${what}`,
        ]),
      );
    });

    const entry = (fields: object) => ({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4], ...fields } });
    const four = [0, 0, 0, 0];
    test.each([
      ["nothing", new Uint8Array(3), "not a safetensors file: it has 3 bytes"],
      [
        "a header longer than the file",
        fileOf({}, [], 1e9),
        "not a safetensors file, or cut off: the header says 1000000000 bytes, there are 2",
      ],
      [
        "a header beyond whole numbers",
        fileOf({}, [], 2 ** 62),
        "not a safetensors file, or cut off: the header says 4611686018427388000 bytes, there are 2",
      ],
      ["no JSON", fileOf("{nope", []), "the header of the safetensors file is not JSON"],
      [
        "no UTF-8",
        new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 255]),
        "the header of the safetensors file is not JSON",
      ],
      ["a list", fileOf([], []), "the header of the safetensors file is not an object"],
      [
        "an entry that is no object",
        fileOf({ a: null }, []),
        "the header's entry of a has no dtype, shape and data_offsets",
      ],
      [
        "a negative size",
        fileOf(entry({ shape: [-1] }), four),
        "the header's entry of a has no dtype, shape and data_offsets",
      ],
      [
        "offsets that go back",
        fileOf(entry({ data_offsets: [4, 0] }), four),
        "the header's entry of a has no dtype, shape and data_offsets",
      ],
      ["an unknown dtype", fileOf(entry({ dtype: "Q4" }), four), "the tensor a has the unknown dtype Q4"],
      [
        "offsets that do not fit the shape",
        fileOf(entry({ shape: [2] }), four),
        "the tensor a needs 8 bytes, its offsets span 4",
      ],
      [
        "a huge shape",
        fileOf(entry({ shape: [2 ** 40, 2 ** 40] }), four),
        "the tensor a needs 4.835703278458517e+24 bytes, its offsets span 4",
      ],
      ["bytes that are cut off", fileOf(entry({}), [0, 0]), "the file is cut off: a ends at byte 4 of 2"],
    ])("with %s is refused", (_, file, message) => {
      const read = () => module.readSafetensors(file);
      expect(read).toThrow(module.WeightsError);
      expect(read).toThrow(new module.WeightsError([message]));
    });
  });
});

describe("a run for which there is no memory", () => {
  const outer = compile({
    name: "outer.lmg",
    text: "model outer {\n  input x: f32[M, 1]\n  input y: f32[N]\n  z = x + y\n  output z\n}",
  }).plan!;

  test.each(["f32", "f64"] as const)(
    "is refused with its sizes, of its memory and of its results: %s",
    async (floats) => {
      const { text } = emitTypeScript(outer, { types: false, floats }).files[0]!;
      const { createModel, InputError } = await importText(text);
      const run = (rows: number, columns: number, long: number) =>
        createModel({}).run({
          x: { data: new Float32Array(Math.min(rows, long)), shape: [rows, 1] },
          y: { data: new Float32Array(Math.min(columns, long)), shape: [columns] },
        });
      const width = floats === "f32" ? 4 : 8;
      const sizes = "there is no memory for a run with M=1, N=1099511627776: it needs ";
      expect(() => run(1, 2 ** 40, 1)).toThrow(InputError);
      expect(() => run(1, 2 ** 40, 1)).toThrow(new RegExp(`^${sizes}\\d{13} bytes in one piece$`));
      expect(() => run(2 ** 21, 2 ** 21, 2 ** 21)).toThrow(
        new InputError(
          `there is no memory for a run with M=2097152, N=2097152: it needs ${width * 2 ** 42} bytes in one piece`,
        ),
      );
      expect(run(1, 2, 2)["z"]!.shape).toEqual([1, 2]);
    },
  );
});
