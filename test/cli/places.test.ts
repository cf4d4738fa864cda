import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, symlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { placesOf } from "../../src/cli/places.ts";
import { inFolder, lmg, lmgReading, mistake, output, put, tinyModel } from "./harness.ts";

const relu = (name: string): string => `model ${name} { input x: f32[B, 4]; relu; output y }\n`;
const wrong = "model wrong {\n  input x: f32[B, 4]\n  rleu\n  output y\n}\n";

inFolder({
  "tiny.lmg": tinyModel,
  "tree/b.lmg": relu("b"),
  "tree/a/z.lmg": relu("z"),
  "tree/a/B.lmg": relu("upper"),
  "tree/a.lmg": relu("a"),
  "tree/notes.txt": "no model",
  "tree/.hidden/h.lmg": relu("h"),
  "tree/.h.lmg": relu("h"),
  "tree/node_modules/n/n.lmg": relu("n"),
  "mixed/1_good.lmg": relu("good"),
  "mixed/2_wrong.lmg": wrong,
  "mixed/3_blocks.lmg": "block twice { input x: [B, D]; a: linear(D) -> b: linear(D) }\n",
  "mixed/4_uses.lmg": `use "./3_blocks.lmg"\nmodel uses { input x: f32[B, 4]; t: twice; output y }\n`,
  "empty/notes.txt": "",
  "graph.ir": "// after lower\ngraph g {\n  dim B\n}\n",
  "parts/broken.lmg": "block broken { input x: [B, D]; relu -> ; output y }\n",
  "parts/one.lmg": `use "./broken.lmg"\n${relu("one")}`,
  "parts/two.lmg": `use "./broken.lmg"\n${relu("two")}`,
});

const pathsOf = (...args: string[]): string[] => placesOf(args).places.map(({ path }) => path);

test("a folder is its .lmg files at any depth, in the order of their names", () => {
  expect(pathsOf("tree")).toEqual(["tree/a/B.lmg", "tree/a/z.lmg", "tree/a.lmg", "tree/b.lmg"]);
});

test("a file that is named twice, by itself and by its folder, is looked at once", () => {
  expect(pathsOf("tree/b.lmg", "tree", "tree/b.lmg")).toEqual([
    "tree/b.lmg",
    "tree/a/B.lmg",
    "tree/a/z.lmg",
    "tree/a.lmg",
  ]);
});

test("links to files are followed, links to folders are not: they may lead back", () => {
  mkdirSync("linked");
  symlinkSync("..", "linked/up");
  symlinkSync("../tiny.lmg", "linked/tiny.lmg");
  symlinkSync("../none.lmg", "linked/none.lmg");
  expect(pathsOf("linked")).toEqual(["linked/tiny.lmg"]);
});

test("a folder within a folder that holds a run stands for its model", async () => {
  put("work/runs/r/run.json", JSON.stringify({ path: "model/r.lmg", model: "r", set: { depth: "2" } }));
  put(
    "work/runs/r/model/r.lmg",
    "model r(depth: int) { input x: f32[B, 4]; repeat depth { linear(4) }; output y }\n",
  );
  expect(await output("check", "work")).toContain("40 parameters in 4 tensors");
});

test("a folder without a model is a mistake, and says what was left out", async () => {
  expect(await mistake("check", "empty")).toBe(
    "error[E823]: `empty` has no .lmg file\n  help: folders called node_modules, and those whose name begins with a dot, are left out",
  );
});

test("`check` of a folder tells of each file and ends with the worst", async () => {
  const { code, text, notes } = await lmg("check", "mixed");
  expect(code).toBe(1);
  expect(text.match(/^mixed\S+: .*$/gm)).toEqual([
    "mixed/1_good.lmg: good is well-formed",
    "mixed/3_blocks.lmg: 1 block and no model; a block is checked where a model calls it",
    "mixed/4_uses.lmg: uses is well-formed",
  ]);
  expect(text).toMatch(/\n4 files, 2 well-formed models: 1 file with errors\n$/);
  expect(notes).toContain("mixed/2_wrong.lmg:3:3: error[E202]");
  expect((await lmg("check", "mixed/1_good.lmg", "mixed/4_uses.lmg")).code).toBe(0);
});

