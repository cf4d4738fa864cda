/**
 * How large the report of a study is, and how soon it is there in the packed Chromium: `npx tsx test/bench/report.ts [REPORT.html …]`.
 * Without a file that of a made-up study of 90 runs (goals: 2 MB, 1 s). Opened from the disk; timed from the start of the navigation to
 * the frame after everything is laid out.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { studyReport } from "../../src/report/study.ts";
import { openBrowser, type Browser } from "../browser/chromium.ts";
import { madeStudy, studyOf90 } from "../report/made-study.ts";
import { median } from "./statistics.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "9" } },
});

/** Milliseconds until a page that is opened has shown itself. */
async function openedWithin({ context }: Browser, address: string): Promise<number> {
  const tab = await context.newPage();
  await tab.goto(address, { waitUntil: "load" });
  const shown = await tab.evaluate(
    () =>
      new Promise<number>((resolve) => {
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      }),
  );
  await tab.close();
  return shown;
}

const folder = mkdtempSync(join(tmpdir(), "lmg-report-bench-"));
const made = join(folder, "report.html");
writeFileSync(made, studyReport(madeStudy(studyOf90)));
const browser = await openBrowser();
if (browser !== undefined) {
  for (const path of positionals.length === 0 ? [made] : positionals) {
    const times: number[] = [];
    for (let round = 0; round < Number(values.rounds); round++)
      times.push(await openedWithin(browser, pathToFileURL(resolve(path)).href));
    const [size, middle] = [statSync(path).size, median(times)];
    console.log(
      `${path === made ? "90 runs" : path}: ${(size / 1e6).toFixed(2)} MB, opened in ${middle.toFixed(0)} ms (first ${times[0]!.toFixed(0)})`,
    );
  }
  await browser.close();
}
rmSync(folder, { recursive: true, force: true });
