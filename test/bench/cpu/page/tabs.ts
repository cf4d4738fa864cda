import type { BrowserContext, Page } from "playwright-core";
import type { Contender } from "../engines.ts";

/** What `scripts/offer.js` puts into a page. */
interface Embedder {
  readonly first: { readonly ms: number; readonly elements: number[] };
  readonly embed: (text: string) => Promise<number[]>;
  readonly time: (texts: readonly string[], ms: number) => Promise<number>;
}

declare global {
  interface Window {
    embedder?: Embedder;
  }
}

/** A page in which a contender has made its first embedding. */
export interface Tab {
  /** The first embedding, and the milliseconds from the navigation until it was there. */
  readonly first: { readonly ms: number; readonly elements: Float32Array };
  readonly embed: (text: string) => Promise<Float32Array>;
  /** Milliseconds of one embedding, among so many milliseconds of them. */
  readonly time: (texts: readonly string[], ms: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Opens the page of a contender; throws what it could not do. */
export async function openTab(context: BrowserContext, url: string, contender: Contender): Promise<Tab> {
  const page = await context.newPage();
  const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
  await page.goto(`${url}${contender.name}.html?threads=${contender.threads}`);
  await Promise.race([page.waitForFunction(() => window.embedder !== undefined), failed]);
  const { ms, elements } = await page.evaluate(() => window.embedder!.first);
  return {
    first: { ms, elements: Float32Array.from(elements) },
    embed: async (text) =>
      Float32Array.from(await page.evaluate((text) => window.embedder!.embed(text), text)),
    time: (texts, ms) => timeIn(page, texts, ms),
    close: () => page.close(),
  };
}

async function timeIn(page: Page, texts: readonly string[], ms: number): Promise<number> {
  // What is behind another page gets less of a processor.
  await page.bringToFront();
  return page.evaluate(({ texts, ms }) => window.embedder!.time(texts, ms), { texts, ms });
}
