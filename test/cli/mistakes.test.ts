import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import type { Out } from "../../src/cli/out.ts";
import { plainPaint } from "../../src/support/diagnostic.ts";
import { runProgram } from "../../src/cli/program.ts";
import { inFolder, lmg, mistake, tinyModel } from "./harness.ts";

inFolder({
  "tiny.lmg": tinyModel,
  "latin1.lmg": Uint8Array.of(0x6d, 0xe9),
  "utf16.lmg": Uint8Array.of(0xff, 0xfe, 0x6d, 0),
  "list.json": "[1]",
});

describe("a mistake of the user ends with 1 and a message", () => {
  test.each([
    [
      ["chekc", "tiny.lmg"],
      "error: unknown command 'chekc'\n(Did you mean check?)\n(`lmg --help` lists the commands)",
    ],
    [
      ["check", "tiny.lmg", "--sett", "a=1"],
      "error: unknown option '--sett'\n(Did you mean --set?)\n(`lmg check --help` explains it)",
    ],
    [["check"], "error: missing required argument 'models'\n(`lmg check --help` explains it)"],
    [["check", "none.lmg"], "error[E700]: cannot read `none.lmg`: there is no such file or folder"],
    [
      ["compile", "."],
      "error[E700]: `.` is a folder without run.json and config.json: it holds neither a run nor a checkpoint\n  help: name a .lmg file, a folder that `lmg train` wrote, or a published checkpoint",
    ],
    [
      ["train", "."],
      "error[E700]: `.` is a folder without run.json: it holds no run to go on with\n  help: name a .lmg file, or a folder that `lmg train` wrote",
    ],
    [
      ["study", "."],
      "error[E700]: `.` is a folder without study.json: it holds no study\n  help: name a .lmg file, or a folder that `lmg study` wrote",
    ],
    [
      ["study", "tiny.lmg", "--seeds", "--data", "text.txt"],
      "error: option '--seeds <count>' argument '--data' is invalid. --data is an option: the value is missing.\n(`lmg study --help` explains it)",
    ],
    [["runs", "none"], "error[E700]: cannot read `none`: there is no such file or folder"],
    [
      ["export", ".", "--to", "csv"],
      "error[E700]: `.` holds no run\n  help: name a folder that `lmg train` or `lmg study` wrote, or one that has such folders",
    ],
    [
      ["study", "tiny.lmg", "--set", "depth=1,,2"],
      "error[E860]: --set expects values between commas, found `depth=1,,2`\n  help: for example --set depth=a,b",
    ],
    [["study", "tiny.lmg", "--set", "depth=1,2,1"], "error[E860]: --set depth gives `1` twice"],
    [
      ["study", "tiny.lmg", "--lr", "1e-3:1e-2"],
      "error[E804]: --lr expects A:B:N or a,b,c, found `1e-3:1e-2`\n  help: for example --lr 3e-4:3e-2:5",
    ],
    [["study", "tiny.lmg", "--lr", "1e-3,0"], "error[E804]: --lr expects rates above 0, found `0`"],
    [
      ["study", "tiny.lmg", "--lr", "1e-2:1e-3:3"],
      "error[E804]: --lr A:B:N expects A below B, found `1e-2:1e-3:3`",
    ],
    [
      ["study", "tiny.lmg", "--worker"],
      "error[E804]: --worker is for the folder of a study\n  help: leave it out",
    ],
    [
      ["study", "tiny.lmg", "--share", "1/2"],
      "error[E804]: --share is for the folder of a study\n  help: leave it out",
    ],
    [
      ["check", "latin1.lmg"],
      "error[E703]: latin1.lmg: the text is not valid UTF-8: byte 1, in line 1, is e9",
    ],
    [
      ["check", "utf16.lmg"],
      "error[E703]: utf16.lmg: the text is not valid UTF-8: byte 0, in line 1, is ff\n  help: it begins as UTF-16 does, which is what `>` of PowerShell writes: save it as UTF-8",
    ],
    [
      ["check", "tiny.lmg", "--set", "depth"],
      "error[E801]: --set expects name=value, found `depth`\n  help: for example --set depth=2",
    ],
    [
      ["check", "tiny.lmg", "--config", "none.json"],
      "error[E700]: cannot read `none.json`: there is no such file or folder",
    ],
    [
      ["check", "tiny.lmg", "--config", "list.json"],
      "error[E703]: list.json: expected a JSON object, found a list",
    ],
    [
      ["ir", "tiny.lmg", "--after", "fuse-addnorm"],
      "error[E807]: there is no pass `fuse-addnorm` in this run\n  help: did you mean fuse-add-norm?",
    ],
    [
      ["compile", "tiny.lmg", "--f16"],
      "error[E822]: --f16 is for shaders, and there are none here\n  help: give --target wgsl too",
    ],
    [
      ["plan", "tiny.lmg", "--f16-arithmetic", "--subgroups"],
      "error[E822]: --f16-arithmetic and --subgroups are for shaders, and there are none here\n  help: give --target wgsl too",
    ],
    [
      ["run", "tiny.lmg", "--random", "0", "--tokens", "1", "--dawn", "backend=vulkan"],
      "error[E822]: --dawn is for shaders, and there are none here\n  help: give --target wgsl too",
    ],
    [
      ["compare", "tiny.lmg", "--targets", "ts", "--f16"],
      "error[E822]: --f16 is for shaders, and there are none here\n  help: let --targets name wgsl",
    ],
    [
      ["fit", "tiny.lmg", "--dawn", "backend=vulkan"],
      "error[E822]: --dawn chooses an adapter, and none is asked\n  help: give --limits adapter too",
    ],
    [
      ["ops", "layernrom"],
      "error[E806]: there is nothing called `layernrom`\n  help: did you mean `layernorm`?",
    ],
    [
      ["compile", "tiny.lmg", "--target", "wgls"],
      "error: option '--target <target>' argument 'wgls' is invalid. Allowed choices are ts, js, wgsl, wgsl-js, torch, jax, transformers, keras, onnx.\n(`lmg compile --help` explains it)",
    ],
  ])("lmg %j", async (args, message) => {
    expect(await mistake(...args)).toBe(message);
  });

  test.each([
    [["plan", "tiny.lmg", "--dims", "T=7"], "error[E802]: T is at most 6 in this model, found T=7"],
    [
      ["stats", "tiny.lmg", "--dims", "S=1"],
      "error[E802]: the model has no run-time dim `S`; it has B, T\n  help: did you mean B?",
    ],
    [
      ["stats", "tiny.lmg", "--depth", "0"],
      "error[E804]: --depth expects a whole number from 1 to 100, found `0`",
    ],
  ])("lmg %j", async (args, message) => {
    expect(await mistake(...args)).toBe(message);
  });

  test("an unknown model is answered with those of the file", async () => {
    expect(await mistake("check", "tiny.lmg", "--model", "tinny")).toMatchInlineSnapshot(`
      "tiny.lmg:1:1: error[E226]: the file has no model called \`tinny\`
        1 | model tiny(vocab = 11, dim = 8, depth = 2, ctx = 6) {
          | ^
        help: did you mean \`tiny\`?"
    `);
  });

  test("an unknown parameter is answered with the nearest", async () => {
    expect(await mistake("check", "tiny.lmg", "--set", "dept=2")).toMatchInlineSnapshot(`
      "--set dept:1:1: error[E541]: the model \`tiny\` has no parameter called \`dept\`
        1 | 2
          | ^
        help: did you mean \`depth\`?"
    `);
  });

  test("a value of another kind is answered with what was expected", async () => {
    expect(await mistake("check", "tiny.lmg", "--set", "depth=two")).toMatchInlineSnapshot(`
      "--set depth:1:1: error[E201]: there is no value called \`two\`
        1 | two
          | ^^^"
    `);
  });
});

