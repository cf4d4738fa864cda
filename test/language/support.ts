import { readdirSync, readFileSync } from "node:fs";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import type { File } from "../../src/language/ast.ts";
import { parse } from "../../src/language/parse.ts";

const folder = new URL("../programs/", import.meta.url);

/** The programs that every part of the compiler is tested with, by name. */
export const programs: readonly (readonly [name: string, text: string])[] = readdirSync(folder)
  .filter((name) => name.endsWith(".lmg"))
  .map((name) => [name, readFileSync(new URL(name, folder), "utf8")] as const);

/** What there is to say of a text, as a person reads it. */
export const mistakesIn = (text: string): string =>
  parse({ name: "m", text })
    .diagnostics.map((diagnostic) => showDiagnostic(diagnostic))
    .join("\n");

/** What there is to say of a statement, in a model of its own: the statement is line 2. */
export const mistakesOf = (statement: string): string => mistakesIn(`model m {\n  ${statement}\n}\n`);

/** A tree as JSON, without its places in the text: two texts mean the same if these are equal. */
export const meaning = (file: File): string =>
  JSON.stringify([file.uses, file.definitions], (key, value: unknown) =>
    key === "source" || key === "span" || key === "operatorSpan" ? undefined : value,
  );
