import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Contender, Engine } from "../bench/cpu/engines.ts";
import { heldToFirst, type Measured } from "../bench/cpu/measure.ts";
import { kernelJobs } from "../bench/cpu/kernels.ts";
import { miniLmRows, modelJobs } from "../bench/cpu/models.ts";
import { nodeChild, nodeVersion } from "../bench/cpu/node.ts";
import { readOptions } from "../bench/cpu/options.ts";
import { differenceOf } from "../bench/cpu/parity.ts";
import { figuresOf, markdownTable } from "../bench/cpu/report.ts";
import { quantile, ratiosTo, spreadOf } from "../bench/statistics.ts";

test("a spread is the median and the ends, whatever the order", () => {
  expect(spreadOf([5, 1, 9])).toEqual({ median: 5, min: 1, max: 9 });
  expect(spreadOf([10, 9, 100, 8, 7])).toEqual({ median: 9, min: 7, max: 100 });
  expect(quantile([4, 3, 2, 1, 0, 5, 6, 7, 8, 9], 0.1)).toBe(1);
});

test("ratios are of the same round: what slows a round down slows both", () => {
  expect(ratiosTo([2, 20, 3], [1, 10, 1])).toEqual([2, 2, 3]);
});

describe("the difference of two results", () => {
  const of = (expected: readonly number[], actual: readonly number[]): number =>
    differenceOf(Float32Array.from(expected), Float32Array.from(actual));

  test("is the largest of elements, relative to the largest element of the first", () => {
    expect(of([1, -4, 2], [1, -4, 2])).toBe(0);
    expect(of([1, -4, 2], [1.5, -4, 2])).toBe(0.125);
  });

  test("is infinite where one is no number, not finite, of another length, or all zero", () => {
    expect(of([1, NaN], [1, NaN])).toBe(Infinity);
    expect(of([1, 2], [1, NaN])).toBe(Infinity);
    expect(of([1, Infinity], [1, Infinity])).toBe(Infinity);
    expect(of([1, 2], [1])).toBe(Infinity);
    expect(of([0, 0], [0, 0])).toBe(Infinity);
  });
});

test("results are held against the first one's, each with its own times", () => {
  const [lmg, peer] = ["lmg", "peer"].map((name) => ({ name, threads: 1 })) as [Contender, Contender];
  const results = new Map([lmg, peer].map((each, at) => [each, Float32Array.of(2, 4 + at)]));
  const times = new Map([lmg, peer].map((each, at) => [each, [{ ms: 5 + at }]]));
  expect(heldToFirst(results, times)).toMatchObject([
    { engine: lmg, times: [{ ms: 5 }], difference: 0 },
    { engine: peer, times: [{ ms: 6 }], difference: 0.25 },
  ]);
});

const measured = (name: string, threads: number, ms: readonly number[]): Measured => {
  const engine: Engine = { name, threads, args: [], takes: () => true };
  const times = ms.map((each) => ({ ms: each, cpu: each * threads }));
  return { engine, note: undefined, times, difference: 1e-7, memory: 1e6 };
};

test("a peer is compared with the first engine at as many threads, and with itself at one", () => {
  const figures = figuresOf("row", [
    measured("lmg", 1, [10, 20, 10]),
    measured("lmg", 2, [5, 10, 5]),
    measured("peer", 1, [20, 60, 20]),
    measured("peer", 2, [15, 20, 15]),
    measured("single", 1, [1, 1, 1]),
  ]);
  expect(figures.map(({ wall }) => wall.ratio?.median)).toEqual([undefined, undefined, 2, 3, 0.1]);
  expect(figures.map(({ wall }) => wall.gain?.median)).toEqual([undefined, 2, undefined, 20 / 15, undefined]);
  expect(figures.map(({ cpu }) => cpu?.spread.median)).toEqual([10, 10, 20, 30, 1]);
  expect(markdownTable(figures, "wall")).toBe(
    [
      "| | threads | lmg | peer | single | apart |",
      "|---|---|---:|---:|---:|---:|",
      "| row | 1 | 10.0 ms | 20.0 ms, **2.00** (2.00–3.00) | 1.00 ms, **0.10** (0.05–0.10) | 1.0e-7 |",
      "| row | 2 | 5.00 ms | 15.0 ms, **3.00** (2.00–3.00) |  | 1.0e-7 |",
    ].join("\n"),
  );
});

test("options are read, and those without a meaning refused", () => {
  const args = ["--node", "a", "--node", "b", "--rounds", "3", "--threads", "1,3", "--rows", "minilm"];
  const options = readOptions(args);
  expect(options).toMatchObject({ nodes: ["a", "b"], rounds: 3, threads: [1, 3] });
  expect(options.rows.test("MiniLM, T = 16")).toBe(true);
  expect(() => readOptions(["--rounds", "0"])).toThrow("--rounds is a whole number above 0");
  expect(() => readOptions(["--kernels", "wgsl"])).toThrow("--kernels has no wgsl");
  expect(() => readOptions(["--threads", "2,"])).toThrow("--threads is a whole number above 0");
  expect(() => readOptions(["--round", "3"])).toThrow("--round");
});

test.each(["docs/cpu.md", "test/bench/cpu/README.md"])("rows and commands of %s are the bench's", (page) => {
  const jobs = [...modelJobs(undefined), ...kernelJobs].flatMap((make) => make().rows);
  const names = [...miniLmRows, ...jobs].map(({ name }) => name);
  const text = readFileSync(page, "utf8");
  const tables = [...text.matchAll(/^\| \| threads \| lmg wasm .*\n.*\n((?:\|.*\n)+)/gm)].map(
    ([, rows]) => rows!,
  );
  const shown = tables.flatMap((rows) => [...rows.matchAll(/^\| (.*?) \|/gm)].map(([, name]) => name!));
  expect(shown.length).toBeGreaterThan(0);
  expect(shown.filter((name) => !names.includes(name))).toEqual([]);
  const patterns = [...text.matchAll(/--rows (?:"([^"]*)"|(?!PATTERN)(\w+))/g)].map(
    ([, quoted, word]) => quoted ?? word!,
  );
  expect(patterns.filter((each) => !names.some((name) => new RegExp(each, "i").test(name)))).toEqual([]);
});

test("a Node may stand with flags, and its version says which", async () => {
  const node = `${process.execPath} --expose-gc --no-warnings`;
  expect(nodeVersion(node)).toBe(`${process.version} --expose-gc --no-warnings`);
  const child = nodeChild(node, ["-p", "JSON.stringify([typeof gc, process.argv.length])"]);
  expect(await child.next()).toEqual(["function", 1]);
  await child.ended;
});

test("time on processors is left open where it is not known", () => {
  const [figure] = figuresOf("row", [{ ...measured("lmg", 1, []), times: [{ ms: 3 }] }]);
  expect(figure!.cpu).toBe(undefined);
  expect(markdownTable([figure!], "cpu")).toContain("| row | 1 |  | 1.0e-7 |");
});
