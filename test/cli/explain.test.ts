import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { contentOf, EXAMPLE, pages, tinyExample } from "../../src/cli/explain/pages.ts";
import { compile } from "../../src/compile.ts";
import { readGraph } from "../../src/ir/read.ts";
import { inFolder, lmg, mistake, output, put } from "./harness.ts";

const root = process.cwd();

inFolder({ "empty.txt": "" });

/** Every code that a source of lmg gives: a text of its own, in quotes. */
function codesInSources(): ReadonlySet<string> {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  const found = files.flatMap((file) => [
    ...readFileSync(join(root, "src", file), "utf8").matchAll(/"([EW]\d{3})"/g),
  ]);
  return new Set(found.map(([, code]) => code!));
}

const all = pages();

test("every code has a page, once, and no page is of a code that is gone", () => {
  expect(all.map(({ code }) => code)).toEqual([...codesInSources()].sort());
});

/** Codes of limits, machines and stopped runs, whose examples are long or no files: other tests give them. */
const withoutExample = new Set([
  "E100",
  "E109",
  "E309",
  "E312",
  "E714",
  "E773",
  "E824",
  "E830",
  "E831",
  "E832",
  "E835",
  "E836",
  "E838",
  "E839",
  "E854",
  "E855",
  "E856",
  "E857",
  "E865",
  "E870",
  "E900",
]);

test("every page says in sentences what its code means, and has an example if a short text gives it", () => {
  for (const { code, text, files, command } of all) {
    expect(text, code).toMatch(/^[`A-Z.][\s\S]{20,}[.]$/);
    expect([code, files.length === 0 && command === undefined]).toEqual([code, withoutExample.has(code)]);
  }
});

const examples = all.filter(({ files, command }) => command === undefined && files.length > 0);

describe("an example gives its code:", () => {
  test.each(examples.filter(({ code }) => !code.startsWith("E6")))("$code", async ({ code, files }) => {
    for (const { name, text } of files) put(name, text);
    const { notes } = await lmg("check", EXAMPLE);
    expect(notes).toMatch(new RegExp(`(error|warning)\\[${code}\\]`));
  });

  test.each(examples.filter(({ code }) => code.startsWith("E6")))("$code, of a graph", ({ code, files }) => {
    const { diagnostics } = readGraph({ name: EXAMPLE, text: files[0]!.text });
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
  });

  test.each(all.filter(({ command }) => command !== undefined))(
    "$command: $code",
    async ({ code, files, command }) => {
      const home = process.cwd();
      for (const file of [tinyExample, ...files]) {
        mkdirSync(join(code, dirname(file.name)), { recursive: true });
        writeFileSync(join(code, file.name), contentOf(file));
      }
      try {
        process.chdir(code);
        const [, ...args] = command!.split(" ");
        const { code: exit, text, notes } = await lmg(...args);
        expect(exit).toBe(code.startsWith("W") ? 0 : 1);
        expect(`${notes}${text}`).toContain(code);
      } finally {
        process.chdir(home);
      }
    },
  );
});

test("a code is explained, also if it is written small", async () => {
  expect(await output("explain", "e528")).toMatchInlineSnapshot(`
    "E528: The branch of an edge ends with another shape than what the edge carries, so the two cannot be added. End it with a layer that gives that shape, or change what is carried with \`from (stream -> proj: linear(…))\`. What is carried must be floats: \`cast(f32)\` before the edge makes them of integers.

    For example:

        model m {
          input x: f32[B, 8]
          residual { up: linear(32) }
          output y
        }
    "
  `);
});

test("all codes are a line each, JSON has all of a page", async () => {
  const lines = (await output("explain")).trimEnd().split("\n");
  expect(lines.map((line) => line.slice(0, 4))).toEqual(all.map(({ code }) => code));
  expect(JSON.parse(await output("explain", "W301", "--json"))).toEqual(
    all.find(({ code }) => code === "W301"),
  );
});

test("a code that is none is answered with the nearest", async () => {
  expect(await mistake("explain", "E5288")).toBe(
    "error[E806]: there is no code `E5288`\n  help: did you mean E528?",
  );
});

test("what a diagnostic would mend with edits is gone when they are made", () => {
  const fixed = examples.flatMap(({ code, files }) => {
    const text = files[0]!.text;
    const { diagnostics } = compile({ name: EXAMPLE, text });
    const fix = diagnostics.find((diagnostic) => diagnostic.code === code)?.fix;
    return fix === undefined ? [] : [{ code, text, fix }];
  });
  expect(fixed.map(({ code }) => code)).toMatchInlineSnapshot(`
    [
      "E104",
      "E107",
      "E120",
      "E122",
      "E123",
      "E126",
      "E127",
      "E128",
      "E143",
      "E145",
      "E149",
      "E150",
      "E151",
      "E152",
      "E154",
      "E155",
      "E157",
      "E162",
      "E166",
      "E167",
      "E170",
      "E171",
      "E173",
      "E201",
      "E202",
      "E205",
      "E212",
      "E219",
      "E220",
      "E301",
      "E308",
      "E314",
      "E316",
      "E317",
      "E503",
      "E505",
      "E507",
      "E523",
      "E570",
    ]
  `);
  for (const { code, text, fix } of fixed) {
    const edited = [...fix]
      .sort((a, b) => b.span.start - a.span.start)
      .reduce(
        (before, { span, text: put }) => before.slice(0, span.start) + put + before.slice(span.end),
        text,
      );
    const { diagnostics } = compile({ name: EXAMPLE, text: edited });
    expect(
      diagnostics.map((diagnostic) => diagnostic.code),
      `${code}:\n${edited}`,
    ).not.toContain(code);
  }
});
