import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { printGraph } from "../../src/ir/print.ts";
import { graphOf } from "./graphs.ts";

const readme = readFileSync(new URL("../../src/ir/README.md", import.meta.url), "utf8");

/** Every graph that stands on the page, as it stands there. */
const texts = [...readme.matchAll(/^ {4}graph (\w+) \{\n[^]*?^ {4}\}$/gm)].map(
  ([text, name]) => [name!, `${text.replaceAll(/^ {4}/gm, "")}\n`] as const,
);

test("the page has graphs", () => expect(texts.map(([name]) => name)).toEqual(["tiny", "cached"]));

test.each(texts)(
  "the IR text of %s in the folder's README reads, and prints as it stands there",
  (_, text) => {
    expect(printGraph(graphOf(text))).toBe(text);
  },
);
