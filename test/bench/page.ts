/**
 * How soon the page answers, whether it grows, and how fast it trains, in the packed Chromium:
 *
 *     npx tsx test/bench/page.ts [--only size,picture,keys,memory,training] [--examples gpt2,llama] [--keys 500] [--rounds 3]
 *
 * A key is timed in the page, from the keyboard's event to what the mistakes are then; a picture from the start of the navigation to the
 * frame that shows it. Memory is what the heaps of the page and its workers hold after collection, so that a busy machine does not matter to it. A
 * rate in Node is that of the same function as the page's worker calls.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import Table from "cli-table3";
import type { Page } from "playwright-core";
import { training } from "../../playground/workers/train.ts";
import { buildPage, filesIn } from "../browser/built-page.ts";
import { openBrowser, type Browser } from "../browser/chromium.ts";
import { serve } from "../browser/serve.ts";
import { heapOf } from "./heap.ts";
import { median, quantile } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "size,picture,keys,memory,training" },
    examples: { type: "string" },
    keys: { type: "string", default: "500" },
    rounds: { type: "string", default: "3" },
  },
});
const wanted = new Set(values.only.split(","));
const rounds = Number(values.rounds);

const exampleNames =
  values.examples?.split(",") ??
  readdirSync("examples")
    .filter((name) => name.endsWith(".lmg"))
    .map((name) => name.replace(/\.lmg$/, ""));

/** What the page trains on, as it lies beside it. */
const data = {
  digits: {
    steps: 300,
    files: [
      { name: "digits-images.idx.gz", feeds: "image" },
      { name: "digits-labels.idx.gz", feeds: "label" },
    ],
    choice: "10,000 digits",
  },
  chars: { steps: 60, files: [{ name: "moby-dick.txt.gz", feeds: undefined }], choice: "Moby-Dick" },
} as const;

const folder = mkdtempSync(join(tmpdir(), "lmg-page-bench-"));
await buildPage(join(folder, "one"), "one-file");
await buildPage(join(folder, "many"), "folder");

const built = filesIn(join(folder, "many"));
const oneFile = join(folder, "one/index.html");
const server = await serve(
  new Map([
    ...built,
    ...Object.values(data).flatMap(({ files }) =>
      files.map(({ name }) => [`examples/data/${name}`, readFileSync(`examples/data/${name}`)] as const),
    ),
  ]),
);

const table = new Table({ head: ["what", "goal", "found", ""], style: { head: [], border: [] } });

/** A row with its goal, and whether it is met. */
function row(what: string, goal: string, found: string, isMet: boolean): void {
  table.push([what, goal, found, isMet ? "" : "MISSED"]);
  console.log(`${what}: ${found} (goal: ${goal})${isMet ? "" : " MISSED"}`);
}

const isBuilt = async (tab: Page): Promise<void> => {
  await tab.locator("html[data-built]").waitFor({ state: "attached" });
};

/** Opens an example, and waits until the page has nothing more to do with it. */
async function choose(tab: Page, name: string): Promise<void> {
  await tab.evaluate(() => delete document.documentElement.dataset["built"]);
  await tab.locator("#model").selectOption(name);
  await isBuilt(tab);
}

async function measureSizes({ context }: Browser): Promise<void> {
  const sent = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;
  const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;
  const asked = new Set<string>();
  const hear = (request: { url: () => string }): void => void asked.add(request.url());
  context.on("request", hear);
  const tab = await context.newPage();
  await tab.goto(server.url);
  await isBuilt(tab);
  const bytesOf = (): number =>
    [...built]
      .filter(([name]) => asked.has(`${server.url}${name === "index.html" ? "" : name}`))
      .reduce((sum, [, bytes]) => sum + sent(bytes), 0);
  const first = bytesOf();
  for (const name of ["Passes", "Plan"]) await tab.getByRole("tab", { name }).click();
  await tab.locator("svg.plan").waitFor();
  const panes = bytesOf();
  context.off("request", hear);
  await tab.close();
  row("served, first screen, gzip", "≤ 450 kB", kilobytes(first), first <= 450_000);
  row("served, with passes and plan, gzip", "≤ 450 kB", kilobytes(panes), panes <= 450_000);
  row("one file with all in it, gzip", "(none)", kilobytes(sent(readFileSync(oneFile))), true);
}

