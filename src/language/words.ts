/** Words that begin a statement. They are free as labels, parts of labels and argument names. */
export const statementWords = [
  "model",
  "block",
  "use",
  "input",
  "output",
  "let",
  "assert",
  "if",
  "repeat",
  "parallel",
  "residual",
] as const;

/** Words that begin a clause of a residual edge. */
export const clauseWords = ["pre", "out", "post", "sandwich", "from", "skip", "branch"] as const;

/** A clause whose word is free as a name: many things have an `init`. */
export const freeClauseWords = ["init"] as const;

/** Statements whose words are free as names everywhere: a model may well have a value called `config`. */
export const freeStatementWords = ["default", "allow", "train", "config"] as const;

/** Words that join, and values that have a name. */
export const plainWords = [
  "as",
  "else",
  "and",
  "or",
  "not",
  "in",
  "true",
  "false",
  "none",
  "stream",
] as const;

/** What cannot be the name of a value, a layer or a definition. */
export const reservedWords: ReadonlySet<string> = new Set([...statementWords, ...clauseWords, ...plainWords]);

/** The lines of `train { }` that are neither `target` nor a binding. */
export const trainSettings = [
  "loss",
  "metric",
  "optimizer",
  "schedule",
  "rate",
  "eps",
  "decay",
  "after",
  "augment",
  "batch",
  "accumulate",
  "epochs",
  "steps",
  "patience",
  "clip",
  "data",
  "seed",
] as const;

/** What a parameter can be, beside one of several words. */
export const parameterKinds = [
  "int",
  "float",
  "bool",
  "text",
  "list",
  "shape",
  "layer",
  "label",
  "dtype",
  "placement",
  "init",
] as const;
