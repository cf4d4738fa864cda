import { build } from "esbuild";
import { expect, test } from "vitest";
import { openBrowser } from "../browser/chromium.ts";
import { serve } from "../browser/serve.ts";
import { runSome } from "./page.ts";

test("a page runs, samples and compares as Node does, by its own device too", async ({ skip }) => {
  const entry = `
    import { runSome } from "./test/run/page.ts";
    window.ran = runSome("ts").then(async (ts) => ({ ts, wgsl: await runSome("wgsl") }));
  `;
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: process.cwd() },
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
  });
  const browser = await openBrowser();
  if (browser === undefined) return skip();
  const page = `<!doctype html><script type="module" src="page.js"></script>`;
  const server = await serve(
    new Map([
      ["index.html", page],
      ["page.js", outputFiles[0]!.text],
    ]),
  );
  try {
    const tab = await browser.context.newPage();
    await tab.goto(server.url);
    type Ran = Promise<Readonly<Record<"ts" | "wgsl", Awaited<ReturnType<typeof runSome>>>>>;
    const { ts, wgsl } = await tab.evaluate(() => (window as unknown as { ran: Ran }).ran);
    const { tokens } = await runSome("ts");
    expect(tokens).toHaveLength(10);
    for (const found of [ts, wgsl]) {
      expect(found.tokens).toEqual(tokens);
      expect(found.largest).toBeLessThan(1e-5);
    }
    expect(wgsl.largest).toBeGreaterThan(0);
  } finally {
    await browser.close();
    server.close();
  }
});
