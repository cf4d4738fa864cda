import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { targets, type TargetName } from "../../src/emit/targets.ts";
import { planWithSessions } from "../emit/sessions.ts";
import { openBrowser, type Browser } from "./chromium.ts";
import { serve, type Server } from "./serve.ts";
import { compileWhale, folder, weights } from "./whale.ts";

const page = readFileSync("test/browser/page/generate.html", "utf8");

/** How transformers goes on with texts, the likeliest character always; the golden itself says how it was made. */
const { greedy } = JSON.parse(readFileSync(`${folder}/golden.json`, "utf8")) as {
  greedy: readonly { readonly prompt: string; readonly greedy_text: string }[];
};
const TOKENS = 24;

let browser: Browser | undefined;
let server: Server | undefined;

beforeAll(async () => {
  browser = await openBrowser();
});

afterEach(() => {
  server?.close();
});

afterAll(async () => {
  await browser?.close();
});

/** The text that a page shows, written by an emitted module whose models make sessions. */
async function textInPage(target: TargetName, prompt: string): Promise<string> {
  const { graph } = compileWhale();
  const emit = await targets[target].load();
  server = await serve(
    new Map<string, string | Uint8Array>([
      ["index.html", page],
      ["model.js", emit(planWithSessions(graph, target), { types: false })[0]!.text],
      ["weights.safetensors", weights],
      ["tokenizer.json", readFileSync(`${folder}/tokenizer.json`)],
      ["prompt.json", JSON.stringify({ prompt, maxTokens: TOKENS })],
    ]),
  );
  const tab = await browser!.context.newPage();
  const failed = new Promise<never>((_, reject) => tab.on("pageerror", reject));
  await tab.goto(server.url);
  const shown = tab.locator("#text[data-state]");
  await Promise.race([shown.waitFor({ state: "attached" }), failed]);
  const text = (await shown.textContent())!;
  expect(await shown.getAttribute("data-state"), text).toBe("done");
  await tab.close();
  return text;
}

test.each(["wasm", "wgsl"] as const)(
  "a page goes on with a text as transformers does, a token at a time, by the module for %s",
  async (target) => {
    if (browser === undefined) return;
    const { prompt, greedy_text } = greedy[0]!;
    expect(await textInPage(target, prompt)).toBe(prompt + greedy_text.slice(0, TOKENS));
  },
);
