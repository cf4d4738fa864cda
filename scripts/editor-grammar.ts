/**
 * Writes the TextMate grammar of `.lmg` from the words and tokens of the language itself: `npx tsx scripts/editor-grammar.ts`.
 * It colours a text before, and where, no language server runs; what words mean there only the server knows.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { scopes } from "../src/language/scopes.ts";

const patterns = scopes.map(({ name, match, first }) => ({
  name: `${name}.lmg`,
  match: first === true ? `^\\s*${match}` : match,
}));
const [label, ...others] = patterns;

/** What is matched first wins; a label may be any word. */
export const textMateGrammar = {
  $schema: "https://json.schemastore.org/tmlanguage.json",
  name: "lmg",
  scopeName: "source.lmg",
  patterns: [
    { name: "comment.line.double-slash.lmg", match: "//.*$" },
    {
      name: "string.quoted.double.lmg",
      begin: '"',
      end: '"|$',
      patterns: [
        { name: "constant.character.escape.lmg", match: "\\\\." },
        { name: "meta.interpolation.lmg", begin: "\\{", end: "\\}", patterns: [{ include: "source.lmg" }] },
      ],
    },
    label,
    {
      match: "\\b(model|block)\\s+(\\w+)",
      captures: { 1: { name: "keyword.control.lmg" }, 2: { name: "entity.name.function.lmg" } },
    },
    ...others,
  ],
};

export const grammarFile = fileURLToPath(
  new URL("../editors/vscode/syntaxes/lmg.tmLanguage.json", import.meta.url),
);

export const grammarText = (): string => `${JSON.stringify(textMateGrammar, undefined, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(grammarFile, grammarText());
