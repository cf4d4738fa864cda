import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { printGraph } from "../../src/ir/print.ts";
import { graphOf } from "./graphs.ts";

test("the IR text in the folder's README reads, and prints as it stands there", () => {
  const readme = readFileSync(new URL("../../src/ir/README.md", import.meta.url), "utf8");
  const lines = readme.split("\n");
  const start = lines.findIndex((line) => line.startsWith("    graph "));
  const end = lines.findIndex((line) => line === "    }");
  expect(start).toBeGreaterThan(0);
  const text = lines.slice(start, end + 1).map((line) => line.slice(4));
  expect(printGraph(graphOf(text.join("\n")))).toBe([...text, ""].join("\n"));
});
