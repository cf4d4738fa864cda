import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { writeFile } from "../../src/checkpoint/files.ts";
import { messageOf } from "./fixtures.ts";

/** What was asked of the system, in order; `fail` is a call that it refuses. */
const system = vi.hoisted(() => ({ calls: [] as string[], fail: "" }));

vi.mock("node:fs", async (original) => {
  const actual = await original<typeof fs>();
  const paths = new Map<number, string>();
  const note = (call: string, path: string): void => {
    const told = `${call} ${path.replace(/^.*\//, "").replace(/^\.lmg-.*\.tmp$/, "temporary")}`;
    system.calls.push(told);
    if (told === system.fail) throw Object.assign(new Error(told), { code: "ENOSPC" });
  };
  const openSync: typeof fs.openSync = (path, flags, mode) => {
    note(`open ${String(flags)}`, String(path));
    const file = actual.openSync(path, flags, mode);
    paths.set(file, String(path));
    return file;
  };
  const fsyncSync: typeof fs.fsyncSync = (file) => {
    note("sync", paths.get(file)!);
    actual.fsyncSync(file);
  };
  const renameSync: typeof fs.renameSync = (from, to) => {
    note("rename", String(to));
    actual.renameSync(from, to);
  };
  return { ...actual, openSync, fsyncSync, renameSync };
});

// What nobody can guess is guessed here, so that something can stand there before.
vi.mock("node:crypto", () => ({ randomBytes: () => Buffer.from("0123456789abcdef", "hex") }));

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "lmg-write-"));
  system.calls = [];
  system.fail = "";
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const textAt = (name: string): string => fs.readFileSync(at(name), "utf8");
const temporary = `.lmg-${process.pid}-0123456789abcdef.tmp`;

describe("a file", () => {
  test("is on the disk before it has its name, and its name is on the disk before all is well", () => {
    expect(writeFile(at("out"), "new")).toBeUndefined();
    const name = folder.replace(/^.*\//, "");
    expect(system.calls).toEqual([
      "open wx temporary",
      "sync temporary",
      "rename out",
      `open r ${name}`,
      `sync ${name}`,
    ]);
  });

  test("may come in parts, each made when those before it are written", () => {
    const sizes: number[] = [];
    function* parts(): Generator<Uint8Array> {
      for (const text of ["one ", "two"]) {
        sizes.push(fs.statSync(at(temporary)).size);
        yield new TextEncoder().encode(text);
      }
    }
    expect(writeFile(at("out"), parts())).toBeUndefined();
    expect(textAt("out")).toBe("one two");
    expect(sizes).toEqual([0, 4]);
  });

  test("stays as it was where a part cannot be made, and why goes to whoever makes them", () => {
    fs.writeFileSync(at("out"), "old");
    function* parts(): Generator<Uint8Array> {
      yield Uint8Array.of(65);
      throw new RangeError("no such part");
    }
    expect(() => writeFile(at("out"), parts())).toThrow("no such part");
    expect(fs.readdirSync(folder)).toEqual(["out"]);
    expect(textAt("out")).toBe("old");
  });

  test.each(["sync temporary", "rename out"])("stays as it was if the system refuses: %s", (call) => {
    fs.writeFileSync(at("out"), "old");
    system.fail = call;
    expect(messageOf(writeFile(at("out"), "new"))).toBe(
      `E700 cannot write \`${at("out")}\`: the disk is full`,
    );
    expect([fs.readdirSync(folder), textAt("out")]).toEqual([["out"], "old"]);
  });

  test("is not written through a link that was put at its temporary name, nor over a file there", () => {
    fs.writeFileSync(at("victim"), "kept");
    fs.symlinkSync(at("victim"), at(temporary));
    const why = `E700 cannot write \`${at("out")}\`: something of that name is there already`;
    expect(messageOf(writeFile(at("out"), "new"))).toBe(why);
    expect([textAt("victim"), fs.readlinkSync(at(temporary))]).toEqual(["kept", at("victim")]);
    fs.rmSync(at(temporary));
    fs.writeFileSync(at(temporary), "another's");
    expect(messageOf(writeFile(at("out"), "new"))).toBe(why);
    expect([textAt(temporary), fs.existsSync(at("out"))]).toEqual(["another's", false]);
  });

  test("takes the place of a link: where that leads was not asked for", () => {
    fs.writeFileSync(at("victim"), "kept");
    fs.symlinkSync(at("victim"), at("out"));
    expect(writeFile(at("out"), "new")).toBeUndefined();
    expect([textAt("victim"), textAt("out"), fs.lstatSync(at("out")).isFile()]).toEqual([
      "kept",
      "new",
      true,
    ]);
  });
});

describe("what is no file is not replaced:", () => {
  test("a device, also behind a link", () => {
    fs.symlinkSync("/dev/null", at("null"));
    for (const path of ["/dev/null", at("null")]) expect(writeFile(path, "gone")).toBeUndefined();
    expect(system.calls.filter((call) => call.startsWith("rename"))).toEqual([]);
    expect(fs.statSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(fs.readlinkSync(at("null"))).toBe("/dev/null");
  });

  test("a pipe gets all bytes, also more than it holds; one that nobody reads is refused at once", async () => {
    execFileSync("mkfifo", [at("pipe")]);
    expect(messageOf(writeFile(at("pipe"), "x"))).toBe(
      `E700 cannot write \`${at("pipe")}\`: nothing stands behind it`,
    );
    const reader = spawn("sh", ["-c", `exec 3<>"${at("pipe")}"; echo ready; head -c 1000000 <&3 | wc -c`]);
    await once(reader.stdout, "data");
    expect(writeFile(at("pipe"), "x".repeat(1_000_000))).toBeUndefined();
    const [count] = (await once(reader.stdout, "data")) as [Buffer];
    expect(Number(count.toString())).toBe(1_000_000);
    expect(fs.statSync(at("pipe")).isFIFO()).toBe(true);
  });

  test("a folder and a socket are refused", async () => {
    const server = createServer().listen(at("socket"));
    await once(server, "listening");
    expect(messageOf(writeFile(at("socket"), "x"))).toBe(
      `E700 cannot write \`${at("socket")}\`: it is a socket`,
    );
    server.close();
    expect(messageOf(writeFile(folder, "x"))).toBe(`E700 cannot write \`${folder}\`: it is a folder`);
  });

  // In a process of its own, whose standard output is what the case says.
  test("standard output, wherever it leads", () => {
    const module = resolve("src/checkpoint/files.ts");
    const script = `import { writeFile } from ${JSON.stringify(module)}; process.exitCode = writeFile("/dev/stdout", "x".repeat(200_000)) === undefined ? 0 : 1;`;
    const run = (redirect: string): number | null =>
      spawnSync("sh", [
        "-c",
        `"${process.execPath}" --import tsx --input-type=module -e '${script}' ${redirect}`,
      ]).status;
    const piped = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    expect(piped.stdout.length).toBe(200_000);
    expect(fs.lstatSync("/dev/stdout").isSymbolicLink()).toBe(true);
    fs.writeFileSync(at("log"), "before ");
    expect(run(`>> "${at("log")}"`)).toBe(0);
    expect(textAt("log")).toBe(`before ${"x".repeat(200_000)}`);
    expect(run("> /dev/full")).toBe(1);
  });
});
