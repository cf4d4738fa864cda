import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { output } from "../cli/harness.ts";

// Every number that README.md and docs/depth.md give of the project's study, made again from the runs' table, and of gradients from the
// values of the report's heat maps. The means and deviations are written out here, not those of src/study.

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

interface Run {
  readonly variant: string;
  readonly depth: number;
  readonly rate: number;
  readonly seed: number;
  /** Undefined where the run ended early. */
  readonly validation: number | undefined;
  readonly learned: boolean;
  /** The step of the detector's alarm; undefined without one. */
  readonly alarm: number | undefined;
}

const [head, ...lines] = read("examples/study/summary.csv").trim().split("\n");
const columns = head!.split(",");
const cellOf = (line: string, name: string): string => line.split(",")[columns.indexOf(name)]!;
const runs = lines.map((line): Run => {
  const cell = (name: string): string => cellOf(line, name);
  return {
    ...{ variant: cell("variant"), depth: Number(cell("depth")) },
    ...{ rate: Number(cell("rate")), seed: Number(cell("seed")) },
    validation: cell("stopped") === "" ? Number(cell("validation")) : undefined,
    learned: cell("stopped") === "" && cell("learned_nothing") === "false",
    alarm: cell("alarm_step") === "" ? undefined : Number(cell("alarm_step")),
  };
});
const of = (variant: string, depth?: number, rate?: number): readonly Run[] =>
  runs.filter(
    (run) =>
      run.variant === variant &&
      (depth === undefined || run.depth === depth) &&
      (rate === undefined || run.rate === rate),
  );

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(sum(values.map((value) => (value - mean(values)) ** 2)) / (values.length - 1));
const losses = (some: readonly Run[]): readonly number[] =>
  some.flatMap(({ validation }) => validation ?? []);

const RATES = [1e-3, 3.16e-3, 1e-2, 3.16e-2, 1e-1, 3.16e-1];
const DEPTHS = [8, 24, 64] as const;

/** The rate where the least runs ended early, and of these the one with the least mean; undefined if all ended early. */
function bestRate(variant: string, depth: number): number | undefined {
  const costs = RATES.map((rate) => {
    const own = of(variant, depth, rate);
    const finished = losses(own);
    return { rate, stopped: own.length - finished.length, loss: mean(finished) };
  }).filter(({ loss }) => !Number.isNaN(loss));
  return costs.toSorted((a, b) => a.stopped - b.stopped || a.loss - b.loss)[0]?.rate;
}

/** By seed. */
const best = (variant: string, depth: number): readonly number[] =>
  losses(of(variant, depth, bestRate(variant, depth)).toSorted((a, b) => a.seed - b.seed));

const three = (value: number): string => value.toFixed(3);
const means = (variant: string): string =>
  DEPTHS.map((depth) => three(mean(best(variant, depth)))).join(", ");
const spreads = (variant: string): string =>
  DEPTHS.map(
    (depth) => `${three(mean(best(variant, depth)))} ± ${three(deviation(best(variant, depth)))}`,
  ).join(", ");
const beyond = (variant: string): string =>
  DEPTHS.map((depth) => {
    const pre = best("pre", depth);
    const by = best(variant, depth).map((loss, seed) => loss - pre[seed]!);
    return `${mean(by) < 0 ? "" : "+"}${three(mean(by))} ± ${three(deviation(by))}`;
  }).join(", ");

/** What the report tells over the cells of a heat map. */
interface Cells {
  readonly rows: readonly string[];
  readonly steps: readonly number[];
  readonly y: { readonly label: string };
}

/** Of a placement at its best rate, by observed step: the gradient at the first edge over that at the last. */
function gradients(variant: string, depth: number): ReadonlyMap<number, number> {
  const report = read("examples/study/report.html");
  const [, section] = report.split(`>${variant}, depth ${depth}, dim 32, rate `);
  const maps = section!.split("<h3")[0]!.matchAll(/data-hover="([^"]*)" data-values="([^"]*)"/g);
  for (const [, hover, values] of maps) {
    const { rows, steps, y } = JSON.parse(hover!.replaceAll("&quot;", '"')) as Cells;
    if (!y.label.startsWith("gradient norm")) continue;
    const bytes = Buffer.from(values!, "base64");
    const at = (row: number, step: number): number => bytes.readFloatLE(4 * (row * steps.length + step));
    return new Map(steps.map((step, index) => [step, at(0, index) / at(rows.length - 1, index)]));
  }
  throw new Error(`the report has no gradients of ${variant} at depth ${depth}`);
}

