import type { Code } from "../../support/text.ts";
import { wordsOf } from "./words.ts";

/** The parts of a record that the text calls, and those that they call, in the order of the record. */
export function partsFor(
  parts: Readonly<Record<string, readonly string[]>>,
  text: readonly (readonly Code[])[],
) {
  const used = new Set<string>();
  const visit = (code: readonly Code[]): void => {
    for (const word of wordsOf(code)) {
      const lines = Object.hasOwn(parts, word) ? parts[word] : undefined;
      if (lines === undefined || used.has(word)) continue;
      used.add(word);
      visit(lines);
    }
  };
  text.forEach(visit);
  return Object.entries(parts).flatMap(([name, lines]) => (used.has(name) ? [lines] : []));
}
