import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { counts, coverage, families, groupTable } from "../../scripts/families.ts";
import { tolerances } from "./support.ts";

const read = (path: string): string => readFileSync(path, "utf8");

test("the pages list the families that run, and counts them as scripts/families.ts does", () => {
  const readme = read("README.md");
  const models = read("docs/published-models.md");
  const { types, listed, run } = counts();
  expect(models).toContain(groupTable());
  expect(readme).toContain(`the checkpoints of ${types} published families`);
  expect(readme).toContain(`- ${types} families against Hugging Face`);
  expect(models).toContain(
    `Of the ${listed} types of text models of\ntransformers ${coverage().transformers.slice(0, 4)}, ${run} run so`,
  );
});

test("the table of families has a row for each file, with differences that the goldens' tolerances allow", () => {
  const rows = read("src/families/README.md")
    .split("\n")
    .filter((line) => line.startsWith("| ["));
  expect(rows.length).toBe(families().length);
  families().forEach(({ file, types, goldens }, index) => {
    const [row, exact, single] = /^(.*) \| (\S+) \| (\S+) \|$/.exec(rows[index]!)!.slice(1);
    const names = types.map((type) => `\`${type}\``).join(", ");
    expect(row).toBe(`| [${file}](${file}) | ${names} | ${goldens.length}`);
    expect(goldens.length).toBeGreaterThan(0);
    expect(Number(exact)).toBeLessThan(tolerances.interpreter);
    expect(Number(single)).toBeLessThan(tolerances.plan);
  });
});