/** Milliseconds from the start of the navigation to the frame that shows the picture. */
async function firstPicture({ context }: Browser, address: string): Promise<number> {
  const tab = await context.newPage();
  await tab.addInitScript(() => {
    const state = globalThis as unknown as { shown?: number };
    new MutationObserver((_, observer) => {
      if (document.querySelector("#picture svg") === null) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => (state.shown = performance.now())));
    }).observe(document, { childList: true, subtree: true });
  });
  await tab.goto(address);
  await tab.waitForFunction(() => "shown" in globalThis);
  const shown = await tab.evaluate(() => (globalThis as unknown as { shown: number }).shown);
  await isBuilt(tab);
  await tab.close();
  return shown;
}

async function measurePictures(browser: Browser): Promise<void> {
  for (const [name, address] of [
    ["from disk", pathToFileURL(oneFile).href],
    ["served", server.url],
  ] as const) {
    const times: number[] = [];
    for (let round = 0; round < 2 * rounds + 1; round++) times.push(await firstPicture(browser, address));
    row(
      `first picture, ${name}`,
      "≤ 1000 ms",
      `${median(times).toFixed(0)} ms (first ${times[0]!.toFixed(0)})`,
      median(times) <= 1000,
    );
  }
}

/** From now on the page keeps what each key took until the mistakes of the text were shown. */
async function timeKeys(tab: Page): Promise<void> {
  await tab.evaluate(() => {
    const state = globalThis as unknown as { pressed: number; times: number[] };
    state.times = [];
    addEventListener("keydown", () => (state.pressed = performance.now()), true);
    new MutationObserver(() => state.times.push(performance.now() - state.pressed)).observe(
      document.querySelector("#status")!,
      { childList: true },
    );
  });
}

/** Types at the end of the text, a letter that makes a mistake of it and its deletion in turns; what each key took. */
async function type(tab: Page, count: number, pause: number): Promise<readonly number[]> {
  await tab.locator(".cm-content").focus();
  await tab.keyboard.press("ControlOrMeta+End");
  await tab.evaluate(() => ((globalThis as unknown as { times: number[] }).times = []));
  for (let key = 0; key < count; key++) {
    await tab.keyboard.press(key % 2 === 0 ? "z" : "Backspace");
    await tab.waitForFunction(
      (seen) => (globalThis as unknown as { times: number[] }).times.length > seen,
      key,
    );
    await tab.waitForTimeout(pause);
  }
  return tab.evaluate(() => (globalThis as unknown as { times: number[] }).times);
}

/** Milliseconds between two keys of someone who types fast. */
const PAUSE = 90;
/** Keys of an example, of which the first are as it is opened: what is compiled while it runs is there later. */
const [KEYS, FIRST] = [24, 4];

async function measureKeys({ context }: Browser): Promise<void> {
  const tab = await context.newPage();
  await tab.goto(server.url);
  await isBuilt(tab);
  await timeKeys(tab);
  for (const name of exampleNames) {
    await choose(tab, name);
    const times = (await type(tab, KEYS, PAUSE)).slice(FIRST);
    const middle = median(times);
    row(
      `key → diagnostics, ${name}`,
      "≤ 100 ms",
      `${middle.toFixed(0)} ms (95 % within ${quantile(times, 0.95).toFixed(0)})`,
      middle <= 100,
    );
  }
  await tab.close();
}

/** Probes that a worker is ended after; each word is one. */
const PROBES = 50;
/** Megabytes that heaps may grow by between two states that are alike: matches and code that are remembered. */
const GROWTH = 12;

