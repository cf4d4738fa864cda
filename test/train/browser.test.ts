import { expect, test } from "vitest";
import { pageOf, tabsForTests } from "../browser/tabs.ts";
import { trainSome } from "./page.ts";

const tabs = tabsForTests();

test("a page trains as Node does, by shaders too: nothing of it needs files or processes", async ({
  skip,
}) => {
  const page = await pageOf(`
    import { trainOnDevice, trainSome } from "./test/train/page.ts";
    window.trained = trainSome();
    window.trainedOnDevice = window.trained.then(trainOnDevice);
  `);
  const tab = await tabs.visit(page);
  if (tab === undefined) return skip();
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
});
