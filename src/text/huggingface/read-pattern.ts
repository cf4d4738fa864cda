import { literalPattern, type Pattern } from "./pattern.ts";
import { compileRegex } from "./regex.ts";
import type { Section } from "./section.ts";

/** Longest text that is looked for; each place may take as many steps. Published files have some characters. */
const MAX_LITERAL = 1000;

/** The `pattern` of a section: `{"String": …}`, found as it stands, or `{"Regex": …}`. */
export function readPattern(section: Section): Pattern {
  const pattern = section.section("pattern");
  const text = pattern.optionalString("String");
  if (text !== undefined && text.length > MAX_LITERAL)
    pattern.refuse("String", `it has ${text.length} characters, more than ${MAX_LITERAL}`);
  const made =
    text === undefined
      ? compileRegex(pattern.string("Regex"), `${section.path}.pattern.Regex`)
      : literalPattern(text);
  pattern.end();
  return made;
}
