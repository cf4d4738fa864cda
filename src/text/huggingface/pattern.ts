import { compileRegex, literalRegex } from "./regex.ts";
import type { Section } from "./section.ts";

/** The `pattern` of a section: `{"String": …}`, found as it stands, or `{"Regex": …}`. */
export function readPattern(section: Section): RegExp {
  const pattern = section.section("pattern");
  const text = pattern.optionalString("String");
  const made =
    text === undefined
      ? compileRegex(pattern.string("Regex"), `${section.path}.pattern.Regex`)
      : literalRegex(text);
  pattern.end();
  return made;
}
