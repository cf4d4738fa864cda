import { Problem, quote } from "../checkpoint/problem.ts";

/** `name=value` pairs of `--set`, as texts: what they mean depends on the parameter's kind. */
export function parseSettings(settings: readonly string[]): Readonly<Record<string, string>> | Problem {
  const values = new Map<string, string>();
  for (const setting of settings) {
    const equals = setting.indexOf("=");
    const name = setting.slice(0, Math.max(0, equals)).trim();
    if (name === "")
      return new Problem(
        "E801",
        `--set expects name=value, found ${quote(setting)}`,
        "for example --set depth=2",
      );
    if (values.has(name)) return new Problem("E801", `--set gives ${quote(name)} twice`);
    values.set(name, setting.slice(equals + 1).trim());
  }
  return Object.fromEntries(values);
}

/** `B=1,T=128`: sizes of run-time dims; none if the option is not there. */
export function parseDims(text: string | undefined): ReadonlyMap<string, number> | Problem {
  const sizes = new Map<string, number>();
  if (text === undefined) return sizes;
  for (const part of text.split(",")) {
    const [, name, size] = /^\s*([A-Z]\w*)\s*=\s*(\d+)\s*$/.exec(part) ?? [];
    if (name === undefined || !(Number(size) >= 1 && Number(size) <= 2 ** 31 - 1))
      return new Problem("E802", `--dims expects sizes such as B=1,T=128, found ${quote(part)}`);
    sizes.set(name, Number(size));
  }
  return sizes;
}

/** `1,2,3`, or several rows as `1,2;3,4`: token ids [B, T], of equal length but where any may go on by itself. */
export function parseTokens(text: string, anyLengths = false): readonly (readonly number[])[] | Problem {
  const rows = text.split(";").map((row) => row.split(",").map((id) => id.trim()));
  for (const id of rows.flat())
    if (!/^\d{1,9}$/.test(id))
      return new Problem("E803", `--tokens expects ids such as 1,2,3, found ${quote(id === "" ? text : id)}`);
  if (!anyLengths && rows.some((row) => row.length !== rows[0]!.length))
    return new Problem(
      "E803",
      `--tokens expects rows of equal length, found ${rows.map((row) => row.length).join(" and ")}`,
    );
  return rows.map((row) => row.map(Number));
}

/** The number of an option, in a range; `what` names it. */
export function parseNumber(
  what: string,
  text: string,
  low: number,
  high: number,
  whole = false,
): number | Problem {
  const value = text.trim() === "" ? NaN : Number(text);
  if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? "a whole number" : "a number";
  const range = high === Infinity ? `of at least ${low}` : `from ${low} to ${high}`;
  return new Problem("E804", `${what} expects ${kind} ${range}, found ${quote(text)}`);
}
