import { mkdirSync, symlinkSync } from "node:fs";
import { resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { inFolder, lmg, lmgReading, mistake, output, put, trainableModel } from "./harness.ts";

const blocks = "block twice { input x: [B, D]; a: linear(D) -> b: linear(D) }\n";
const using = (path: string): string => `use "${path}"\nmodel m { input x: f32[B, 4]; t: twice; output y }\n`;

inFolder({
  "blocks.lmg": blocks,
  "project/package.json": "{}",
  "project/blocks.lmg": blocks,
  "project/models/inside.lmg": using("../blocks.lmg"),
  "project/models/outside.lmg": using("../../blocks.lmg"),
  "project/models/link.lmg": using("./linked.lmg"),
  "project/models/folder.lmg": using("./up/blocks.lmg"),
  "project/models/chain.lmg": using("./between.lmg").replace("twice", "between"),
  "project/models/between.lmg": `use "../../blocks.lmg"\n${blocks.replace("twice", "between")}`,
  "project/parts/.git/HEAD": "",
  "project/parts/part.lmg": 'use "../blocks.lmg"\nblock part { input x: [B, D]; t: twice }\n',
  "project/models/nested.lmg": 'use "../parts/part.lmg"\nmodel m { input x: f32[B, 4]; p: part; output y }\n',
  "loose/models/outside.lmg": using("../blocks.lmg"),
  "loose/models/beside.lmg": using("./blocks.lmg"),
  "loose/models/blocks.lmg": blocks,
  "loose/blocks.lmg": blocks,
});

/** Links, which `put` does not make. */
beforeAll(() => {
  symlinkSync("../../blocks.lmg", "project/models/linked.lmg");
  symlinkSync("../..", "project/models/up");
  symlinkSync("../../nowhere.lmg", "project/models/dangling.lmg");
  symlinkSync("./up/nowhere/deeper.lmg", "project/models/deeper.lmg");
  symlinkSync("./dangling.lmg", "project/models/twice.lmg");
  symlinkSync("../nowhere.lmg", "project/models/empty.lmg");
  symlinkSync("./circle.lmg", "project/models/circle.lmg");
  put("project/models/absolute.lmg", using(resolve("blocks.lmg")));
  put("project/models/within.lmg", using(resolve("project/blocks.lmg")));
});

test.each(["inside", "within", "nested"])(
  "a model names files of its project, above its folder too: %s",
  async (name) => {
    expect(await output("check", `project/models/${name}.lmg`)).toContain("m is well-formed");
  },
);

const leaving = ["outside", "absolute", "link", "folder", "chain"].map(
  (name) => `project/models/${name}.lmg`,
);

describe.each([...leaving, "loose/models/outside.lmg"])("%s leaves its project", (path) => {
  test.each(["check", "edges", "stats", "ir", "plan", "fit", "probe"])(
    "`%s` refuses that",
    async (command) => {
      expect(await mistake(command, path)).toContain("error[E237]");
    },
  );

  test("unless it is told to let it", async () => {
    expect(await output("check", path, "--allow-outside")).toContain("m is well-formed");
  });
});

test.each(["dangling", "deeper", "twice"])("a link that leads out to nothing leads out: %s", async (name) => {
  put("project/models/dangling-link.lmg", using(`./${name}.lmg`));
  expect(await mistake("check", "project/models/dangling-link.lmg")).toContain("error[E237]");
});

test.each([
  ["to nothing", "empty", "error[E218]: there is no file"],
  ["in a circle", "circle", "its links lead back to itself"],
])("a link that stays in the project and leads %s is said to", async (_, name, message) => {
  put("project/models/dangling-link.lmg", using(`./${name}.lmg`));
  expect(await mistake("check", "project/models/dangling-link.lmg")).toContain(message);
});

test("the mistake is at the path, and names the file, the project and what allows it", async () => {
  const text = await mistake("check", "project/models/outside.lmg");
  expect(text.replaceAll(process.cwd(), "HERE")).toMatchInlineSnapshot(`
    "project/models/outside.lmg:1:5: error[E237]: "../../blocks.lmg" leads out of the project of the model, HERE/project
      1 | use "../../blocks.lmg"
        |     ^^^^^^^^^^^^^^^^^^
      help: keep the file in that folder; if you trust the model, --allow-outside lets it name files anywhere"
  `);
  const { notes } = await lmg("check", "loose/models/outside.lmg");
  expect(notes).toContain(`the project of the model, ${resolve("loose/models")}\n`);
});

test("whether there is a file outside is not told", async () => {
  put("project/models/guess.lmg", using("../../absent.lmg"));
  const [guess, known] = [
    await mistake("check", "project/models/guess.lmg"),
    await mistake("check", leaving[0]!),
  ];
  expect(guess.replaceAll("absent", "blocks").replaceAll("guess", "outside")).toBe(known);
});

test("a text of standard input has the current folder for its project, one with a name that of its name", async () => {
  const home = process.cwd();
  process.chdir("project/models");
  try {
    expect((await lmgReading(using("./none.lmg"), "check", "-")).notes).toContain("error[E218]");
    expect((await lmgReading(using("../blocks.lmg"), "check", "-")).notes).toContain("error[E237]");
    expect(await lmgReading(using("../blocks.lmg"), "check", "-", "--allow-outside")).toMatchObject({
      code: 0,
    });
    const named = await lmgReading(using("../blocks.lmg"), "check", "-", "--stdin-name", "new.lmg");
    expect(named).toMatchObject({ code: 0, notes: "" });
  } finally {
    process.chdir(home);
  }
});

test("what is no file, and what is none of models, is told at the path", async () => {
  mkdirSync("loose/models/folder.lmg");
  put("loose/models/bytes.lmg", new Uint8Array([0x80, 0xff]));
  put("loose/models/large.lmg", " ".repeat(2_000_001));
  for (const [path, code] of [
    ["./folder.lmg", "E218"],
    ["./bytes.lmg", "E703"],
    ["./large.lmg", "E700"],
  ] as const) {
    put("loose/models/odd.lmg", using(path));
    expect((await mistake("check", "loose/models/odd.lmg")).split("\n").slice(0, 3)).toEqual([
      expect.stringContaining(`odd.lmg:1:5: error[${code}]`),
      `  1 | use "${path}"`,
      `    |     ${"^".repeat(path.length + 2)}`,
    ]);
  }
});

test("the data that a text names stays in its project too", async () => {
  put(
    "text.txt",
    "a text to train on, long enough that its last tenth fills a window of the model. ".repeat(2),
  );
  put("project/lm.lmg", trainableModel("lm", "steps 1", 'data "../text.txt"'));
  const refused = await mistake("train", "project/lm.lmg", "-o", "project/run");
  expect(refused.replaceAll(process.cwd(), "HERE")).toMatchInlineSnapshot(`
    "project/lm.lmg:11:10: error[E762]: "../text.txt" leads out of the project of the model, HERE/project
      11 |     data "../text.txt"
         |          ^^^^^^^^^^^^^
      help: keep the file in that folder; if you trust the model, --allow-outside lets it name files anywhere"
  `);
  expect((await lmg("train", "project/lm.lmg", "-o", "project/run", "--allow-outside")).code).toBe(0);
  expect((await lmg("train", "project/lm.lmg", "-o", "project/other", "--data", "text.txt")).code).toBe(0);
});

test("a run that was allowed to goes on, and its folder can be carried away", async () => {
  const model = trainableModel("far", "steps 1").replace("unembed(wte)", "t: twice\n  unembed(wte)");
  put("loose/runs/far.lmg", `use "../models/blocks.lmg"\n${model}`);
  put("loose/models/blocks.lmg", blocks.replace("[B, D]", "[.., D]"));
  const args = ["train", "loose/runs/far.lmg", "--data", "text.txt", "-o", "far"];
  expect((await lmg(...args)).notes).toContain("error[E237]");
  expect(await lmg(...args, "--allow-outside")).toMatchObject({ code: 0 });
  expect(await lmg("train", "far", "--steps", "2")).toMatchObject({ code: 0 });
  expect(await output("check", "far")).toContain("far is well-formed");
});
