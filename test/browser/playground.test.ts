import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { buildPage, filesIn } from "./built-page.ts";
import { openBrowser, type Browser } from "./chromium.ts";
import { serve } from "./serve.ts";
import { shown, shownCount, shownText } from "./shown.ts";
import { folder as checkpoint } from "./whale.ts";

let browser: Browser | undefined;
const folder = mkdtempSync(join(tmpdir(), "lmg-playground-"));
const address = pathToFileURL(join(folder, "one/index.html")).href;

beforeAll(async () => {
  await buildPage(join(folder, "one"), "one-file");
  await buildPage(join(folder, "many"), "folder");
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Visit {
  readonly tab: Page;
  /** What the page asked for, beside itself and the workers in it. */
  readonly requests: readonly string[];
  readonly errors: readonly string[];
}

/** The page from disk, once its first model is built. */
async function visit(
  look: { readonly width?: number; readonly colorScheme?: "light" | "dark"; readonly hash?: string } = {},
): Promise<Visit | undefined> {
  if (browser === undefined) return undefined;
  const tab = await browser.context.newPage();
  const [requests, errors]: [string[], string[]] = [[], []];
  tab.on("request", (request) => {
    const url = request.url();
    if (!/^(?:blob|data):/.test(url) && !url.startsWith(address)) requests.push(url);
  });
  tab.on("pageerror", ({ message }) => errors.push(message));
  tab.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await tab.setViewportSize({ width: look.width ?? 1440, height: 900 });
  await tab.emulateMedia({ colorScheme: look.colorScheme ?? "light" });
  await tab.goto(`${address}${look.hash ?? ""}`);
  await built(tab);
  return { tab, requests, errors };
}

/** The model that is shown is built, and not one that was before. */
const built = async (tab: Page): Promise<void> => {
  await tab.locator("html[data-built]").waitFor({ state: "attached" });
};

const shownPills = (tab: Page) =>
  shown(() =>
    tab.locator("#picture .pill").evaluateAll((marks) => marks.map((mark) => mark.getAttribute("class"))),
  );

test("one types, chooses where norms stand, and shares it; nothing but the page is asked for", async () => {
  const seen = await visit();
  if (seen === undefined) return;
  const { tab, requests, errors } = seen;
  await shownPills(tab).toStrictEqual(["pill pre", "pill pre"]);

  // A word that is no layer.
  await tab.locator(".cm-content").click();
  await tab.keyboard.press("ControlOrMeta+End");
  await shownText(tab.locator(".cm-content")).toContain("repeat depth as h");
  await tab.getByText("layernorm", { exact: true }).first().waitFor();
  await tab.evaluate(() => {
    const line = [...document.querySelectorAll(".cm-line")].find((one) =>
      one.textContent.includes("attn: attention"),
    )!;
    const range = document.createRange();
    range.selectNodeContents(line);
    range.collapse(false);
    getSelection()!.removeAllRanges();
    getSelection()!.addRange(range);
  });
  for (let at = 0; at < 2; at++) await tab.keyboard.press("ArrowLeft");
  await tab.keyboard.type(" -> rmsnrm");
  const problem = tab.locator("#problems li.error");
  // While letters come there is a problem for each beginning of the word.
  await shown(() => problem.allTextContents()).toEqual([
    expect.stringContaining("there is no layer called rmsnrm"),
  ]);
  await shownText(tab.locator("#status")).toBe("1 mistake");
  await problem.getByRole("button", { name: "change to rmsnorm" }).click();
  await tab.locator("#status.good").waitFor();

  // The switch.
  await tab.getByLabel("post", { exact: true }).check({ force: true });
  await shownPills(tab).toStrictEqual(["pill post", "pill post"]);
  await tab.getByText("not fused with a norm: ").first().waitFor();

  // Every word of it, measured.
  await tab.getByRole("tab", { name: "Depth" }).click();
  await shownCount(tab.locator(".curves li")).toBe(5);
  await shownText(tab.locator(".curves .chosen")).toContain("post");
  await shownCount(tab.locator(".charts svg").first().locator("circle")).toBe(5 * 9);

  // Twenty steps of training, on WebAssembly in a worker.
  await tab.getByRole("tab", { name: "Train" }).click();
  await tab.getByLabel("steps", { exact: true }).fill("20");
  await tab.locator("#pane").getByRole("button", { name: "Train", exact: true }).click();
  const told = tab.locator("#pane .about");
  await shownText(told).toMatch(/20 steps, .* a second; loss/);
  // Down is less.
  await shown(() =>
    tab.evaluate(() => {
      const places = document.querySelector(".chart .curve")!.getAttribute("d")!.split(/[ML]/).slice(1);
      const [first, last] = [places[0]!, places.at(-1)!].map((place) => Number(place.split(" ")[1]));
      return last! - first!;
    }),
  ).toBeGreaterThan(20);

  // An address that holds it.
  await tab.getByRole("button", { name: "Share" }).click();
  await shown(() => tab.url()).toContain("#");
  await tab.reload();
  await built(tab);
  await shownPills(tab).toStrictEqual(["pill post", "pill post"]);
  await shown(() => tab.getByLabel("post", { exact: true }).isChecked()).toBe(true);
  await shownText(tab.locator(".cm-content")).toContain("-> rmsnorm");
  await tab.close();
  expect(requests).toStrictEqual([]);
  expect(errors).toStrictEqual([]);
});

test("whoever has a keyboard alone comes to everything, and marks lead to the text", async () => {
  const seen = await visit();
  if (seen === undefined) return;
  const { tab, errors } = seen;
  const shownFocus = () =>
    shown(() =>
      tab.evaluate(() => {
        const { id, tagName, classList } = document.activeElement!;
        return id !== "" ? id : (document.activeElement!.getAttribute("name") ?? classList[0] ?? tagName);
      }),
    );
  await tab.locator("#model").focus();
  const path = ["model", "share", "placement", "vocab", "ctx", "dim", "depth", "heads", "cm-content"];
  for (const name of path) {
    await shownFocus().toBe(name);
    await tab.keyboard.press("Tab");
  }
  await tab.locator("#picture .attention").focus();
  await tab.keyboard.press("Enter");
  await shownText(tab.locator(".cm-activeLine")).toContain("attn: attention(heads)");
  await shownFocus().toBe("cm-content");
  await tab.getByRole("tab", { name: "Edges" }).focus();
  await tab.keyboard.press("End");
  const chosen = tab.locator('[role=tab][aria-selected="true"]');
  await shownText(chosen).toBe("Generate");
  await tab.keyboard.press("ArrowRight");
  await shownText(chosen).toBe("Edges");
  await tab.close();
  expect(errors).toStrictEqual([]);
});

declare global {
  interface Window {
    axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
  }
}

const panes = ["Edges", "Depth", "Passes", "Plan", "TypeScript", "WGSL", "Train", "Generate"];

const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");

test.each(["light", "dark"] as const)(
  "axe-core finds nothing in %s, and nothing is wider than a phone",
  async (colorScheme) => {
    const seen = await visit({ colorScheme, width: 390 });
    if (seen === undefined) return;
    const { tab, errors } = seen;
    await tab.addScriptTag({ content: axe });
    await shown(() => tab.getByRole("tab").allTextContents()).toEqual(panes);
    for (const name of panes) {
      await tab.getByRole("tab", { name }).click();
      await tab.waitForFunction(() => document.querySelector("#pane")!.childElementCount > 0);
      await shown(async () => ({
        name,
        wide: await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
        found: await tab.evaluate(async () => {
          const { violations } = await window.axe.run();
          return violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 160)}`);
        }),
      })).toStrictEqual({ name, wide: 0, found: [] });
    }
    await tab.close();
    expect(errors).toStrictEqual([]);
  },
);

/** How transformers goes on with texts, the likeliest character always; the golden itself says how it was made. */
const { greedy } = JSON.parse(readFileSync(`${checkpoint}/golden.json`, "utf8")) as {
  greedy: readonly { readonly prompt: string; readonly greedy_text: string }[];
};

/** The page goes on with a prompt, the likeliest token always, and that is expected of it. */
async function expectWritten(tab: Page, prompt: string, tokens: number, text: string): Promise<void> {
  await tab.getByLabel("prompt", { exact: true }).fill(prompt);
  await tab.getByLabel("tokens", { exact: true }).fill(String(tokens));
  await tab.getByLabel("temperature").fill("0");
  await tab.getByRole("button", { name: "Write", exact: true }).click();
  await shownText(tab.locator("#pane .about")).toMatch(/tokens a second/);
  await shownText(tab.locator("#pane .written")).toBe(text);
}

/** The shipped model in two files with their index. */
function writeShards(into: string): void {
  mkdirSync(into);
  for (const name of ["config.json", "tokenizer.json"])
    copyFileSync(`${checkpoint}/${name}`, join(into, name));
  const { tensors } = expectValue(readSafetensors(readFileSync(`${checkpoint}/model.safetensors`), "whale"));
  const all = [...tensors];
  const half = all.length >> 1;
  const shards = { "a.safetensors": all.slice(0, half), "b.safetensors": all.slice(half) };
  const places = Object.entries(shards).flatMap(([file, part]) => {
    writeFileSync(join(into, file), writeSafetensors(new Map(part)));
    return part.map(([name]) => [name, file] as const);
  });
  const index = JSON.stringify({ weight_map: Object.fromEntries(places) });
  writeFileSync(join(into, "model.safetensors.index.json"), index);
}

/** A tiny model as llama.cpp's converter writes it, and what transformers computes with it. */
const gguf = "test/golden/gguf/llama";

/** Drops a file or folder of the disk on an element, as a browser does it for who drags it there. */
async function drop(onto: Locator, path: string): Promise<void> {
  const session = await onto.page().context().newCDPSession(onto.page());
  const { x, y, width, height } = (await onto.boundingBox())!;
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data });
  await session.detach();
}

test("checkpoints from disk are read in the page: a folder of shards, and a GGUF file", async () => {
  const shards = join(folder, "shards");
  writeShards(shards);
  const seen = await visit();
  if (seen === undefined) return;
  const { tab, requests, errors } = seen;
  await tab.getByRole("tab", { name: "Generate" }).click();
  await tab.getByLabel("folder of a checkpoint").setInputFiles(shards);
  const { prompt, greedy_text } = greedy[0]!;
  await expectWritten(tab, prompt, 12, (prompt + greedy_text).slice(0, prompt.length + 12));
  await shownText(tab.locator("#pane .about")).toMatch(/^By shards: /);

  // Its 48 tokens, by the first ones of the shipped model: those of transformers' golden are a text then.
  const tokenizer = JSON.parse(readFileSync(`${checkpoint}/tokenizer.json`, "utf8")) as {
    model: { vocab: Record<string, number> };
  };
  const golden = JSON.parse(readFileSync(`${gguf}.json`, "utf8")) as {
    tokens: readonly number[];
    values: readonly number[];
    config: { vocab_size: number };
  };
  const size = golden.config.vocab_size;
  const pieces = Object.entries(tokenizer.model.vocab)
    .sort(([, a], [, b]) => a - b)
    .slice(0, size)
    .map(([piece]) => piece);
  tokenizer.model.vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const given = golden.tokens.map((id) => pieces[id]!).join("");
  const logits = golden.values.slice(-size);
  await tab.getByLabel("files of a checkpoint").setInputFiles([
    { name: "llama.gguf", mimeType: "", buffer: readFileSync(`${gguf}.gguf`) },
    { name: "tokenizer.json", mimeType: "", buffer: Buffer.from(JSON.stringify(tokenizer)) },
  ]);
  await expectWritten(tab, given, 1, given + pieces[logits.indexOf(Math.max(...logits))]!);
  await tab.close();
  expect(requests).toStrictEqual([]);
  expect(errors).toStrictEqual([]);
});

test("a folder that is dropped on a page is read; of one from disk, where browsers refuse that, it is said", async () => {
  const path = join(folder, "dropped");
  writeShards(path);
  const fromDisk = await visit();
  if (fromDisk === undefined || browser === undefined) return;
  const server = await serve(filesIn(join(folder, "many")));
  const served = await browser.context.newPage();
  await served.goto(server.url);
  const said = [
    [fromDisk.tab, /^The browser does not let this page read what was dropped: /],
    [served, /^from disk: (?=.*\ba\.safetensors)(?=.*\bb\.safetensors)(?=.*\bconfig\.json)/],
  ] as const;
  for (const [tab, words] of said) {
    await tab.getByRole("tab", { name: "Generate" }).click();
    await drop(tab.locator("#pane .dropping"), path);
    await shownText(tab.locator("#pane .about")).toMatch(words);
  }
  const { prompt, greedy_text } = greedy[0]!;
  await expectWritten(served, prompt, 6, (prompt + greedy_text).slice(0, prompt.length + 6));
  await fromDisk.tab.close();
  await served.close();
  server.close();
});

/** Bytes of a text as servers send it. */
const sent = (text: string | Uint8Array): number => gzipSync(text, { level: 9 }).length;

test("the page is small: 450 kB for all panes but modules, and 755 kB with everything in one file; served, it writes as transformers does", async () => {
  expect(sent(readFileSync(join(folder, "one/index.html")))).toBeLessThan(755_000);
  if (browser === undefined) return;
  const files = filesIn(join(folder, "many"));
  const server = await serve(new Map([...files, ...filesIn(checkpoint, `${checkpoint}/`)]));
  const asked = new Set<string>();
  browser.context.on("request", (request) => asked.add(request.url()));
  const tab = await browser.context.newPage();
  await tab.goto(server.url);
  await built(tab);
  for (const name of ["Passes", "Plan"]) await tab.getByRole("tab", { name }).click();
  await tab.locator("svg.plan").waitFor();
  const fetched = [...files].filter(([name]) =>
    asked.has(`${server.url}${name === "index.html" ? "" : name}`),
  );
  // The model that comes with lmg, which lies beside a page that is served.
  await tab.getByRole("tab", { name: "Generate" }).click();
  const { prompt, greedy_text } = greedy[0]!;
  await expectWritten(tab, prompt, 24, (prompt + greedy_text).slice(0, prompt.length + 24));
  await tab.close();
  server.close();
  expect(fetched.length).toBeGreaterThan(6);
  expect(fetched.reduce((sum, [, bytes]) => sum + sent(bytes), 0)).toBeLessThan(450_000);
});
