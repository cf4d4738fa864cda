import { dtypes } from "../tensor/dtype.ts";
import {
  clauseWords,
  freeClauseWords,
  freeStatementWords,
  plainWords,
  statementWords,
  trainSettings,
} from "./words.ts";

/** A kind of token, and how it is recognized where no meaning is known. */
export interface Scope {
  /** As TextMate names it. */
  readonly name: string;
  /** A regular expression, which JavaScript and Oniguruma read alike. */
  readonly match: string;
  /** Only as the first word of a line. */
  readonly first?: true;
}

const words = (list: readonly string[]): string => `\\b(?:${list.join("|")})\\b`;
const values = ["true", "false", "none", "stream"];

/**
 * What editors colour a text by before anything is known of it; what is matched first wins. Words are free as labels and as names of
 * arguments: `out: linear`. Comments and texts come before these.
 */
export const scopes: readonly Scope[] = [
  { name: "entity.name.tag.label", match: "\\b[A-Za-z_][\\w.]*(?=\\s*:(?!:))" },
  { name: "keyword.control", match: words([...statementWords, ...freeStatementWords, "else"]) },
  { name: "storage.modifier", match: words([...clauseWords, ...freeClauseWords, "as"]) },
  {
    name: "keyword.operator.word",
    match: words(plainWords.filter((word) => ["and", "or", "not", "in"].includes(word))),
  },
  { name: "constant.language", match: words(values) },
  { name: "keyword.other", match: words(trainSettings), first: true },
  { name: "storage.type", match: words(dtypes) },
  { name: "constant.numeric", match: "\\b\\d+(?:\\.\\d+)?(?:[eE][-+]?\\d+)?\\b" },
  { name: "variable.other.constant", match: "\\b[A-Z]\\w*\\b" },
  { name: "entity.name.function", match: "\\b[a-z_]\\w*(?=\\()" },
  { name: "keyword.operator", match: "->|<=|>=|==|!=|\\.\\.|[-+*/%^=<>]" },
];
