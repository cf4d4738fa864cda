import { build } from "esbuild";
import { expect, test } from "vitest";
import { openBrowser } from "../browser/chromium.ts";
import { serve } from "../browser/serve.ts";
import { trainSome } from "./page.ts";

test("a page trains as Node does, by shaders too: nothing of it needs files or processes", async ({
  skip,
}) => {
  const entry = `
    import { trainOnDevice, trainSome } from "./test/train/page.ts";
    window.trained = trainSome();
    window.trainedOnDevice = window.trained.then(trainOnDevice);
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
    const found = await tab.evaluate(
      () => (window as unknown as { trained: ReturnType<typeof trainSome> }).trained,
    );
    const onDevice = await tab.evaluate(
      () => (window as unknown as { trainedOnDevice: ReturnType<typeof trainSome> }).trainedOnDevice,
    );
    const expected = await trainSome();
    expect(found.bytes).toBe(expected.bytes);
    expect(found.losses).toHaveLength(9);
    expected.losses.forEach((loss, step) => {
      // Two versions of V8 may round Math.exp and its like differently in the last bit of float64.
      expect(found.losses[step]).toBeCloseTo(loss, 6);
      // Shaders compute in float32 throughout.
      expect(onDevice.losses[step]).toBeCloseTo(loss, 4);
    });
    expect(onDevice.bytes).toBe(expected.bytes);
  } finally {
    await browser.close();
    server.close();
  }
});