/** Two digits, as the tables have them: 11, 0.71, 3.0e-17. */
function two(value: number): string {
  const text = value.toPrecision(2);
  return text.includes("e") || (value >= 1e-3 && value < 1e3)
    ? text.replace("e+", "e")
    : value.toExponential(1);
}

const ends = (variant: string): string => {
  const all = [...gradients(variant, 64).values()];
  return `${two(all[0]!)}, ${two(all.at(-1)!)}`;
};

/** A page without marks of bold and code, each paragraph one line, each row of a table one. */
const plainText = (markdown: string): string =>
  markdown.replaceAll(/[*`]/g, "").replaceAll(/(?<=[^\n|])\n(?=[^\n|#-])\s*/g, " ");

const depthPage = plainText(read("docs/depth.md"));
const readme = plainText(read("README.md"));

describe("what is told of the project's study is in its data", () => {
  test("the runs: eight placements, three depths, six rates, three seeds", () => {
    expect(runs).toHaveLength(432);
    expect(depthPage).toContain("All 432 runs");
    expect(new Set(runs.map(({ variant }) => variant)).size * DEPTHS.length * RATES.length * 3).toBe(432);
    for (const [name, value] of [
      ["steps", "150"],
      ["dim", "32"],
    ] as const)
      expect(new Set(lines.map((line) => cellOf(line, name)))).toEqual(new Set([value]));
    for (const page of [readme, depthPage])
      expect(page.toLowerCase()).toContain("width 32, 150 steps of 256 tokens of tiny shakespeare");
    const frequencies = three(Number(cellOf(lines[0]!, "frequencies")));
    expect(depthPage).toContain(`: the characters' frequencies have ${frequencies}`);
    expect(readme).toContain(`where the characters' frequencies alone have ${frequencies}`);
  });

  test.each(["out", "deepnorm", "pre", "sandwich", "rezero"])("the row of %s", (variant) => {
    const row = depthPage.split("\n").find((line) => line.startsWith(`| ${variant}`) && line.includes("±"))!;
    const [, , loss, difference, gradient] = row.split("|").map((cell) => cell.trim());
    expect(loss).toBe(spreads(variant));
    expect(difference).toBe(variant === "pre" ? "" : beyond(variant));
    expect(gradient).toBe(ends(variant));
    // Inside the grid.
    for (const depth of DEPTHS) expect(RATES.slice(1, -1)).toContain(bestRate(variant, depth));
  });

  test("without edges nothing is learned, and no gradient arrives", () => {
    expect(of("plain").some(({ learned }) => learned)).toBe(false);
    expect(depthPage).toContain(`| ${means("plain")}: the characters' frequencies`);
    expect(depthPage).toContain(`| ${ends("plain")} |`);
    const least = three(Math.min(...DEPTHS.map((depth) => mean(best("plain", depth)))));
    expect(readme).toContain(`learn nothing at any of six rates: ${least} or more at 8, 24 and 64 layers`);
  });

  test("with edges and without norms most runs are ended, and none learns", () => {
    const own = of("none");
    const ended = own.filter(({ validation }) => validation === undefined);
    expect(readme).toContain(`of ${own.length} trainings ${ended.length} are ended, and none learns`);
    expect(depthPage).toContain(
      `of ${own.length} runs of the same model with them and without norms ${ended.length} are ended`,
    );
    expect(own.some(({ learned }) => learned)).toBe(false);
    expect(losses(of("none", 64))).toEqual([]);
    expect([8, 24].map((depth) => bestRate("none", depth))).toEqual([1e-3, 1e-3]);
    const [eight, more] = [8, 24].map((depth) => mean(best("none", depth)));
    expect(depthPage).toContain(
      `| ${eight!.toPrecision(2)} and ${more!.toExponential(0).replace("e+", "e")} at 8 and 24 layers and 1e-3`,
    );
  });

  test("post-norm learns nothing, and its gradient is gone within the warmup", () => {
    expect(of("post").some(({ learned }) => learned)).toBe(false);
    expect(new Set(means("post").split(", ")).size).toBe(1);
    expect(depthPage).toContain(`| ${means("post")} |`);
    expect(readme).toContain(`learns at none (${three(mean(best("post", 64)))})`);
    expect(depthPage).toContain(`| ${ends("post")} |`);
    const found = two(gradients("post", 64).get(32)!);
    for (const page of [readme, depthPage])
      expect(page).toContain(
        `within 32 steps, the warmup, the first edge has ${found} of what the last one has`,
      );
    const dip = Math.min(...gradients("deepnorm", 64).values());
    expect(dip.toPrecision(1)).toBe("0.01");
    for (const page of [readme, depthPage]) expect(page).toContain("DeepNorm's dips to 0.01 there");
  });

  test("what alarms of the detector say", () => {
    const last = Math.max(...of("post").map(({ alarm }) => alarm ?? Infinity));
    expect(depthPage).toContain(`all ${of("post").length} runs of post have one by step ${last}`);
    const learned = runs.filter((run) => run.learned);
    const alarmed = learned.filter(({ alarm }) => alarm !== undefined);
    expect(depthPage).toContain(`but so have ${alarmed.length} of the ${learned.length} runs that learned`);
  });

  test("the README's losses are those of the table", () => {
    expect(readme).toContain(`it learns at every depth (${means("pre")})`);
    expect(readme).toContain(`unless DeepNorm's gains keep the stream (${means("deepnorm")})`);
    expect(readme).toContain(`learn at every depth without a norm (${means("rezero")})`);
  });

  test("which rates are good", () => {
    for (const depth of DEPTHS) {
      // Ended from 1e-1 on, where pre-norm still learns.
      expect(losses([1e-1, 3.16e-1].flatMap((rate) => of("rezero", depth, rate)))).toEqual([]);
      expect(of("pre", depth, 1e-1).every(({ learned }) => learned)).toBe(true);
    }
    expect(DEPTHS.map((depth) => bestRate("deepnorm", depth))).toEqual([1e-2, 3.16e-3, 3.16e-3]);
    expect(DEPTHS.map((depth) => bestRate("pre", depth))).toEqual([3.16e-2, 1e-2, 1e-2]);
    expect(DEPTHS.map((depth) => bestRate("rezero", depth))).toEqual([3.16e-2, 3.16e-2, 3.16e-2]);
    const deep = of("deepnorm", 24, 1e-2);
    const not = deep.filter(({ learned }) => !learned);
    expect([deep.length, not.length, three(not[0]!.validation!)]).toEqual([3, 1, "3.343"]);
    // A second norm makes a rate good that the first alone does not bear.
    const lost = mean(losses(of("pre", 8, 3.16e-1))) - mean(best("pre", 8));
    expect(depthPage).toContain(`where pre-norm has lost ${lost.toFixed(2)}`);
    const kept = mean(losses(of("sandwich", 8, 3.16e-1))) - mean(best("sandwich", 8));
    expect(kept).toBeLessThan(deviation(best("sandwich", 8)));
  });
});

