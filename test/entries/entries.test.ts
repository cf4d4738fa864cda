import { existsSync, readFileSync } from "node:fs";
import { parseConfigFileTextToJson } from "typescript";
import { expect, test } from "vitest";
import * as door from "lmg";
import * as ir from "lmg/ir";
import * as train from "lmg/train";
import { entryFiles } from "./entries.ts";

test("the type checker reads entries where package.json has them", () => {
  const text = readFileSync("tsconfig.json", "utf8");
  const { config } = parseConfigFileTextToJson("tsconfig.json", text) as {
    config: { compilerOptions: { paths: Record<string, string[]> } };
  };
  const files = [...entryFiles()];
  expect(config.compilerOptions.paths).toEqual(
    Object.fromEntries(files.map(([entry, file]) => [entry, [file]])),
  );
  expect(files.map(([, file]) => file).filter((file) => !existsSync(file))).toEqual([]);
});

test("the page of entries lists them all", () => {
  const page = readFileSync("src/entries/README.md", "utf8");
  const table = page.split("\n").filter((line) => line.startsWith("| `lmg"));
  const listed = table.flatMap((line) =>
    [...line.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(listed).toEqual([...entryFiles().keys()]);
});

test("what is a task's stands in its entry alone", () => {
  const names = (entry: object): readonly string[] => Object.keys(entry);
  expect(names(door)).toMatchInlineSnapshot(`
    [
      "compile",
      "format",
      "showDiagnostic",
      "diagnosticRecord",
      "explainEdges",
      "describeEdges",
      "emitTypeScript",
      "emitWgsl",
      "checkFit",
      "defaultLimits",
      "dispatchReport",
    ]
  `);
  expect(names(door).filter((name) => name in ir || name in train)).toEqual([]);
  expect(names(train).filter((name) => name in ir)).toEqual([]);
});
