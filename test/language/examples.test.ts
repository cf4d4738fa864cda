import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { format } from "../../src/language/format.ts";

const folder = new URL("../../examples/", import.meta.url);

test.each(readdirSync(folder).filter((name) => name.endsWith(".lmg")))(
  "examples/%s is as `lmg fmt` writes it",
  (name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    expect(format({ name, text }).text).toBe(text);
  },
);
