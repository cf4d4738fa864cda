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
