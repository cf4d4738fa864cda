import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, type Browser } from "./chromium.ts";
import { serve } from "./serve.ts";

let browser: Browser | undefined;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
});

const folder = "test/picture/golden";
const names = readdirSync(folder);

test("each picture opens alone, in light and in dark, and no text is wider than what it stands in", async ({
  skip,
}) => {
  if (browser === undefined) return skip("there is no browser");
  const server = await serve(new Map(names.map((name) => [name, readFileSync(`${folder}/${name}`)])));
  const tab = await browser.context.newPage();
  const failed: string[] = [];
  tab.on("pageerror", ({ message }) => failed.push(message));
  tab.on("requestfailed", (request) => failed.push(request.url()));
  for (const colorScheme of ["light", "dark"] as const) {
    await tab.emulateMedia({ colorScheme });
    for (const name of names) {
      await tab.goto(`${server.url}${name}`);
      const found = await tab.evaluate(() => {
        const { width, height } = document.documentElement.getBoundingClientRect();
        const page = { left: 0, right: width, top: 0, bottom: height };
        return Array.from(document.querySelectorAll("text"), (text) => {
          const rectangle = text.parentElement?.querySelector("rect");
          const room = text.closest("g")?.classList.contains("frame") === true ? undefined : rectangle;
          const [a, b] = [text.getBoundingClientRect(), room?.getBoundingClientRect() ?? page];
          const inside =
            a.left >= b.left && a.right <= b.right && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
          return inside ? "" : text.textContent;
        }).filter((text) => text !== "");
      });
      expect({ name, found }).toStrictEqual({ name, found: [] });
    }
  }
  server.close();
  expect(failed).toStrictEqual([]);
});
