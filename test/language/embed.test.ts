import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { embedded } from "../../scripts/embed.ts";

test("the generated modules are what scripts/embed.ts would write", async () => {
  for (const { path, text } of await embedded())
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"), `${path} is stale`).toBe(text);
});
