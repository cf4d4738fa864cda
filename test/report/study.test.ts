import { expect, test } from "vitest";
import { rateFigures, studyReport } from "../../src/report/study.ts";
import { madeStudy, studyOf90 } from "./made-study.ts";

test("a report of 90 runs has 2 MB at most, and tells all of them", () => {
  const study = madeStudy(studyOf90);
  expect(study.results).toHaveLength(90);
  const report = studyReport(study);
  expect(report.length).toBeLessThan(2_000_000);
  expect(report).toContain("90 of 90 runs of 300 steps: 6 placements, 5 rates, 3 seeds");
  // A placement's heat maps are those of one run: more seeds and rates bring a report no more of them.
  const more = studyReport(madeStudy({ ...studyOf90, seeds: 6 }));
  expect(more.length - report.length).toBeLessThan(20_000);
});

test("a mean far above that of the frequencies is a cross, and leaves the others their scale", () => {
  const { summary } = madeStudy({ ...studyOf90, depths: [8] });
  const [first, ...others] = summary.rows;
  const [low, ...rest] = first!.curve;
  const far = { ...low!, validation: { mean: 27, deviation: null, n: 1 } };
  const [figure] = rateFigures({ ...summary, rows: [{ ...first!, curve: [far, ...rest] }, ...others] });
  const points = figure!.series.flatMap(({ points }) => points);
  expect(points.every(({ y }) => Number.isNaN(y) || y < 3.6)).toBe(true);
  expect(points.map(({ at }) => at)).toContain("variant0: 27.0, far above");
});
