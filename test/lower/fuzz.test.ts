import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { verifyGraph } from "../../src/ir/verify.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { lowerText, programs } from "./support.ts";

const texts = readdirSync(programs)
  .filter((name) => name.endsWith(".lmg"))
  .map((name) => readFileSync(new URL(name, programs), "utf8"))
  .filter((text) => text.length < 3000);

/** Words, numbers, arrows, texts, and single characters. */
const tokensOf = (text: string): string[] => text.match(/\w+|->|\.\.|\s+|./gs) ?? [];

const vocabulary = [...new Set(texts.flatMap(tokensOf))];

interface Edit {
  readonly at: number;
  readonly kind: "drop" | "swap" | "insert" | "repeat";
  readonly token: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  kind: fc.constantFrom("drop", "swap", "insert", "repeat"),
  token: fc.constantFrom(...vocabulary),
});

function mutate(text: string, edits: readonly Edit[]): string {
  const tokens = tokensOf(text);
  for (const { at, kind, token } of edits) {
    const index = Math.floor(at * tokens.length);
    if (kind === "drop") tokens.splice(index, 1);
    else if (kind === "swap") tokens[index] = token;
    else tokens.splice(index, 0, kind === "insert" ? token : (tokens[index] ?? ""));
  }
  return tokens.join("");
}

test("a program with a few words changed lowers, or ends in messages that point into it", () => {
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      // Made small, as numbers of layers are multiplied by numbers of experts here.
      const mutated = mutate(text.replaceAll(/depth = \d+/g, "depth = 2"), edits);
      const { model, diagnostics } = lowerText(mutated);
      if (model !== undefined) expect(verifyGraph(model.graph)).toEqual([]);
      expect(model !== undefined || diagnostics.length > 0).toBe(true);
      for (const diagnostic of diagnostics)
        expect(showDiagnostic(diagnostic)).toMatch(/^[^\n]+:\d+:\d+: (error|warning)\[/);
    }),
    { numRuns: 400, seed: 20260 },
  );
});
