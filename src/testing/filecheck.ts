import { findPattern, PatternError, type Captures } from "./pattern.ts";

/** One line of a check, in the manner of LLVM's FileCheck. */
interface Directive {
  /** As it was written, for messages. */
  readonly text: string;
  readonly kind: "find" | "next" | "same" | "not";
  readonly pattern: string;
}

export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/**
 * Checks a text against lines of directives, in order:
 *
 * - `CHECK: p` (or just `p`): p stands somewhere after the last match, in one line;
 * - `CHECK-NEXT: p`: on the line after it; `CHECK-SAME: p`: further on the same line;
 * - `CHECK-NOT: p`: nowhere between the matches before and after this line;
 * - `CHECK-COUNT-3: p`: three times in a row.
 *
 * Patterns are those of `compilePattern`; an empty line and one that begins with `#` say nothing.
 */
export function checkText(text: string, checks: string): CheckResult {
  const directives = checks.split("\n").flatMap(readDirective);
  if (directives.length === 0) throw new PatternError("a check without a line checks nothing");
  return new Checker(text.split("\n")).run(directives);
}

function readDirective(raw: string): Directive[] {
  const text = raw.trim();
  if (text === "" || text.startsWith("#")) return [];
  const match = /^CHECK(?:-(?<suffix>[A-Z]+)(?:-(?<count>\d+))?)?:\s*(?<pattern>.*)$/.exec(text);
  if (match === null) {
    if (text.startsWith("CHECK")) throw new PatternError(`\`${text}\` is no directive`);
    return [{ text, kind: "find", pattern: text }];
  }
  const { suffix, count, pattern = "" } = match.groups!;
  if (pattern === "") throw new PatternError(`\`${text}\` has no pattern`);
  if (suffix === "COUNT" && Number(count) > 0)
    return Array.from({ length: Number(count) }, () => ({ text, kind: "find", pattern }));
  const kind = count === undefined ? kindOf(suffix) : undefined;
  if (kind === undefined) throw new PatternError(`\`${text}\` is no directive`);
  return [{ text, kind, pattern }];
}

function kindOf(suffix: string | undefined): Directive["kind"] | undefined {
  if (suffix === undefined) return "find";
  return suffix === "NEXT" || suffix === "SAME" || suffix === "NOT"
    ? (suffix.toLowerCase() as Directive["kind"])
    : undefined;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

class Checker {
  readonly #lines: readonly string[];
  #captures: Captures = new Map();
  /** Just after the last match. */
  #at: Place = { line: 0, column: 0 };

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  run(directives: readonly Directive[]): CheckResult {
    let forbidden: Directive[] = [];
    for (const directive of directives) {
      if (directive.kind === "not") {
        forbidden.push(directive);
        continue;
      }
      const from = this.#at;
      const found = this.#search(directive);
      if (found === undefined) return this.#missing(directive, from);
      const seen = this.#findForbidden(forbidden, from, found);
      if (seen !== undefined) return seen;
      forbidden = [];
    }
    const end = { line: this.#lines.length, column: 0 };
    return this.#findForbidden(forbidden, this.#at, end) ?? { ok: true };
  }

  /** Where the directive matches; moves behind it. */
  #search({ kind, pattern }: Directive): Place | undefined {
    const first = kind === "next" ? this.#at.line + 1 : this.#at.line;
    const last = kind === "find" ? this.#lines.length - 1 : first;
    for (let line = first; line <= Math.min(last, this.#lines.length - 1); line++) {
      const start = line === this.#at.line ? this.#at.column : 0;
      const found = findPattern(pattern, this.#lines[line]!, start, this.#captures);
      if (found === undefined) continue;
      this.#captures = found.captures;
      this.#at = { line, column: found.end };
      return { line, column: found.start };
    }
    return undefined;
  }

  #findForbidden(forbidden: readonly Directive[], from: Place, to: Place): CheckResult | undefined {
    for (const { text, pattern } of forbidden)
      for (let line = from.line; line <= Math.min(to.line, this.#lines.length - 1); line++) {
        const whole = this.#lines[line]!;
        const part = line === to.line ? whole.slice(0, to.column) : whole;
        const found = findPattern(pattern, part, line === from.line ? from.column : 0, this.#captures);
        if (found !== undefined)
          return { ok: false, message: `${text}\nis found at line ${line + 1}:\n  ${whole.trim()}` };
      }
    return undefined;
  }

  #missing({ text, kind }: Directive, from: Place): CheckResult {
    const where = { find: "after", next: "on the line after", same: "on the rest of", not: "after" }[kind];
    const captured = [...this.#captures].map(([name, value]) => `  [[${name}]] is ${value}`);
    const rest = this.#lines.slice(from.line, from.line + SHOWN_LINES).map((line) => `  | ${line}`);
    const head = `${text}\nis not found ${where} line ${from.line + 1}:`;
    return { ok: false, message: [head, ...rest, ...captured].join("\n") };
  }
}

/** Lines of the text that a message shows from the last match on. */
const SHOWN_LINES = 8;
