import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBrowser } from "../../browser/chromium.ts";
import { serve } from "../../browser/serve.ts";
import type { Contender } from "./contenders.ts";
import type { Options } from "./options.ts";

/** What the scripts of `page/` put into their pages. */
interface Offered {
  readonly threads: number;
  readonly generate: (
    prompt: string,
    count: number,
  ) => Promise<{ readonly text: string; readonly timings: Timings }>;
}

/** As llama.cpp names them: tokens of the prompt and milliseconds for them, and the same of those behind it. */
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

type Files = ReadonlyMap<string, string | Uint8Array>;

/** lmg and wllama in pages of one Chromium, each by each number of threads; throws why they cannot be there. */
export async function openPages(options: Options, main: string): Promise<readonly Contender[]> {
  const names = ["lmg", "wllama"] as const;
  const server = await serve(
    new Map([...names.flatMap(pageFiles), ...wllamaFiles(options), ...lmgFiles(options, main)]),
  );
  const browser = await openBrowser();
  if (browser === undefined) throw new Error("there is no browser");
  let open = 0;
  const close = async (): Promise<void> => {
    if (--open > 0) return;
    await browser.close();
    server.close();
  };
  const contenders: Contender[] = [];
  for (const threads of options.threads)
    for (const name of names) {
      const page = await browser.context.newPage();
      const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
      await page.goto(`${server.url}${name}.html?threads=${threads}`);
      await Promise.race([page.waitForFunction(() => window.contender !== undefined), failed]);
      open++;
      contenders.push({
        name,
        threads,
        place: "Chromium",
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
      });
    }
  return contenders;
}

const pageFiles = (name: string): readonly (readonly [string, string | Uint8Array])[] => [
  [
    `${name}.html`,
    `<!doctype html>\n<title>${name}</title>\n<script type="module" src="${name}.js"></script>\n`,
  ],
  [`${name}.js`, readFileSync(join(import.meta.dirname, "page", `${name}.js`))],
];

function wllamaFiles({ file }: Options): Files {
  const library = join(import.meta.dirname, "node_modules/@wllama/wllama/esm");
  return new Map([
    ["index.js", readFileSync(join(library, "index.min.js"))],
    ["wllama.wasm", readFileSync(join(library, "wasm/wllama.wasm"))],
    ["model.gguf", readFileSync(file)],
  ]);
}

/** The folder of a page, as the installed `lmg` writes it. */
function lmgFiles({ file, model, node }: Options, main: string): Files {
  const folder = mkdtempSync(join(tmpdir(), "lmg-bench-"));
  try {
    const named = model === undefined ? [file] : [model, "--weights", file];
    execFileSync(node, [main, "compile", ...named, "--generate", "-o", folder], { stdio: "ignore" });
    return new Map(readdirSync(folder).map((name) => [`lmg/${name}`, readFileSync(join(folder, name))]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
