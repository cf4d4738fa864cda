import { describe, expect, test } from "vitest";
import { format } from "../../src/language/format.ts";
import { isFailure, match } from "../../src/language/grammar.ts";
import { layOut } from "../../src/language/layout.ts";
import { parse } from "../../src/language/parse.ts";
import { spanText } from "../../src/support/source.ts";
import { meaning, mistakesIn, programs } from "./support.ts";

describe.each(programs)("%s", (name, text) => {
  test("parses without a remark", () => {
    expect(mistakesIn(text)).toBe("");
  });

  test("is matched by the grammar as a whole, as it is statement by statement", () => {
    expect(isFailure(match(layOut({ name, text }).text, "File"))).toBe(false);
  });

  test("means the same when formatted, keeps its comments, and is formatted once for all", () => {
    const before = parse({ name, text }).file;
    const formatted = format({ name, text }).text;
    const after = parse({ name, text: formatted }).file;
    expect(meaning(after)).toBe(meaning(before));
    expect(after.comments.map((comment) => spanText(comment.span).trim())).toEqual(
      before.comments.map((comment) => spanText(comment.span).trim()),
    );
    expect(format({ name, text: formatted }).text).toBe(formatted);
  });

  test("has no line over 100 columns when formatted, comments and single words aside", () => {
    const long = format({ name, text })
      .text.split("\n")
      .filter((line) => line.replace(/\/\/.*/, "").length > 100);
    expect(long).toEqual([]);
  });
});
