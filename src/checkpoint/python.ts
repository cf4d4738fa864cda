import { endOfString, parseJsonObject, type JsonObject } from "./json.ts";
import type { Problem } from "./problem.ts";

/** Parses an object that Python's json module wrote, which also has `NaN`, `Infinity` and `-Infinity`. */
export const parsePythonObject = (text: string, name: string): JsonObject | Problem =>
  parseJsonObject(text, name, parsePython);

/** JSON has a number beyond all floats, but none for NaN: a text that is nowhere else stands for it. */
function parsePython(text: string): unknown {
  if (!/NaN|Infinity/.test(text)) return JSON.parse(text);
  let mark = "NaN";
  while (text.includes(`"${mark}"`)) mark += "N";
  return JSON.parse(withoutConstants(text, `"${mark}"`), (_key, value: unknown) =>
    value === mark ? NaN : value,
  );
}

/** A constant where a value ends: neither in `1Infinity` nor as a key. */
const constantHere = /(?<![\w.+])(?:NaN|Infinity)(?=\s*[,}\]])/y;

/** The text with what is a constant of Python, and stands in no string, as JSON. */
function withoutConstants(text: string, nan: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') at = endOfString(text, at) - 1;
    constantHere.lastIndex = at;
    const [constant] = constantHere.exec(text) ?? [];
    if (constant === undefined) continue;
    parts.push(text.slice(from, at), constant === "NaN" ? nan : "1e999");
    from = at + constant.length;
    at = from - 1;
  }
  return [...parts, text.slice(from)].join("");
}
