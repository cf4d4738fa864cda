import { layoutCode, type Code } from "../../support/text.ts";

/**
 * Words that no variable of a module may be called: ReservedWord of ECMA-262 (§12.7.2) with what strict mode and modules
 * add to it (§12.7.1.1, §13.1.1), and the values that are words of the language in all but name.
 */
export const reservedWords: readonly string[] = (
  "await break case catch class const continue debugger default delete do else enum export extends false finally for " +
  "function if import in instanceof new null return super switch this throw true try typeof var void while with yield " +
  "let static implements interface package private protected public arguments eval undefined NaN Infinity"
).split(" ");

/** Whether every object has a property of this name, so that reading it says nothing of what was given. */
export const isInherited = (name: string): boolean => name in {};

const declaration = /^«?(?:export )?(?:async )?(?:const|let|function|class|interface|type) (\w+)/gm;

/** What code declares at the top level of a module. */
export const declaredWords = (code: readonly Code[]): string[] =>
  [...layoutCode(code).matchAll(declaration)].map(([, word]) => word!);

/** Comments and texts, which hold words that are no names. */
const unread = /\/\/.*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"/g;

/** The names that code reads or declares: every word but keys of objects, members, and words in texts and comments. */
export const wordsOf = (code: readonly Code[]): string[] =>
  [
    ...layoutCode(code)
      .replaceAll(unread, " ")
      .matchAll(/(?<![.\w$])[A-Za-z_]\w*(?![\w:])/g),
  ].map(([word]) => word);
