import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tags, type Tag } from "@lezer/highlight";
import { scopes } from "../../src/language/scopes.ts";

/** The scopes of the language, in CodeMirror's terms. */
const tagOf: Readonly<Record<string, Tag>> = {
  "entity.name.tag.label": tags.propertyName,
  "keyword.control": tags.keyword,
  "storage.modifier": tags.modifier,
  "keyword.operator.word": tags.keyword,
  "constant.language": tags.atom,
  "keyword.other": tags.keyword,
  "storage.type": tags.typeName,
  "constant.numeric": tags.number,
  "variable.other.constant": tags.constant(tags.variableName),
  "entity.name.function": tags.function(tags.variableName),
  "keyword.operator": tags.operator,
};

const names = new Map(scopes.map(({ name }) => [name, name.replaceAll(".", "_")]));

const rules = [
  { token: "comment", pattern: /\/\/.*/y, first: false },
  { token: "string", pattern: /"(?:\\.|[^"\\])*"?/y, first: false },
  ...scopes.map(({ name, match, first = false }) => ({
    token: names.get(name)!,
    pattern: new RegExp(match, "y"),
    first,
  })),
];

/** `.lmg` for CodeMirror, by the table that the grammars of other editors are written from. */
export const lmgLanguage = StreamLanguage.define({
  name: "lmg",
  languageData: { commentTokens: { line: "//" }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
  tokenTable: Object.fromEntries(scopes.map(({ name }) => [names.get(name)!, tagOf[name]!])),
  token(stream) {
    if (stream.eatSpace()) return null;
    for (const { token, pattern, first } of rules) {
      if (first && stream.string.slice(0, stream.pos).trim() !== "") continue;
      pattern.lastIndex = stream.pos;
      const [found] = pattern.exec(stream.string) ?? [];
      if (found === undefined || found === "") continue;
      stream.pos += found.length;
      return token;
    }
    if (stream.match(/^\w+/) === null) stream.next();
    return null;
  },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--keyword)", fontWeight: "600" },
  { tag: tags.modifier, color: "var(--clause)", fontWeight: "600" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.number, tags.atom, tags.constant(tags.variableName), tags.typeName], color: "var(--number)" },
  { tag: tags.string, color: "var(--string)" },
  { tag: tags.propertyName, color: "var(--label)" },
  { tag: tags.function(tags.variableName), color: "var(--layer)" },
  { tag: tags.operator, color: "var(--soft)" },
]);

export const highlighting = syntaxHighlighting(colours);
