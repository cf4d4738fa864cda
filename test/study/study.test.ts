import { expect, test } from "vitest";
import { isRising, SmoothedLoss } from "../../src/study/early.ts";
import { choicesOf, geometricRates, inOrder, inTurn, runName } from "../../src/study/grid.ts";
import { RESULT_FORMAT, type RunResult } from "../../src/study/result.ts";
import { spreadOf, summarize, summaryCsv } from "../../src/study/summary.ts";

test("a grid is every choice of a value for each axis", () => {
  const axes = [
    { name: "kind", values: ["pre", "post"] },
    { name: "depth", values: ["2", "4"] },
  ];
  expect(choicesOf(axes).map((choice) => Object.values(choice).join(" "))).toEqual([
    "pre 2",
    "pre 4",
    "post 2",
    "post 4",
  ]);
  expect(choicesOf([])).toEqual([{}]);
});

test("rates between two ends are the same factor apart", () => {
  expect(geometricRates(1e-3, 1e-1, 3)).toEqual([1e-3, 1e-2, 1e-1]);
  expect(geometricRates(3e-4, 3e-2, 5)).toEqual([3e-4, 9.49e-4, 3e-3, 9.49e-3, 3e-2]);
  expect(geometricRates(5e-3, 1, 1)).toEqual([5e-3]);
});

test("the first seed comes everywhere before the second anywhere, and middle rates first", () => {
  const cells = ["pre", "post"].flatMap((kind) =>
    [1e-3, 1e-2, 1e-1].flatMap((rate) => [1, 2].map((seed) => ({ set: { kind }, rate, seed }))),
  );
  expect(inOrder(cells).map(({ set, rate, seed }) => `${seed} ${rate} ${set.kind}`)).toEqual([
    ...["1 0.01 pre", "1 0.01 post", "1 0.001 pre", "1 0.1 pre", "1 0.001 post", "1 0.1 post"],
    ...["2 0.01 pre", "2 0.01 post", "2 0.001 pre", "2 0.1 pre", "2 0.001 post", "2 0.1 post"],
  ]);
});

test("workers begin with placements of their own, and then take the others' from the end", () => {
  const sets = choicesOf([
    { name: "kind", values: ["pre", "post", "out"] },
    { name: "depth", values: ["8", "24"] },
  ]);
  const cells = inOrder(sets.flatMap((set) => [1, 2].map((seed) => ({ set, rate: 1e-3, seed }))));
  const shown = (index: number, count: number): readonly string[] =>
    inTurn(cells, { index, count }).map(({ set, seed }) => `${set["kind"]} ${set["depth"]} ${seed}`);
  // A depth costs what a depth does: each worker has some of both.
  const [first, second] = [
    ["pre 8", "post 24", "out 8"],
    ["pre 24", "post 8", "out 24"],
  ];
  const twice = (names: readonly string[]): readonly string[] =>
    [1, 2].flatMap((seed) => names.map((name) => `${name} ${seed}`));
  expect(shown(0, 2)).toEqual([...twice(first), ...twice(second).toReversed()]);
  expect(shown(1, 2)).toEqual([...twice(second), ...twice(first).toReversed()]);
  expect(inTurn(cells, { index: 0, count: 1 })).toEqual(cells);
  // Nobody's placement is forgotten.
  for (const count of [3, 4, 7]) {
    const own = Array.from({ length: count }, (_, index) => new Set(shown(index, count)));
    expect(own.every((all) => all.size === cells.length)).toBe(true);
    const firsts = Array.from({ length: count }, (_, index) => shown(index, count)[0]);
    expect(new Set(firsts.slice(0, Math.min(count, 6))).size).toBeGreaterThan(1);
  }
});

test("a run is named by its values, and numbers by as many letters as tell their axis from others", () => {
  const cell = { set: { kind: "pre", depth: "24", dim: "64" }, rate: 1e-3, seed: 1 };
  expect(runName(cell, ["kind", "depth", "dim"], "8f3a01c2")).toBe("pre-de24-di64-lr1e-3-s1-8f3a01c2");
  expect(runName({ ...cell, rate: 9.49e-3 }, ["depth"], "x")).toBe("d24-lr9.49e-3-s1-x");
  expect(runName({ ...cell, set: { list: "[1, 2]" } }, ["list"], "x")).toBe("l_1__2_-lr1e-3-s1-x");
});

