import { describe, expect, test } from "vitest";
import { patternOf, type Pattern } from "../../src/text/huggingface/pattern.ts";
import { partsOf } from "../../src/text/huggingface/pieces.ts";
import { compileRegex } from "../../src/text/huggingface/regex.ts";
import { Unreadable } from "../../src/text/huggingface/section.ts";
import { Random } from "../fuzz/random.ts";
import { leastProcessorTime } from "../support/processor-time.ts";

const compiled = (pattern: string): Pattern => compileRegex(pattern, "pattern");

describe("a search takes time that grows with the text, whatever the pattern", () => {
  test.each([
    ["a repetition in a repetition", "(a+)+$", "a"],
    ["two ways to take the same", "(?:a|a)+$", "a"],
    ["two ways to cut the same", "(?:a|aa)+$", "a"],
    ["repetitions side by side", "a*a*a*a*$", "a"],
    ["a repetition from each place", "a+$", "a"],
    ["a lazy one", "a+?$", "a"],
    ["one that gives nothing back", "a++$", "a"],
    ["one that is atomic", "(?>a+)ab", "a"],
    ["one that fails as often as another part matches", "[^x]*x|a", "a"],
    ["repetitions of two characters", "(?:(?:ab)+)+$", "ab"],
    ["repetitions of pairs of UTF-16", "(?:🐋+)+$", "🐋"],
    ["a counted repetition in another", "(?:(?:a{1,9}){1,9})$", "a"],
    ["a long choice of the same", `${"(?:a|a)".repeat(30)}$`, "a"],
    ["looking ahead in many ways", `(?=${"(?:a|a)".repeat(10)}z)a`, "a"],
  ])("%s", { timeout: 0 }, (_, pattern, unit) => {
    const search = compiled(pattern);
    const run = (length: number) => () => partsOf(`${unit.repeat(length)}b`, search);
    run(1000)();
    const ratio = leastProcessorTime(run(64_000)) / leastProcessorTime(run(8000));
    expect(ratio).toBeLessThan(24);
  });

  test.each([
    ["looks ahead without end", "a(?=.*b)", "what looks around or gives nothing back repeats without end"],
    ["is atomic without end", "(?>(?:ab)+)", "what looks around or gives nothing back repeats without end"],
    ["counts in counts", "(?:(?:a{1,99}){1,99}){1,99}", "it has more than 600 steps"],
    ["looks far", `(?!${"ab".repeat(50)})`, "what looks around or gives nothing back has more than 64 steps"],
  ])("a pattern that %s is refused", (_, pattern, why) => {
    expect(() => compiled(pattern)).toThrow(Unreadable);
    expect(() => compiled(pattern)).toThrow(why);
  });
});

/** A pattern that JavaScript and Oniguruma read alike; without the flag v, with which V8 of Node 20 misses matches. */
function randomPattern(random: Random, depth: number): string {
  const inner = (): string => randomPattern(random, depth - 1);
  const leaves = [
    "a",
    "b",
    "[ab]",
    "c",
    "\\s",
    "[^a]",
    "^",
    "(?=a)",
    "(?!\\S)",
    "(?<=a)",
    "(?<!b)",
    "(?!ab)",
  ];
  switch (depth === 0 ? 0 : random.below(6)) {
    case 1:
      return `(?:${inner()}|${inner()})`;
    case 2:
      return `(?:${inner()}c)${random.pick(["*", "+", "?", "{2}", "{1,2}", "{2,}", "*?", "+?", "??", "{1,3}?"])}`;
    case 3:
    case 4:
      return inner() + inner();
    case 5:
      return `${random.pick(["a", "b", "[ab]", "[^a]"])}${random.pick(["*", "+", "?", "*?", "{0,2}"])}`;
    default:
      return random.pick(leaves);
  }
}

describe("random patterns", () => {
  // Never matches, but takes long over the beginning of the text, after which the search remembers what failed.
  const slow = "(?:(?:a|a)+)+z|";

  test.each([
    ["as they are", ""],
    ["behind what took long", slow],
  ])("cut texts as JavaScript does, %s", (_, before) => {
    let compared = 0;
    for (let index = 0; index < 1500; index++) {
      const random = new Random(7, index);
      const pattern = randomPattern(random, 4);
      const rest = Array.from({ length: random.below(16) }, () => random.pick(["a", "a", "b", "c", " "]));
      const text = `${"a".repeat(24)} ${rest.join("")}`;
      const parts = partsOf(text, compiled(before + pattern));
      expect(parts, `${pattern} in ${text}`).toEqual(partsOf(text, patternOf(new RegExp(pattern, "g"))));
      compared += parts.filter(({ isMatch }) => isMatch).length;
    }
    expect(compared).toBeGreaterThan(5000);
  });
});

test("an empty match is a place between characters, not within one", () => {
  expect(
    partsOf("a🐋b", compiled(""))
      .filter(({ isMatch }) => isMatch)
      .map(({ start }) => start),
  ).toEqual([0, 1, 3, 4]);
});
