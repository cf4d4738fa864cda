import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a new op is written as, in a copy of the file that is made for the checker alone. */
const records: Readonly<Record<string, { readonly before: string; readonly record: string }>> = {
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

/** The files in which the type checker misses an op, by the op. */
function placesThatMiss(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(
    `${root}tsconfig.json`,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
      },
    },
  )!;
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (path) => {
    const text = readFile(path);
    const added = records[path.slice(root.length)];
    return added === undefined ? text : text?.replace(added.before, `${added.before}\n${added.record}`);
  };
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram(fileNames, options, host));
  const missing = diagnostics.map(({ file, messageText }) => ({
    path: file!.fileName.slice(root.length),
    text: ts.flattenDiagnosticMessageText(messageText, "\n"),
  }));
  return new Map(
    names.map((name) => [
      name,
      missing.filter(({ text }) => new RegExp(`\\b${name}\\b`).test(text)).map(({ path }) => path),
    ]),
  );
}

/** The files that a column of the page names. */
const placesOnPage = (column: number): readonly string[] =>
  readFileSync(`${root}src/ops/README.md`, "utf8")
    .split("## How to add an op")[1]!
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .flatMap((line) => /`((?:src|test)\/[^`]+)`/.exec(line.split("|")[column]!)?.[1] ?? [])
    .map((path) => path.replace(/kernels\/<family>\.ts$/, "kernels/table.ts").replace("<family>", "norm"));

test("the type checker names the places of a new op that the page names", () => {
  const found = placesThatMiss(["new_function", "new_op"]);
  expect(["src/ops/scalar.ts", ...found.get("new_function")!].toSorted()).toEqual(placesOnPage(2).toSorted());
  expect(["src/ops/norm.ts", ...found.get("new_op")!].toSorted()).toEqual(placesOnPage(3).toSorted());
});
