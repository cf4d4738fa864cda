import { expect, test } from "vitest";
import { pageOf, tabsForTests } from "../browser/tabs.ts";
import { runSome } from "./page.ts";

const tabs = tabsForTests();

test("a page runs, samples and compares as Node does, by its own device too", async ({ skip }) => {
  const page = await pageOf(`
    import { runSome } from "./test/run/page.ts";
    window.ran = runSome("ts").then(async (ts) => ({ ts, wgsl: await runSome("wgsl") }));
  `);
  const tab = await tabs.visit(page);
  if (tab === undefined) return skip();
  type Ran = Promise<Readonly<Record<"ts" | "wgsl", Awaited<ReturnType<typeof runSome>>>>>;
  const { ts, wgsl } = await tab.evaluate(() => (window as unknown as { ran: Ran }).ran);
  const { tokens } = await runSome("ts");
  expect(tokens).toHaveLength(10);
  for (const found of [ts, wgsl]) {
    expect(found.tokens).toEqual(tokens);
    expect(found.largest).toBeLessThan(1e-5);
  }
  expect(wgsl.largest).toBeGreaterThan(0);
});
