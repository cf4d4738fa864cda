import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lintNames } from "../../../src/lower/lints/names.ts";

test("the page of the language has a row for each lint, in their order", () => {
  const page = readFileSync("grammar/README.md", "utf8").split("## Warnings")[1]!;
  const rows = [...page.matchAll(/^\| `(\w+)` \| \S.* \|$/gm)].map(([, name]) => name);
  expect(rows).toEqual([...lintNames]);
});
