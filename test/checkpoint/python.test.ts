import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/checkpoint/config.ts";
import { Problem } from "../../src/checkpoint/problem.ts";

const read = (text: string): unknown => {
  const config = readConfig(new TextEncoder().encode(text), "config.json");
  return config instanceof Problem ? config.message : config;
};

describe("a config that Python's json wrote", () => {
  test("may hold NaN and the infinities, wherever a value stands", () => {
    expect(read('{"a": NaN, "b": [Infinity,-Infinity, NaN], "c": {"d": -Infinity}, "e": 1}')).toEqual({
      a: NaN,
      b: [Infinity, -Infinity, NaN],
      c: { d: -Infinity },
      e: 1,
    });
  });

  test("keeps texts that have these words, or what stands for NaN meanwhile, and keys of that name", () => {
    expect(read(String.raw`{"NaN": "NaN", "x": "NaNN", "y": "a \" Infinity", "z": NaN}`)).toEqual({
      NaN: "NaN",
      x: "NaNN",
      y: 'a " Infinity',
      z: NaN,
    });
    expect(Object.keys(read('{"__proto__": NaN}') as object)).toEqual(["__proto__"]);
  });

  test("is no JSON where they stand elsewhere, or are cut or joined to something", () => {
    for (const text of [
      "{NaN: 1}",
      '{"a": Infinit}',
      '{"a": NaNN}',
      '{"a": +Infinity}',
      '{"a": 1Infinity}',
      '{"a": "NaN}',
    ])
      expect(read(text)).toMatch(/^config\.json: the text is not valid JSON/);
    expect(read('{"a": NaN, "a": 1}')).toBe("config.json: the key `a` stands twice in one object");
  });
});
