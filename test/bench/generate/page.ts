import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "../../browser/chromium.ts";
import { serve } from "../../browser/serve.ts";
import type { Contender } from "./contenders.ts";

/** What `page/wllama.js` puts into its page. */
interface Offered {
  readonly threads: number;
  readonly generate: (
    prompt: string,
    count: number,
  ) => Promise<{ readonly text: string; readonly timings: Timings }>;
}

/** What llama.cpp took down: tokens of the prompt and milliseconds for them, and the same of those behind it. */
interface Timings {
  readonly prompt_n: number;
  readonly prompt_ms: number;
  readonly predicted_ms: number;
}

declare global {
  interface Window {
    contender?: Offered;
  }
}

/** wllama in pages of Chromium, one for each number of threads; throws why it cannot be there. */
export async function openPages(file: string, threads: readonly number[]): Promise<readonly Contender[]> {
  const library = join(import.meta.dirname, "node_modules/@wllama/wllama/esm");
  const server = await serve(
    new Map<string, string | Uint8Array>([
      [
        "wllama.html",
        '<!doctype html>\n<title>wllama</title>\n<script type="module" src="wllama.js"></script>\n',
      ],
      ["wllama.js", readFileSync(join(import.meta.dirname, "page/wllama.js"))],
      ["index.js", readFileSync(join(library, "index.min.js"))],
      ["wllama.wasm", readFileSync(join(library, "wasm/wllama.wasm"))],
      ["model.gguf", readFileSync(file)],
    ]),
  );
  const browser = await openBrowser();
  if (browser === undefined) throw new Error("there is no browser");
  let open = threads.length;
  const close = async (): Promise<void> => {
    if (--open > 0) return;
    await browser.close();
    server.close();
  };
  return Promise.all(
    threads.map(async (count) => {
      const page = await browser.context.newPage();
      const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
      await page.goto(`${server.url}wllama.html?threads=${count}`);
      await Promise.race([page.waitForFunction(() => window.contender !== undefined), failed]);
      return {
        name: "wllama",
        threads: count,
        generate: async ({ text }, tokens) => {
          // What is behind another page gets less of a processor.
          await page.bringToFront();
          const made = await page.evaluate(([text, tokens]) => window.contender!.generate(text, tokens), [
            text,
            tokens,
          ] as const);
          const { prompt_n, prompt_ms, predicted_ms } = made.timings;
          return {
            // Its threads are some of the browser's: what processors work for it is not known.
            prefill: { wall: prompt_ms, work: NaN },
            decode: { wall: predicted_ms, work: NaN },
            prompt: prompt_n,
            made: made.text,
            bytes: undefined,
          };
        },
        close,
      } satisfies Contender;
    }),
  );
}