async function measureMemory({ context }: Browser): Promise<void> {
  const tab = await context.newPage();
  await tab.goto(server.url);
  await isBuilt(tab);
  await timeKeys(tab);
  const told = (what: string, start: number, end: number): void =>
    row(
      `heap after collection, ${what}`,
      `+ ≤ ${GROWTH} MB`,
      `${start.toFixed(1)} → ${end.toFixed(1)} MB`,
      end - start <= GROWTH,
    );
  const count = Number(values.keys);
  await choose(tab, "gpt2");
  await type(tab, Math.floor(count / 4), 0);
  const settled = await heapOf(tab);
  await type(tab, count, 0);
  told(`${count} keys after ${Math.floor(count / 4)} (gpt2)`, settled, await heapOf(tab));
  await choose(tab, "placement");
  await tab.getByRole("tab", { name: "Depth" }).click();
  let asked = 0;
  const probe = async (probes: number): Promise<void> => {
    for (let at = 0; at < probes; at += 5) {
      const word = asked++ % 2 === 0 ? "post" : "pre";
      await tab.getByLabel(word, { exact: true }).check({ force: true });
      await tab.locator(".curves .chosen", { hasText: word }).waitFor();
      await tab.waitForFunction(() => document.querySelectorAll(".curves li").length === 5);
    }
  };
  await probe(PROBES);
  const probed = await heapOf(tab);
  await probe(PROBES);
  told(`${PROBES} probes after ${PROBES} (placement)`, probed, await heapOf(tab));
  await tab.close();
}

async function measureTraining({ context }: Browser): Promise<void> {
  for (const [name, { steps, files, choice }] of Object.entries(data)) {
    const text = readFileSync(`examples/${name}.lmg`, "utf8");
    const inNode = async (): Promise<number> => {
      const given = files.map(({ name, feeds }) => ({
        name,
        bytes: readFileSync(`examples/data/${name}`),
        ...(feeds === undefined ? {} : { feeds }),
      }));
      const request = { of: { text, settings: {} }, data: given, steps, target: "wasm" } as const;
      return (await training.train(request, () => undefined)).perSecond;
    };
    const inPage = async (): Promise<number> => {
      const tab = await context.newPage();
      await tab.goto(server.url);
      await isBuilt(tab);
      await choose(tab, name);
      await tab.getByRole("tab", { name: "Train" }).click();
      await tab.locator('#pane select[name="data"]').selectOption(choice);
      await tab.getByLabel("steps", { exact: true }).fill(String(steps));
      const run = tab.locator("#pane").getByRole("button", { name: "Train", exact: true });
      await run.click();
      // It says "Stop" until the training is over.
      await run.waitFor();
      const told = (await tab.locator("#pane .about").textContent())!;
      const rate = /([\d.]+) a second; loss/.exec(told)?.[1];
      if (rate === undefined) throw new Error(`${name} does not train in the page: ${told}`);
      await tab.close();
      return Number(rate);
    };
    const [page, node]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      page.push(await inPage());
      node.push(await inNode());
    }
    const share = median(page) / median(node);
    row(
      `${name}, steps a second in the page : in Node`,
      "≥ 0.8",
      `${median(page).toFixed(1)} : ${median(node).toFixed(1)} = ${share.toFixed(2)}`,
      share >= 0.8,
    );
  }
}

const parts: Readonly<Record<string, (browser: Browser) => Promise<void>>> = {
  size: measureSizes,
  picture: measurePictures,
  keys: measureKeys,
  memory: measureMemory,
  training: measureTraining,
};

const browser = await openBrowser();
if (browser !== undefined) {
  for (const [name, measure] of Object.entries(parts)) if (wanted.has(name)) await measure(browser);
  await browser.close();
  console.log(table.toString());
}
server.close();
rmSync(folder, { recursive: true, force: true });