test("no arguments print the commands; --help of each has examples; both end as help does", async () => {
  const help = await lmg("--help");
  expect(help.code).toBe(0);
  for (const name of Object.keys(commands)) {
    expect(help.text).toMatch(new RegExp(`^  ${name} `, "m"));
    const { code, text } = await lmg(name, "--help");
    expect([name, code]).toStrictEqual([name, 0]);
    expect(text).toMatch(/\nExamples:\n {2}lmg /);
    expect((await lmg("help", name)).text).toBe(text);
  }
  expect((await lmg()).notes).toBe(help.text);
  expect((await lmg()).code).toBe(1);
  for (const option of ["--version", "-V"]) expect((await lmg(option)).text).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("a bug of ours ends with 2 and one line, the stack only on request", async () => {
  const notes: string[] = [];
  const broken: Out = {
    write: () => {
      throw new TypeError("broken pipe of ours");
    },
    note: (text) => void notes.push(text),
    input: () => Promise.resolve(new Uint8Array()),
    lines: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: "" }) }),
    }),
    paint: plainPaint,
    notePaint: plainPaint,
  };
  const run = () => runProgram(["check", "tiny.lmg"], broken);
  expect(await run()).toBe(2);
  expect(notes.join("")).toBe(
    "lmg: TypeError: broken pipe of ours\nthis is a bug in lmg, please report it\n",
  );
  process.env["LMG_DEBUG"] = "1";
  expect(await run()).toBe(2);
  delete process.env["LMG_DEBUG"];
  expect(notes.at(-1)).toMatch(/^TypeError: broken pipe of ours\n {4}at /);
});
