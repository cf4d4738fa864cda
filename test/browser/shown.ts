import type { Locator } from "playwright-core";
import { expect } from "vitest";

/** Milliseconds that one waits for what a page is to show at most, on however busy a machine, and between two looks at it. */
const [PATIENCE, AGAIN] = [180_000, 40];

/**
 * Expects something of what a page shows now or soon: it is read again until it is so. What a page shows changes with time, so that a
 * value that is read once may be the one before; the linter refuses such reads elsewhere in tests.
 *
 *     await shown(() => tab.locator("li").count()).toBe(5);
 */
export const shown = <T>(read: () => T | Promise<T>) =>
  expect.poll(async () => read(), { timeout: PATIENCE, interval: AGAIN });

/** The same of the text of an element. */
export const shownText = (of: Locator) => shown(() => of.textContent());

/** The same of how many elements there are. */
export const shownCount = (of: Locator) => shown(() => of.count());