test("what is wrong with a file that several use is told once, and fails each of them", async () => {
  const { code, text, notes } = await lmg("check", "parts");
  expect(code).toBe(1);
  expect(notes.match(/error\[/g)).toHaveLength(1);
  expect(text).toBe("3 files, 0 well-formed models: 3 files with errors\n");
});

test("a file that cannot be read does not keep the others from being checked", async () => {
  const { code, text, notes } = await lmg("check", "none.lmg", "tiny.lmg");
  expect([code, text.includes("tiny is well-formed")]).toEqual([1, true]);
  expect(notes).toContain("cannot read `none.lmg`");
});

test.each(["check", "fmt", "edges", "stats", "ir", "plan", "fit"])(
  "`%s` reads standard input as it reads a file",
  async (command) => {
    const named = await output(command, "tiny.lmg");
    const read = await lmgReading(tinyModel, command, "-", "--stdin-name", "tiny.lmg");
    expect(read).toEqual({ code: 0, text: named, notes: "" });
  },
);

test("what comes from standard input has a name in messages, and finds what it uses beside that name", async () => {
  expect((await lmgReading(wrong, "check", "-")).notes).toContain("<stdin>:3:3: error[E202]");
  const uses = `use "./3_blocks.lmg"\nmodel uses { input x: f32[B, 4]; t: twice; output y }\n`;
  expect((await lmgReading(uses, "check", "-", "--stdin-name", "mixed/new.lmg")).text).toContain(
    "mixed/new.lmg: uses is well-formed",
  );
  expect((await lmgReading(uses, "check", "-")).code).toBe(1);
});

test("a stream that does not end is no model", async () => {
  const { code, notes } = await lmgReading("//".repeat(1_100_000), "check", "-");
  expect([code, notes]).toEqual([1, expect.stringContaining("error[E824]")]);
});

test("a pipe that is named, and `-` where a file is needed, are told what to do", async () => {
  execFileSync("mkfifo", ["pipe.lmg"]);
  expect(await mistake("check", "pipe.lmg")).toBe(
    "error[E700]: cannot read `pipe.lmg`: it is a pipe (FIFO)\n" +
      "  help: name a regular file: write what comes through it to one first; or let it be standard input, and name `-`",
  );
  for (const command of ["train", "probe"])
    expect(await mistake(command, "-")).toBe(
      "error[E700]: cannot read `-`: `lmg train` and `lmg probe` read a model from a file, to which they come back\n" +
        "  help: write the text to a .lmg file first; other commands take `-` for standard input",
    );
});

test("an output may be a device", async () => {
  expect((await lmg("run", "tiny.lmg", "--random", "0", "--tokens", "1", "--logits", "/dev/null")).code).toBe(
    0,
  );
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
});

test.each([
  ["edges", "0 residual edges, 0 with the add fused\n"],
  ["stats", " not fused\n"],
  ["ir", "graph upper {"],
  ["plan", "of weights, 0 B prepared at load\n"],
  ["fit", "fits every WebGPU device"],
])("`%s` of a folder tells of each model under its path", async (command, part) => {
  const { code, text, notes } = await lmg(command, "tree");
  expect(code).toBe(0);
  expect(text.match(/^(\/\/ )?tree\S+\.lmg$/gm)?.map((line) => line.replace("// ", ""))).toEqual(
    pathsOf("tree"),
  );
  expect(text.split(part)).toHaveLength(command === "ir" ? 2 : 5);
  expect(notes).toBe("4 models, 0 with mistakes\n");
  const list = JSON.parse(await output(command, "tree", "--json")) as { path: string; result: unknown }[];
  expect(list.map(({ path }) => path)).toEqual(pathsOf("tree"));
  const alone = JSON.parse(await output(command, "tree/b.lmg", "--json")) as unknown;
  expect(list.at(-1)!.result).toEqual(alone);
});

test("a mistake in one model is told among the others, blocks of a folder are passed over", async () => {
  const { code, text, notes } = await lmg("edges", "mixed", "--json");
  expect(code).toBe(1);
  const list = JSON.parse(text) as { path: string; result?: object; diagnostics?: { code: string }[] }[];
  expect(list.map(({ path, diagnostics }) => [path, diagnostics?.map((one) => one.code)])).toEqual([
    ["mixed/1_good.lmg", undefined],
    ["mixed/2_wrong.lmg", ["E202"]],
    ["mixed/4_uses.lmg", undefined],
  ]);
  expect(notes).toContain("error[E202]");
  expect((await lmg("edges", "mixed")).notes).toMatch(/3 models, 1 with mistakes\n$/);
});

test("IR is told from a model, and what to do with it", async () => {
  expect(await mistake("check", "graph.ir")).toBe(
    "error[E825]: `graph.ir` is a graph in lmg's IR, not a model\n" +
      "  help: name the .lmg file that it was made of; a program reads IR with `readGraph` of the library",
  );
});

test("`fmt` formats a folder, leaves out what has mistakes, and does not write standard input back", async () => {
  put("ragged/one.lmg", "model one {input x: f32[B,4]\nrelu}\n");
  put("ragged/sub/two.lmg", "model two {input x: f32[B,4]\nrelu}\n");
  put("ragged/wrong.lmg", "model wrong {input x: f32[B,4]\nrelu -> }\n");
  const checked = await lmg("fmt", "--check", "ragged");
  expect(checked.code).toBe(1);
  expect(checked.text.match(/^--- .*$/gm)).toEqual([
    "--- ragged/one.lmg\tas it is",
    "--- ragged/sub/two.lmg\tas it is",
  ]);
  expect(checked.notes).toContain("ragged/wrong.lmg:2:");
  const { code, text, notes } = await lmg("fmt", "--write", "ragged");
  expect([code, text]).toEqual([1, "formatted ragged/one.lmg\nformatted ragged/sub/two.lmg\n"]);
  expect(notes).toContain("ragged/wrong.lmg:2:");
  expect(await output("fmt", "ragged/one.lmg")).toBe("model one {\n  input x: f32[B, 4]\n  relu\n}\n");
  expect((await lmgReading("model m {\n}\n", "fmt", "--write", "-")).notes).toContain("error[E826]");
});
