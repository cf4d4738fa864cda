import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyze, type Analysis } from "../../src/editor/analyze.ts";
import { placesOf, definitionAt, nameAt } from "../../src/editor/names.ts";
import { rename } from "../../src/editor/rename.ts";
import { isError } from "../../src/support/diagnostic.ts";
import { editedText } from "../../src/support/fixes.ts";
import { spanText } from "../../src/support/source.ts";
import { showType } from "../../src/tensor/type.ts";
import { exampleFiles } from "../examples.ts";
import { marked, modelOf } from "./marked.ts";

function renamed(text: string, name: string): string {
  const { analysis, offset } = marked(text);
  const renaming = rename(analysis, offset, name);
  return renaming.kind === "refused"
    ? `refused: ${renaming.why}`
    : editedText(analysis.source.text, renaming.edits);
}

test("a name changes wherever it is read, in branches that are not taken too", () => {
  expect(
    renamed(
      modelOf("  let wi|de = 4 * dim\n  if depth > 9 { linear(wide) } else { linear(dim) }\n  linear(wide)"),
      "hidden",
    ),
  ).toBe(
    modelOf(
      "  let hidden = 4 * dim\n  if depth > 9 { linear(hidden) } else { linear(dim) }\n  linear(hidden)",
    ),
  );
});

test("a parameter of a block changes where it is given", () => {
  const text = (name: string): string =>
    `${modelOf(`  twice(${name}: 2)\n  twice`)}block twice(${name} = 3) { input x: [.., D]; linear(${name} * D) }\n`;
  expect(renamed(text("by").replace("twice(by = 3)", "twice(b|y = 3)"), "times")).toBe(text("times"));
});

test("an argument that is a name alone is written with both names", () => {
  const block = "block wide(by: int) { input x: [.., D]; linear(by * D) }\n";
  expect(renamed(`${modelOf("  let b|y = 2\n  wide(by)")}${block}`, "times")).toBe(
    `${modelOf("  let times = 2\n  wide(by: times)")}${block}`,
  );
  expect(
    renamed(`${modelOf("  let by = 2\n  wide(by)")}${block.replace("by: int", "b|y: int")}`, "times"),
  ).toBe(`${modelOf("  let by = 2\n  wide(times: by)")}${block.replaceAll("by", "times")}`);
});

test("a label changes what weights are called, and says so", () => {
  const { analysis, offset } = marked(modelOf("  wt|e: linear(dim)\n  same(wte)"));
  const renaming = rename(analysis, offset, "table");
  expect(renaming).toMatchObject({ kind: "edits", weights: ["wte.weight", "wte.bias"] });
  expect(renaming.kind === "edits" && editedText(analysis.source.text, renaming.edits)).toBe(
    modelOf("  table: linear(dim)\n  same(table)"),
  );
});

describe("a name that would mean something else is refused", () => {
  test.each([
    ["one that hides another", modelOf("  let a = dim\n  let b| = dim\n  linear(a) -> linear(b)"), "a"],
    ["one that is hidden", modelOf("  let a| = 3\n  let dim = 4\n  linear(a) -> linear(dim)"), "dim"],
    ["a word of the language", modelOf("  let a| = 3\n  linear(a)"), "repeat"],
    ["a dim's name", modelOf("  let a| = 3\n  linear(a)"), "N"],
    ["no name", modelOf("  let a| = 3\n  linear(a)"), "a b"],
    ["a name of the library", modelOf("  atten|tion(2)"), "other"],
    ["a word", modelOf("  lin|ear(3)"), "other"],
  ])("%s", (_, text, name) => {
    expect(renamed(text, name)).toMatch(/^refused: /);
  });
});

/** The types and ops of a graph, in order. */
const valuesOf = ({ model }: Analysis): string =>
  model!.graph.nodes
    .map(({ op, results }) => `${op} ${results.map(({ type }) => showType(type)).join(", ")}`)
    .join("\n");

test.each(exampleFiles)("every name of %s can be renamed: the graph stays but for it", (path) => {
  const source = { name: path, text: readFileSync(path, "utf8") };
  // Two layers have all names that there are.
  const options = /\bdepth\b/.test(source.text.slice(0, source.text.indexOf("{")))
    ? { settings: { depth: "2" } }
    : {};
  const analysis = analyze(source, options);
  const definitions = new Map(
    analysis.told.flatMap(({ span, meaning }) =>
      meaning.kind === "definition" && span.source === source ? [[span.start, span]] : [],
    ),
  );
  // Some of them: each lowers the model once more.
  const some = [...definitions.values()].filter((_, index) => index % 9 === 4).slice(0, 3);
  for (const definition of some) {
    const old = spanText(definition);
    const name = `${old}_renamed`;
    const renaming = rename(analysis, definition.start, name);
    if (renaming.kind === "refused") throw new Error(`${old}: ${renaming.why}`);
    const settings = old === "depth" ? { settings: { [name]: "2" } } : options;
    const after = analyze({ name: path, text: editedText(source.text, renaming.edits) }, settings);
    expect(after.diagnostics.filter(isError)).toEqual([]);
    expect(valuesOf(after).replaceAll(name, old)).toBe(valuesOf(analysis));
    expect(renaming.edits).toHaveLength(placesOf(analysis, definition).length);
  }
});

test("definitions are found across files, and so are the places of a name", () => {
  const other = { name: "blocks.lmg", text: "block twice(by = 2) { input x: [.., D]; linear(by * D) }\n" };
  const { analysis, offset } = marked(`use "./blocks.lmg"\n${modelOf("  twi|ce(by: 3)")}`, {
    resolveUse: () => other,
  });
  const definition = definitionAt(analysis, offset);
  expect(definition).toMatchObject({ source: other, start: 6 });
  expect(placesOf(analysis, definition!).map(({ source }) => source.name)).toEqual(["blocks.lmg", "m.lmg"]);
  expect(nameAt(analysis, offset)?.name).toBe("twice");
  const renaming = rename(analysis, offset, "thrice");
  expect(renaming.kind === "edits" && renaming.edits.map(({ span }) => span.source.name)).toEqual([
    "blocks.lmg",
    "m.lmg",
  ]);
});
