import "../emit/wasm/relaxed.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { shown, shownCount, shownText } from "../browser/shown.ts";
import { tabsForTests, type PageFiles, type VisitOptions } from "../browser/tabs.ts";
import { compilePage, endless, filesIn, talkingWhale, temporaryFolder, whale } from "./talks.ts";

const folder = temporaryFolder();
const tabs = tabsForTests();
let [writing, talking]: [PageFiles, PageFiles] = [new Map(), new Map()];

beforeAll(async () => {
  await compilePage("examples/llama.lmg", "--weights", whale, "-o", join(folder, "writing"));
  await compilePage(talkingWhale(folder), "-o", join(folder, "talking"));
  writing = filesIn(join(folder, "writing"));
  talking = filesIn(join(folder, "talking"));
});

const { greedy } = JSON.parse(readFileSync(`${whale}/golden.json`, "utf8")) as {
  greedy: readonly { readonly prompt: string; readonly greedy_text: string }[];
};
const [{ prompt, greedy_text }] = greedy as [(typeof greedy)[number]];

/** The page as it opens, when it can be used. */
async function opened(files: PageFiles, options: VisitOptions = {}): Promise<Page | undefined> {
  const tab = await tabs.visit(files, options);
  await tab?.locator("body[data-state=ready]").waitFor();
  return tab;
}

const setting = async (tab: Page, name: string, value: string): Promise<void> => {
  await tab.locator("summary").click();
  await tab.getByLabel(name).fill(value);
  await tab.locator("summary").click();
};

test("the page that is written opens, and goes on with a text as transformers does", async () => {
  const tab = await opened(writing);
  if (tab === undefined) return;
  await shown(() => tab.title()).toBe("llama");
  await setting(tab, "Temperature", "0");
  await setting(tab, "Most tokens", "24");
  await tab.getByLabel("A text to go on with").fill(prompt);
  await tab.getByRole("button", { name: "Write" }).click();
  const remark = tab.locator("[data-stopped]");
  await shownText(tab.locator("article")).toContain(prompt + greedy_text.slice(0, 24));
  await shownText(remark).toMatch(
    /^24 tokens, [\d.]+ a second, the first after \d+ ms, as long as was asked for$/,
  );
});

test("it talks where there is a template, remembers, and begins anew", async () => {
  const tab = await opened(talking, { at: "?threads=2" });
  if (tab === undefined) return;
  await shownText(tab.locator("#about")).toContain("on 2 threads, up to 256 tokens");
  await setting(tab, "Most tokens", "8");
  const send = async (text: string): Promise<void> => {
    await tab.getByLabel("Message").fill(text);
    await tab.getByLabel("Message").press("Enter");
    await tab.locator("body[data-state=ready]").waitFor();
  };
  await send("Call me");
  await send("Who?");
  await shown(() => tab.locator("article.said").allTextContents()).toEqual(["Call me", "Who?"]);
  await shownCount(tab.locator("[data-stopped=length]")).toBe(2);
  // A character that the model does not know: what was said comes back, to be said in another way.
  await send("‽");
  await shownText(tab.getByRole("alert")).toContain("has no token for `‽`");
  await shown(() => tab.getByLabel("Message").inputValue()).toBe("‽");
  await shownCount(tab.locator("article.said")).toBe(2);
  await tab.getByRole("button", { name: "Begin anew" }).click();
  await shownCount(tab.locator("article")).toBe(0);
});

test("a text is stopped by its button, and what there is of it stays", async () => {
  const tab = await opened(endless(writing, "model.json"));
  if (tab === undefined) return;
  await setting(tab, "Most tokens", "100000");
  await tab.getByLabel("A text to go on with").fill(prompt);
  await tab.getByRole("button", { name: "Write" }).click();
  await tab.waitForFunction(
    (length) => document.querySelector("article")!.textContent.length > length + 5,
    prompt.length,
  );
  await tab.getByRole("button", { name: "Stop" }).click();
  const remark = tab.locator("[data-stopped]");
  await shown(() => remark.getAttribute("data-stopped")).toBe("aborted");
  await shown(() => tab.getByRole("button", { name: "Stop" }).isDisabled()).toBe(true);
});

test("it says why it runs in one thread where it is not isolated", async () => {
  const tab = await opened(writing, { isIsolated: false });
  if (tab === undefined) return;
  await shownText(tab.locator("#about")).toMatch(
    /on one thread, .* need the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp\.$/,
  );
});

test("it says what is missing of its folder", async () => {
  const files = new Map(writing);
  files.delete("model.safetensors");
  const tab = await tabs.visit(files);
  if (tab === undefined) return;
  await tab.locator("body[data-state=failed]").waitFor();
  await shownText(tab.getByRole("alert")).toMatch(/model\.safetensors cannot be fetched: 404/);
  await shown(() => tab.getByRole("button", { name: "Write" }).isDisabled()).toBe(true);
});

/** Luminance by WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const [red, green, blue] = [...colour.matchAll(/[\d.]+/g)].map(([part]) => {
    const level = Number(part) / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

describe.each(["light", "dark"] as const)("in a %s scheme", (colorScheme) => {
  test.each([360, 1280])("nothing is cut off at a width of %d pixels, and all can be read", async (width) => {
    const tab = await opened(talking, {
      prepare: async (fresh) => {
        await fresh.emulateMedia({ colorScheme });
        await fresh.setViewportSize({ width, height: 740 });
      },
    });
    if (tab === undefined) return;
    await tab.locator("summary").click();
    await tab.getByLabel("Message").fill("w".repeat(200));
    await tab.getByLabel("Message").press("Enter");
    await tab.locator("body[data-state=ready]").waitFor();
    const { wide, texts } = await tab.evaluate(() => {
      const groundOf = (element: Element): string => {
        const { backgroundColor } = getComputedStyle(element);
        const isSeen = !/, 0\)$|transparent/.test(backgroundColor);
        return isSeen || element.parentElement === null ? backgroundColor : groundOf(element.parentElement);
      };
      const shown = [
        ...document.querySelectorAll(
          "h1, p:not([hidden]), article, article .faint, label, button, summary, textarea",
        ),
      ];
      return {
        wide: document.documentElement.scrollWidth - window.innerWidth,
        texts: shown
          .filter(
            (element) => element.getClientRects().length > 0 && !(element as HTMLButtonElement).disabled,
          )
          .map((element) => ({
            name: element.tagName + element.className,
            ink: getComputedStyle(element).color,
            ground: groundOf(element),
          })),
      };
    });
    expect(wide).toBeLessThanOrEqual(0);
    expect(texts.length).toBeGreaterThan(8);
    for (const { name, ink, ground } of texts) {
      const [low, high] = [luminance(ink), luminance(ground)].sort((a, b) => a - b) as [number, number];
      // What WCAG 2.2 asks of small text (AA).
      expect((high + 0.05) / (low + 0.05), `${name}: ${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});
