/**
 * lmg's module of the published all-MiniLM-L6-v2 in a page of Chromium beside transformers.js on its WebAssembly backend: from
 * a text to its embedding, tokenization included, in turns; and from the navigation to the first embedding, with all files in
 * the browser's caches. Everything comes from a server of this process.
 *
 *     npx tsx test/bench/cpu/page/run.ts --minilm FOLDER [--threads 1,2] [--rounds N] [--ms N]
 */
import { parseArgs } from "node:util";
import { showTable } from "../../../../src/cli/table.ts";
import { openBrowser } from "../../../browser/chromium.ts";
import { serve } from "../../../browser/serve.ts";
import { wholeNumber, wholeNumbers } from "../../options.ts";
import type { Contender } from "../engines.ts";
import { describeMachine, packages } from "../machine.ts";
import type { Measured } from "../measure.ts";
import { MODEL_ROUNDING } from "../models.ts";
import { describeFigure, figuresOf, markdownTable, type Figure } from "../report.ts";
import { sizeRow } from "../sizes.ts";
import { codeOf, lmgFiles, transformersFiles } from "./files.ts";
import { measureFirst, measureTexts } from "./measure.ts";
import { openTab, type Tab } from "./tabs.ts";
import { paragraphs, sentences } from "./texts.ts";

const { values } = parseArgs({
  options: {
    minilm: { type: "string" },
    threads: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "9" },
    ms: { type: "string", default: "400" },
  },
});
if (values.minilm === undefined) throw new Error("--minilm is the folder of the published all-MiniLM-L6-v2");
const effort = { rounds: wholeNumber("rounds", values), ms: wholeNumber("ms", values) };
const threadCounts = wholeNumbers("threads", values);

const pages = {
  lmg: await lmgFiles(values.minilm),
  "transformers.js": await transformersFiles(values.minilm),
};
const contenders = Object.keys(pages).flatMap((name) =>
  threadCounts.map((threads): Contender => ({ name, threads })),
);
const browser = await openBrowser();
if (browser === undefined) throw new Error("there is no browser");
const { context } = browser;
// Files that a page has seen it does not ask for again.
const server = await serve(new Map(Object.values(pages).flatMap((files) => [...files])), { maxAge: 3600 });

const figures: Figure[] = [];
const tell = (row: string, measured: readonly Measured[]): void => {
  console.log(row);
  for (const figure of figuresOf(row, measured)) {
    figures.push(figure);
    console.log(`  ${describeFigure(figure)}`);
  }
};
try {
  tell("page opened to first embedding", await measureFirst(context, server.url, contenders, effort));
  const tabs = new Map<Contender, Tab>();
  for (const contender of contenders) tabs.set(contender, await openTab(context, server.url, contender));
  tell("a sentence, 17 tokens", await measureTexts(sentences, tabs, effort));
  tell("a paragraph, 121 tokens", await measureTexts(paragraphs, tabs, effort));
} finally {
  await browser.close();
  server.close();
}

const version = context.browser()?.version() ?? "";
console.log(
  `\n${describeMachine()}\n${packages()}; Chromium ${version}; ${effort.rounds} interleaved rounds`,
);
console.log(`\n${markdownTable(figures, "wall")}\n`);
const sizes = Object.entries(pages).map(([name, files]) => sizeRow(name, codeOf(files)));
console.log(showTable(["scripts and WebAssembly of the page", "bytes", "gzip"], sizes, [1, 2]));
const apart = figures.filter(({ difference }) => !(difference <= MODEL_ROUNDING));
for (const { row, engine, difference } of apart)
  console.error(`computes something else: ${row}: ${engine} is ${difference} apart`);
process.exitCode = apart.length > 0 ? 1 : 0;
