import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { digestLine, digestsFile } from "./digests.ts";
import { hunksBetween } from "./hunks.ts";
import { exampleNames, modulesOf } from "./modules.ts";

const kept = readFileSync(digestsFile, "utf8").trim().split("\n");

/** What to do about modules that changed. */
const remedy = "see README.md beside this test for how to read the changes and keep them";

describe("what the compiler writes is what it wrote before, for", () => {
  const found: string[] = [];

  test.each(exampleNames)("%s", (name) => {
    const lines = modulesOf(name).map(digestLine);
    found.push(...lines);
    const changed = lines.filter((line) => !kept.includes(line)).map((line) => line.split("  ")[1]);
    expect(changed, remedy).toEqual([]);
  });

  test("no more and no fewer modules", () => {
    expect(found.length, remedy).toBe(kept.length);
  });
});

test("a change that several modules have is shown once", () => {
  const before = new Map([
    ["a.ts", "one\ntwo\nthree\n"],
    ["b.ts", "one\ntwo\nthree\n"],
    ["c.ts", "one\n"],
    ["old.ts", ""],
  ]);
  const after = new Map([
    ["a.ts", "one\n2\nthree\n"],
    ["b.ts", "one\n2\nthree\n"],
    ["c.ts", "one\n"],
    ["new.ts", ""],
  ]);
  expect(hunksBetween(before, after)).toEqual([
    { lines: [" one", "-two", "+2", " three"], modules: ["a.ts", "b.ts"] },
    { lines: ["(no longer written)"], modules: ["old.ts"] },
    { lines: ["(a new module)"], modules: ["new.ts"] },
  ]);
});
