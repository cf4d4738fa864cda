import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFolder } from "../../src/checkpoint/files/folders.ts";
import { readJsonFile } from "../../src/checkpoint/files/json.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { readBytes, readText } from "../../src/checkpoint/files/read.ts";
import { parseJsonObject } from "../../src/checkpoint/json.ts";
import { places } from "../../src/checkpoint/places.ts";
import { expectValue, messageOf } from "./fixtures.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lmg-special-"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  symlinkSync(join(folder, "pipe"), join(folder, "link"));
  symlinkSync("/dev/zero", join(folder, "zero"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const help = " | name a regular file: write what comes through it to one first";

// A reader that opened one of these would wait for ever, or fill the memory.
describe("what is no regular file is refused at once", () => {
  const readers: readonly (readonly [string, (path: string) => unknown])[] = [
    ["bytes", (path) => readBytes(path, places.data)],
    ["texts", (path) => readText(path, places.text)],
    ["JSON", (path) => readJsonFile(path)],
    ["weights", openCheckpoint],
  ];
  test.each(readers)("by who reads %s", (_what, read) => {
    const refusals: readonly (readonly [string, string])[] = [
      [join(folder, "pipe"), `it is a pipe (FIFO)${help}`],
      [join(folder, "link"), `it is a pipe (FIFO)${help}`],
      [join(folder, "zero"), `it is a device${help}`],
      ["/dev/null", `it is a device${help}`],
    ];
    for (const [path, why] of refusals)
      expect(messageOf(read(path))).toBe(`E700 cannot read \`${path}\`: ${why}`);
  });

  test("a socket and a folder too", async () => {
    const path = join(folder, "socket");
    const server = createServer().listen(path);
    await once(server, "listening");
    expect(messageOf(readBytes(path, places.data))).toBe(
      `E700 cannot read \`${path}\`: it is a socket${help}`,
    );
    server.close();
    expect(messageOf(readBytes(folder, places.data))).toBe(`E700 cannot read \`${folder}\`: it is a folder`);
  });

  test("also as a file of a checkpoint's folder, and as a shard that an index names", () => {
    const checkpoint = join(folder, "checkpoint");
    mkdirSync(checkpoint);
    symlinkSync(join(folder, "pipe"), join(checkpoint, "one.safetensors"));
    writeFileSync(
      join(checkpoint, "model.safetensors.index.json"),
      '{"weight_map": {"a": "one.safetensors"}}',
    );
    expect(messageOf(openCheckpoint(checkpoint))).toContain("one.safetensors`: it is a pipe (FIFO)");
  });
});

describe("a file that is too large is refused unread", () => {
  test("by its size", () => {
    const path = join(folder, "sparse");
    writeFileSync(path, "");
    truncateSync(path, 10_000_000_000);
    const limits = [places.model, places.json, places.tokenizer, places.text, places.data];
    expect(limits.map((limit) => messageOf(readBytes(path, limit)))).toStrictEqual([
      `E700 cannot read \`${path}\`: it has 10.0 GB; a model file has at most 2.00 MB`,
      `E700 cannot read \`${path}\`: it has 10.0 GB; such a JSON file has at most 16.0 MB`,
      `E700 cannot read \`${path}\`: it has 10.0 GB; a tokenizer.json has at most 128 MB`,
      `E700 cannot read \`${path}\`: it has 10.0 GB; a text that is read whole has at most 537 MB`,
      `E700 cannot read \`${path}\`: it has 10.0 GB; a file that is read whole has at most 4.29 GB`,
    ]);
  });

  test("and at the limit it is read", () => {
    const path = join(folder, "limit");
    writeFileSync(path, "12345678");
    expect(readText(path, { ...places.model, what: "x", bytes: 8 })).toBe("12345678");
    expect(messageOf(readText(path, { ...places.model, what: "x", bytes: 7 }))).toContain(
      "it has 8 B; x has at most 7 B",
    );
  });

  // Files of the system say that they have no bytes.
  test("also one that has more than it says", () => {
    expect(readText("/proc/self/comm", places.model)).toMatch(/\n$/);
    expect(messageOf(readBytes("/proc/self/comm", { ...places.model, what: "x", bytes: 1 }))).toMatch(
      /: it has \d+ B; x has at most 1 B$/,
    );
  });
});

describe("JSON that takes far more memory than it has bytes is refused", () => {
  test("if it nests deep", () => {
    const nested = (depth: number): string => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
    expect(messageOf(parseJsonObject(nested(101), "f"))).toBe(
      "E703 f: the JSON nests more than 100 levels deep",
    );
    expect(Object.keys(expectValue(parseJsonObject(nested(100), "f")))).toStrictEqual(["a"]);
    expect(messageOf(parseJsonObject(nested(10_000_000), "f"))).toContain("nests more than 100 levels");
  });

  test("if it has very many values", () => {
    expect(messageOf(parseJsonObject(`{"a":[${"[],".repeat(2_000_000)}[]]}`, "f"))).toBe(
      "E703 f: the JSON has more than 4,000,000 values",
    );
  });

  test("but brackets and commas in a text do not count", () => {
    const text = `${"[{,".repeat(2_000_000)}\\"[`;
    expect(Object.keys(expectValue(parseJsonObject(`{"a":"${text}"}`, "f")))).toStrictEqual(["a"]);
  });
});

describe("a folder", () => {
  test("is made with those above it, and may be there already", () => {
    const path = join(folder, "a", "b", "c");
    expect(makeFolder(path)).toBeUndefined();
    writeFileSync(join(path, "file"), "");
    expect(makeFolder(path)).toBeUndefined();
    expect(messageOf(makeFolder(join(path, "file")))).toBe(
      `E700 cannot write \`${join(path, "file")}\`: it is a file`,
    );
    expect(messageOf(makeFolder(join(path, "file", "d")))).toContain("a part of the path is not a folder");
  });

  // Node's own recursive mkdir waits for ever there.
  test("that the system does not let be made is refused", () => {
    for (const path of ["/proc/none", "/proc/none/below", "/proc/self/none"])
      expect(messageOf(makeFolder(path))).toBe(
        `E700 cannot write \`${path}\`: there is no such file or folder`,
      );
  });

  test("behind a link that leads nowhere is refused", () => {
    symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
    expect(messageOf(makeFolder(join(folder, "dangling")))).toContain(
      "something of that name is there already",
    );
  });
});