test("a loss that stands half a nat above the first after a tenth of the steps is rising", () => {
  const rising = (losses: readonly number[], step: number, isCrossEntropy = true): boolean => {
    const loss = new SmoothedLoss();
    losses.forEach((one) => loss.add(one));
    return isRising(loss, { step, steps: 100, isCrossEntropy });
  };
  const high = [4, ...Array<number>(30).fill(4.6)];
  expect(rising(high, 31)).toBe(true);
  expect(rising(high, 10)).toBe(false);
  expect(rising([4, ...Array<number>(30).fill(4.4)], 31)).toBe(false);
  // The smoothed loss counts: one high loss is noise.
  expect(rising([4, 4, 4, 8], 31)).toBe(false);
  expect(rising([0.1, ...Array<number>(30).fill(0.2)], 31, false)).toBe(true);
});

const resultOf = (kind: string, rate: number, seed: number, validation: number | null): RunResult => ({
  format: RESULT_FORMAT,
  name: `${kind}-${rate}-${seed}`,
  set: { kind },
  rate,
  seed,
  steps: 10,
  made: validation === null ? 5 : 10,
  stopped: validation === null ? { step: 5, why: "not finite" } : null,
  loss: { first: 4, last: 3 },
  validation,
  frequencies: 3.5,
  alarm: null,
});

const results = [
  ...[3.2, 3.4].map((loss, index) => resultOf("pre", 1e-3, index + 1, loss)),
  ...[3, 3.1].map((loss, index) => resultOf("pre", 1e-2, index + 1, loss)),
  ...[2.9, 3.3].map((loss, index) => resultOf("post", 1e-3, index + 1, loss)),
  ...[2.5, null].map((loss, index) => resultOf("post", 1e-2, index + 1, loss)),
];

test("a table has the best rate, the spread over seeds, and differences between runs of one seed", () => {
  const { rows, rates, seeds } = summarize(["kind"], results, results);
  const [pre, post] = rows;
  expect([rates, seeds]).toEqual([
    [1e-3, 1e-2],
    [1, 2],
  ]);
  expect(pre!.best?.rate).toBe(1e-2);
  expect(pre!.best?.validation?.mean).toBeCloseTo(3.05, 12);
  // Of two numbers: their distance over √2.
  expect(pre!.best?.validation?.deviation).toBeCloseTo(0.1 / Math.SQRT2, 12);
  // A rate at which a run stopped is never the best beside one at which none did.
  expect(post!.best?.rate).toBe(1e-3);
  expect(post!.stopped).toBe(1);
  expect(pre!.difference).toBeNull();
  // By seed: 2.9 - 3.0 and 3.3 - 3.1.
  expect(post!.difference?.mean).toBeCloseTo(0.05, 12);
  expect(post!.difference?.n).toBe(2);
  expect(pre!.edge).toBe("high");
  // (3.3 - 3.05 + 0) / 2; and (0 + mean(2.5, 4 at first) - 3.1) / 2.
  expect(pre!.sensitivity).toBeCloseTo(0.125, 12);
  expect(post!.sensitivity).toBeCloseTo(0.075, 12);
  expect([pre!.learnedNothing, post!.learnedNothing]).toEqual([false, false]);
});

test("a placement that ends at the loss of frequencies did not learn", () => {
  const runs = [resultOf("post", 1e-3, 1, 3.48), resultOf("post", 1e-2, 1, 3.49)];
  expect(summarize(["kind"], runs, runs).rows[0]!.learnedNothing).toBe(true);
});

test("a study that is not made says so of each placement", () => {
  const { rows } = summarize(["kind"], results, []);
  expect(rows.map(({ made, planned, best }) => [made, planned, best])).toEqual([
    [0, 4, null],
    [0, 4, null],
  ]);
});

test("a spread of one number has no deviation, and there is none of no numbers", () => {
  expect(spreadOf([2])).toEqual({ mean: 2, deviation: null, n: 1 });
  expect(spreadOf([])).toBeNull();
});

test("summary.csv has a line a run, its cells quoted where they must be", () => {
  const odd = { ...resultOf("pre", 1e-3, 1, 3), set: { kind: 'a, "b"' } };
  const [head, line, ...more] = summaryCsv(["kind"], [odd]).split("\n");
  expect(head).toMatch(/^kind,rate,seed,steps,made,validation,/);
  expect(line).toMatch(/^"a, ""b""",0.001,1,10,10,3,4,3,3.5,,,false,,,,/);
  expect(more).toEqual([""]);
});
