import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { placesThatMiss, type Addition } from "../places.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a new op is written as, in a copy of the file that is made for the checker alone. */
const records: Readonly<Record<string, Addition>> = {
  "src/ops/scalar.ts": {
    before: "export const scalarFunctions = {",
    record: `new_function: smooth("the hyperbolic cosine of x", Math.cosh, 4),`,
  },
  "src/ops/norm.ts": {
    before: "export const normOps = {",
    record: `new_op: defineOp({
      stage: "core", kernel: "any", doc: "a norm", operands: { x: "one" }, attrs: {}, results: ["out"],
      infer: ({ x }) => [x], evaluate: ({ x }) => [x],
    }),`,
  },
};

/** The files that a column of the page names. */
const placesOnPage = (column: number): readonly string[] =>
  readFileSync(`${root}src/ops/README.md`, "utf8")
    .split("## How to add an op")[1]!
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .flatMap((line) => /`((?:src|test)\/[^`]+)`/.exec(line.split("|")[column]!)?.[1] ?? [])
    .map((path) => path.replace(/kernels\/<family>\.ts$/, "kernels/table.ts").replace("<family>", "norm"));

test("the type checker names the places of a new op that the page names", () => {
  const found = placesThatMiss(records, ["new_function", "new_op"]);
  expect(["src/ops/scalar.ts", ...found.get("new_function")!].toSorted()).toEqual(placesOnPage(2).toSorted());
  expect(["src/ops/norm.ts", ...found.get("new_op")!].toSorted()).toEqual(placesOnPage(3).toSorted());
});
