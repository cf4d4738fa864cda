import { build } from "esbuild";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { openBrowser, type Browser } from "./chromium.ts";
import { serve, type Server, type ServeOptions } from "./serve.ts";

declare global {
  interface Window {
    /** Workers of a page whose tab `keepWorkers` prepared. */
    workers: Worker[];
  }
}

/** Files of a page by their paths. */
export type PageFiles = ReadonlyMap<string, string | Uint8Array>;

export interface VisitOptions extends ServeOptions {
  /** What is done to a tab before it has the page. */
  readonly prepare?: (tab: Page) => Promise<void>;
  /** What stands behind the address of the page: its path and query. */
  readonly at?: string;
}

/** A browser for the tests of a file, and what closes with each test. */
export interface Tabs {
  /** A new tab with the page that these files are; undefined where no browser runs. Errors of the page fail the test. */
  readonly visit: (files: PageFiles, options?: VisitOptions) => Promise<Page | undefined>;
}

export function tabsForTests(): Tabs {
  let browser: Browser | undefined;
  let [servers, opened, errors]: [Server[], Page[], Error[]] = [[], [], []];

  beforeAll(async () => {
    browser = await openBrowser();
  });

  afterEach(async () => {
    for (const tab of opened) await tab.close();
    for (const server of servers) server.close();
    const [error] = errors;
    [servers, opened, errors] = [[], [], []];
    if (error !== undefined) throw error;
  });

  afterAll(async () => {
    await browser?.close();
  });

  return {
    visit: async (files, { prepare, at = "", ...options } = {}) => {
      if (browser === undefined) return undefined;
      const server = await serve(files, options);
      servers.push(server);
      const tab = await browser.context.newPage();
      opened.push(tab);
      tab.on("pageerror", (error) => errors.push(error));
      await prepare?.(tab);
      await tab.goto(server.url + at);
      return tab;
    },
  };
}

/** What a page shows in the element of an id, once that has a state, and that state. */
export async function shownIn(
  tab: Page,
  id: string,
): Promise<{ readonly state: string; readonly text: string }> {
  const shown = tab.locator(`#${id}[data-state]`);
  const failed = new Promise<never>((_, reject) => tab.on("pageerror", reject));
  await Promise.race([shown.waitFor({ state: "attached" }), failed]);
  return { state: (await shown.getAttribute("data-state"))!, text: (await shown.textContent())! };
}

/** A page that runs a program of this project, which may import its sources. */
export async function pageOf(program: string): Promise<PageFiles> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: process.cwd() },
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
  });
  return new Map([
    ["index.html", `<!doctype html><script type="module" src="page.js"></script>`],
    ["page.js", outputFiles[0]!.text],
  ]);
}

/** Keeps what workers a page starts, in their order, so that a test may end one. */
export const keepWorkers = async (tab: Page): Promise<void> => {
  await tab.addInitScript(() => {
    window.workers = [];
    window.Worker = class extends Worker {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        super(...given);
        window.workers.push(this);
      }
    };
  });
};
