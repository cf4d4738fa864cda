/**
 * Writes the TextMate grammar of `.lmg` from the words and tokens of the language itself: `npx tsx scripts/editor-grammar.ts`.
 * It colours a text before, and where, no language server runs; what words mean there only the server knows.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  clauseWords,
  freeClauseWords,
  freeStatementWords,
  plainWords,
  statementWords,
  trainSettings,
} from "../src/language/words.ts";
import { dtypes } from "../src/tensor/dtype.ts";

const words = (list: readonly string[]): string => `\\b(?:${list.join("|")})\\b`;
const values = ["true", "false", "none", "stream"];

/** What is matched first wins. Words are free as labels and as names of arguments: `out: linear`. */
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
    { name: "entity.name.tag.label.lmg", match: "\\b[A-Za-z_][\\w.]*(?=\\s*:(?!:))" },
    {
      match: "\\b(model|block)\\s+(\\w+)",
      captures: { 1: { name: "keyword.control.lmg" }, 2: { name: "entity.name.function.lmg" } },
    },
    { name: "keyword.control.lmg", match: words([...statementWords, ...freeStatementWords, "else"]) },
    { name: "storage.modifier.lmg", match: words([...clauseWords, ...freeClauseWords, "as"]) },
    {
      name: "keyword.operator.word.lmg",
      match: words(plainWords.filter((word) => ["and", "or", "not", "in"].includes(word))),
    },
    { name: "constant.language.lmg", match: words(values) },
    { name: "keyword.other.lmg", match: `^\\s*${words(trainSettings)}` },
    { name: "storage.type.lmg", match: words(dtypes) },
    { name: "constant.numeric.lmg", match: "\\b\\d+(?:\\.\\d+)?(?:[eE][-+]?\\d+)?\\b" },
    { name: "variable.other.constant.lmg", match: "\\b[A-Z]\\w*\\b" },
    { name: "entity.name.function.lmg", match: "\\b[a-z_]\\w*(?=\\()" },
    { name: "keyword.operator.lmg", match: "->|<=|>=|==|!=|\\.\\.|[-+*/%^=<>]" },
  ],
};

export const grammarFile = fileURLToPath(
  new URL("../editors/vscode/syntaxes/lmg.tmLanguage.json", import.meta.url),
);

export const grammarText = (): string => `${JSON.stringify(textMateGrammar, undefined, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(grammarFile, grammarText());
