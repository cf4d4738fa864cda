/**
 * Walks through the page as a newcomer would, and keeps what is seen at each step, on a desk and on a phone, light and dark:
 *
 *     npx tsx scripts/page-walk.ts [FOLDER] [--only phone-dark,desk-light]       FOLDER: out/walk
 *
 * Pictures are for eyes; what the page must do is told by test/browser/playground.test.ts.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { buildPage, filesIn } from "../test/browser/built-page.ts";
import { openBrowser } from "../test/browser/chromium.ts";
import { serve } from "../test/browser/serve.ts";

const { values, positionals } = parseArgs({
  options: { only: { type: "string" } },
  allowPositionals: true,
});
const folder = positionals[0] ?? "out/walk";

const looks = [
  { name: "desk-light", width: 1440, colorScheme: "light" },
  { name: "desk-dark", width: 1440, colorScheme: "dark" },
  { name: "phone-light", width: 390, colorScheme: "light" },
  { name: "phone-dark", width: 390, colorScheme: "dark" },
] as const;

interface Step {
  readonly name: string;
  readonly walk: (tab: Page) => Promise<unknown>;
  /** What floats is to be seen where it stands. */
  readonly isWindow?: true;
}

const isBuilt = (tab: Page): Promise<void> => tab.locator("html[data-built]").waitFor({ state: "attached" });

/** Puts the cursor behind what stands within the braces of a line. */
async function within(tab: Page, words: string): Promise<void> {
  await tab.locator(".cm-line", { hasText: words }).first().click();
  await tab.keyboard.press("End");
  for (let at = 0; at < " }".length; at++) await tab.keyboard.press("ArrowLeft");
}

/** Where a word of the text stands on the screen. */
const placeOf = (tab: Page, word: string): Promise<{ readonly x: number; readonly y: number }> =>
  tab.evaluate((wanted) => {
    const texts = document.createTreeWalker(document.querySelector(".cm-content")!, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
      const at = node.nodeValue!.indexOf(wanted);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      const { left, top, width, height } = range.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    }
    throw new Error(`the text has no ${wanted}`);
  }, word);

/** Opens a pane, and waits for what it shows. */
const pane = (name: string, shows: string, walk?: (tab: Page) => Promise<unknown>): Step => ({
  name,
  walk: async (tab) => {
    await tab.getByRole("tab", { name, exact: true }).click();
    await walk?.(tab);
    await tab.locator(`#pane ${shows}`).first().waitFor();
  },
});

const steps: readonly Step[] = [
  { name: "first", walk: isBuilt },
  {
    name: "completion",
    isWindow: true,
    walk: async (tab) => {
      await within(tab, "attn: attention");
      await tab.keyboard.type(" -> rms");
      await tab.locator(".cm-tooltip-autocomplete").waitFor();
    },
  },
  {
    name: "mistake",
    walk: async (tab) => {
      await tab.keyboard.press("Escape");
      await tab.keyboard.type("nrm");
      await tab.locator("#problems li.error").first().waitFor();
    },
  },
  {
    name: "mistake-hover",
    isWindow: true,
    walk: async (tab) => {
      await tab.locator(".cm-lintRange-error").first().hover();
      await tab.locator(".cm-tooltip-lint, .cm-tooltip-hover").first().waitFor();
    },
  },
  {
    name: "hover",
    isWindow: true,
    walk: async (tab) => {
      await tab
        .locator("#problems")
        .getByRole("button", { name: /change to/ })
        .first()
        .click();
      await tab.locator("#status.good").waitFor();
      await tab.mouse.move(0, 0);
      const { x, y } = await placeOf(tab, "layernorm");
      await tab.mouse.move(x, y);
      await tab.locator(".cm-tooltip-hover").waitFor();
    },
  },
  {
    name: "post",
    walk: async (tab) => {
      await tab.mouse.move(0, 0);
      await tab.getByLabel("post", { exact: true }).check({ force: true });
      await tab.locator("#picture .pill.post").first().waitFor();
    },
  },
  {
    name: "opened",
    walk: async (tab) => {
      await tab.locator("#picture .attention").first().focus();
      await tab.keyboard.press("o");
      await tab.waitForTimeout(1000);
    },
  },
  pane("Edges", "table"),
  pane("Depth", ".curves li:nth-child(5)"),
  pane("Passes", "ins"),
  pane("Plan", "svg.plan"),
  pane("TypeScript", ".cm-editor"),
  pane("WGSL", ".cm-editor"),
  pane("Train", ".chart", async (tab) => {
    await tab.getByLabel("steps", { exact: true }).fill("60");
    await tab.locator("#pane").getByRole("button", { name: "Train", exact: true }).click();
    await tab
      .locator("#pane .about")
      .getByText(/steps, .* a second; loss/)
      .waitFor();
  }),
  pane("Generate", ".written", async (tab) => {
    await tab.locator("#pane").getByRole("button", { name: "Write", exact: true }).click();
    await tab
      .locator("#pane .about")
      .getByText(/tokens a second/)
      .waitFor();
  }),
  {
    name: "llama",
    walk: async (tab) => {
      await tab.evaluate(() => delete document.documentElement.dataset["built"]);
      await tab.locator("#model").selectOption("llama");
      await isBuilt(tab);
    },
  },
];

const page = mkdtempSync(join(tmpdir(), "lmg-walk-"));
await buildPage(page, "folder");
const whale = "examples/weights/whale";
const server = await serve(new Map([...filesIn(page), ...filesIn(whale, `${whale}/`)]));
const browser = await openBrowser();
if (browser !== undefined) {
  mkdirSync(folder, { recursive: true });
  for (const { name: look, width, colorScheme } of looks) {
    if (values.only?.split(",").includes(look) === false) continue;
    const tab = await browser.context.newPage();
    tab.on("pageerror", ({ message }) => console.error(`${look}: ${message}`));
    await tab.setViewportSize({ width, height: 900 });
    await tab.emulateMedia({ colorScheme });
    await tab.goto(server.url);
    for (const [index, { name, walk, isWindow = false }] of steps.entries()) {
      await walk(tab);
      const path = join(folder, `${look}-${String(index + 1).padStart(2, "0")}-${name.toLowerCase()}.png`);
      await tab.screenshot({ path, fullPage: !isWindow });
      console.log(path);
    }
    await tab.close();
  }
  await browser.close();
}
server.close();
rmSync(page, { recursive: true, force: true });
