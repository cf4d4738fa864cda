import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { functionsOf, type MeasuredFunction } from "./functions.ts";

/** Lines of the longest function that a screen shows whole. */
const MOST_LINES = 60;

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".generated.ts"))
  .map((path) => `src/${path.replaceAll("\\", "/")}`)
  .sort();

test(`no function is longer than ${MOST_LINES} lines`, () => {
  const longer = sources.flatMap((path) =>
    functionsOf(path, readFileSync(path, "utf8"))
      .filter(({ lines }) => lines > MOST_LINES)
      .map(({ name, lines }) => `${path}: ${name}, ${lines} lines`),
  );
  expect(longer).toEqual([]);
});

test.each<[string, string, MeasuredFunction[]]>([
  [
    "a function, from its name to its brace",
    "/** Doc. */\nfunction f() {\n  return 1;\n}\n",
    [{ name: "f", lines: 3 }],
  ],
  ["a method", "class A {\n  #m(): void {\n  }\n}", [{ name: "#m", lines: 2 }]],
  ["an arrow by what it is called", "const g = (\n  x: number,\n) => x;", [{ name: "g", lines: 3 }]],
  ["a function of a table by its key", "const t = {\n  a: () =>\n    1,\n};", [{ name: "a", lines: 2 }]],
  [
    "one in another",
    "function f() {\n  const g = () => 1;\n}",
    [
      { name: "f", lines: 3 },
      { name: "g", lines: 1 },
    ],
  ],
  ["none of a table, however long", "const t = {\n  a: 1,\n  b: 2,\n};", []],
])("counts %s", (_, text, expected) => {
  expect(functionsOf("a.ts", text)).toEqual(expected);
});

test("no text has the marks of a merge that was not finished", () => {
  const marks = "^(<{7}|>{7}) ";
  const { status, stdout } = spawnSync("git", ["grep", "-lE", marks], { encoding: "utf8" });
  expect(stdout).toBe("");
  // Without a repository it would say nothing too, and end with another.
  expect(status).toBe(1);
});