/** A measured case of `lmg probe --json`. */
interface Probed {
  readonly variant: string;
  readonly depth: number;
  readonly edges: readonly { readonly before: { readonly activation: number; readonly gradient: number } }[];
}

test("what is told of the beginning is what its command gives, here without the deepest", async () => {
  const line = /^lmg (probe examples\/depth\.lmg --compare variant=plain,none,pre,post,deepnorm .*)$/m.exec(
    read("docs/depth.md"),
  )![1]!;
  const small = line.replace("--depth 4,16,64", "--depth 4,16");
  const { cases } = JSON.parse(await output(...small.split(" "), "--json")) as {
    readonly cases: readonly Probed[];
  };
  expect(cases).toHaveLength(10);
  for (const variant of ["plain", "none", "pre", "post", "deepnorm"]) {
    const row = depthPage.split("\n").find((text) => text.startsWith(`| ${variant}: y = `))!;
    const told = row
      .split("|")
      .slice(2, 4)
      .map((cell) => cell.split(",").map(Number));
    const own = [4, 16].map((depth) => cases.find((one) => one.variant === variant && one.depth === depth)!);
    // Edge 0 adds the positions; the layers begin behind it.
    const gradient = own.map(({ edges }) => edges[1]!.before.gradient / edges.at(-1)!.before.gradient);
    const activation = own.map(({ edges }) => edges.at(-1)!.before.activation / edges[1]!.before.activation);
    for (const [index, found] of [gradient, activation].entries())
      expect(told[index]!.slice(0, 2), `${variant} ${index}`).toEqual(
        found.map((value) => Number(value.toPrecision(2))),
      );
    const deepest = { plain: told[0]![2], none: undefined, pre: told[0]![2] }[variant];
    if (variant === "plain") expect(readme).toContain(`through 64 layers ${deepest} of one is left`);
    if (variant === "pre") expect(readme).toContain(`pre-norm's gradient grows ${deepest}-fold in 64 layers`);
    if (variant === "none")
      expect(readme).toContain(
        `it grows ${told[0]![1]!.toExponential().replace("e+", "e")}-fold in 16 layers`,
      );
  }
});
