/** Lines, and lines one level deeper: emitters build text from structure, never from indentation by hand. */
export type Code = string | readonly Code[];

/** Joins nested lines; each level of nesting is one step of indentation. */
export function layoutCode(code: readonly Code[], indent = "  "): string {
  const lines: string[] = [];
  const walk = (part: Code, depth: number): void => {
    if (typeof part === "string") lines.push(part === "" ? "" : indent.repeat(depth) + part);
    else for (const inner of part) walk(inner, depth + 1);
  };
  for (const part of code) walk(part, 0);
  return lines.join("\n") + "\n";
}

/** The candidate nearest to `word`, if it is near enough to be what was meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate === word || Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replace, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

/** `a, b and c`; `a, b or c` with another last word. */
export function listWords(words: readonly string[], last = "and"): string {
  if (words.length <= 1) return words[0] ?? "";
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)!}`;
}

/**
 * A text from outside as it may be printed: what moves the cursor, colours, turns the direction of what follows, ends a
 * line, or is half a character, is written as `\\u202e`.
 */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu, escapeCharacter);

const escapeCharacter = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;

/** `1 layer`, `2 layers`; `many` where that is no s more. */
export const plural = (count: number, noun: string, many = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : many}`;

/** `1,234,567`. By hand: the first call of toLocaleString takes 40 ms. */
export const showCount = (count: number): string => count.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",");

/** `1 token`, `1,234 tokens` */
export const countOf = (count: number, noun: string): string =>
  `${showCount(count)} ${noun}${count === 1 ? "" : "s"}`;

/** `1.50 kB`, `3.20 MB`: powers of 1000. */
export const showBytes = (bytes: number): string => `${showScaled(bytes)}B`;

/** `1.23 G`: three digits and a power of 1000, for a unit to follow. */
export function showScaled(count: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let size = count;
  let prefix = 0;
  while (size >= 999.5 && prefix < prefixes.length - 1) {
    size /= 1000;
    prefix++;
  }
  return `${prefix === 0 ? String(size) : size.toPrecision(3)} ${prefixes[prefix]!}`;
}
