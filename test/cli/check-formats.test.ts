import { expect, test } from "vitest";
import { inFolder, lmg, output } from "./harness.ts";

inFolder({
  "wrong.lmg": `model wrong(dim = 8, depht = 4) {
  input x: f32[B, T, dim]
  repeat depth as h { residual pre ln: layernorm { mlp: ffn(16) } }
  output y: f32[B, T, 2 * dim]
}
`,
  "warned, 50% \u00e9/m:1.lmg": `model warned {
  input x: f32[B, 8]
  repeat 4 as h {
    residual pre ln: layernorm { mlp: ffn(16) }
  }
  output y
}
`,
  "fine.lmg": "model fine { input x: f32[B, 8]; relu; output y }\n",
});

interface Record {
  path: string | null;
  span: { start: { line: number; column: number; offset: number }; end: object } | null;
  severity: string;
  code: string;
  message: string;
  labels: { path: string; span: object; text: string | null }[];
  help: string | null;
  fix: { path: string; span: object; text: string }[];
}

interface Answer {
  models: { path: string; model: string }[];
  diagnostics: Record[];
}

test("JSON has errors and warnings as records, and what is well-formed, also when there are errors", async () => {
  const { code, text, notes } = await lmg("check", ".", "--format", "json");
  expect([code, notes]).toEqual([1, ""]);
  const { models, diagnostics } = JSON.parse(text) as Answer;
  expect(models.map(({ model }) => model)).toEqual(["fine", "warned"]);
  expect(diagnostics.map(({ path, severity, code: which }) => [path, severity, which])).toEqual([
    ["warned, 50% \u00e9/m:1.lmg", "warning", "W301"],
    ["wrong.lmg", "error", "E201"],
  ]);
  expect(diagnostics[1]).toStrictEqual({
    path: "wrong.lmg",
    span: { start: { line: 3, column: 10, offset: 69 }, end: { line: 3, column: 15, offset: 74 } },
    severity: "error",
    code: "E201",
    message: "there is no value called `depth`",
    labels: [
      {
        path: "wrong.lmg",
        span: { start: { line: 3, column: 10, offset: 69 }, end: { line: 3, column: 15, offset: 74 } },
        text: null,
      },
    ],
    help: "did you mean `depht`?",
    fix: [
      {
        path: "wrong.lmg",
        span: { start: { line: 3, column: 10, offset: 69 }, end: { line: 3, column: 15, offset: 74 } },
        text: "depht",
      },
    ],
  });
  expect((await lmg("check", ".", "--json")).text).toBe(text);
});

test("a warning alone is no failure, in any format", async () => {
  for (const format of ["json", "sarif", "github"])
    expect((await lmg("check", "warned, 50% \u00e9", "--format", format)).code).toBe(0);
});

test("GitHub's annotations have one line each, with its escapes", async () => {
  const { code, text, notes } = await lmg("check", ".", "--format", "github");
  expect([code, notes]).toEqual([1, ""]);
  expect(text).toBe(
    "::warning file=warned%2C 50%25 \u00e9/m%3A1.lmg,line=4,endLine=4,col=5,endColumn=48,title=W301::" +
      "4 edges add to this stream, and no norm stands between them and the output `y`%0A" +
      "the last of them%0A" +
      "warned, 50%25 \u00e9/m:1.lmg:6:3: the output%0A" +
      "help: their sum grows with the depth: end the stack with a norm, `norm: layernorm`; or say `allow no_final_norm`\n" +
      "::error file=wrong.lmg,line=3,endLine=3,col=10,endColumn=15,title=E201::" +
      "there is no value called `depth`%0Ahelp: did you mean `depht`?\n",
  );
  expect((await lmg("check", "none.lmg", "--format", "github")).text).toBe(
    "::error file=none.lmg,title=E700::cannot read `none.lmg`: there is no such file or folder\n",
  );
  expect(await output("check", "fine.lmg", "--format", "github")).toBe("");
});

test("SARIF has what its version 2.1.0 requires, with regions, related places and fixes", async () => {
  const { code, text, notes } = await lmg("check", ".", "none.lmg", "--format", "sarif");
  expect([code, notes]).toEqual([1, ""]);
  const log = JSON.parse(text) as { version: string; runs: [{ results: object[]; tool: object }] };
  expect(log.version).toBe("2.1.0");
  const [{ tool, results }] = log.runs;
  expect(tool).toEqual({
    driver: {
      name: "lmg",
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      rules: [{ id: "E201" }, { id: "E700" }, { id: "W301" }],
    },
  });
  expect(results.map((result) => (result as { ruleId: string }).ruleId)).toEqual(["W301", "E201", "E700"]);
  expect(results[0]).toMatchObject({
    ruleIndex: 2,
    level: "warning",
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: "warned%2C%2050%25%20%C3%A9/m%3A1.lmg" },
          region: { startLine: 4, startColumn: 5, endLine: 4, endColumn: 48 },
        },
        message: { text: "the last of them" },
      },
    ],
    relatedLocations: [{ id: 1, message: { text: "the output" } }],
  });
  const region = { startLine: 3, startColumn: 10, endLine: 3, endColumn: 15, charOffset: 69, charLength: 5 };
  expect(results[1]).toStrictEqual({
    ruleId: "E201",
    ruleIndex: 0,
    level: "error",
    message: { text: "there is no value called `depth`\nhelp: did you mean `depht`?" },
    locations: [{ physicalLocation: { artifactLocation: { uri: "wrong.lmg" }, region } }],
    fixes: [
      {
        artifactChanges: [
          {
            artifactLocation: { uri: "wrong.lmg" },
            replacements: [{ deletedRegion: region, insertedContent: { text: "depht" } }],
          },
        ],
      },
    ],
  });
  expect(results[2]).toMatchObject({
    locations: [{ physicalLocation: { artifactLocation: { uri: "none.lmg" } } }],
  });
});

test.each([
  [["edges", "wrong.lmg", "--json"], ["E201"]],
  [["stats", "none.lmg", "--json"], ["E700"]],
  [["run", "fine.lmg", "--random", "x", "--json"], ["E804"]],
  [["compile", "wrong.lmg", "--json", "-o", "out"], ["E201"]],
  [["plan", "fine.lmg", "--jsn", "--json"], ["E800"]],
  [["chekc", "--json"], ["E800"]],
  [["check", "--format", "json"], ["E800"]],
  [["ops", "layernrom", "--json"], ["E806"]],
  [["probe", "wrong.lmg", "--json"], ["E201"]],
])(
  "`lmg %j` that fails answers with its mistakes, in JSON as well as on standard error",
  async (args, codes) => {
    const { code, text, notes } = await lmg(...args);
    expect(code).toBe(1);
    const { diagnostics } = JSON.parse(text) as Answer;
    expect(diagnostics.map((one) => one.code)).toEqual(codes);
    expect(notes).toContain(diagnostics[0]!.message);
  },
);

test("an answer that says itself what is wrong is one document", async () => {
  const { code, text } = await lmg("fit", "fine.lmg", "--json", "--dims", "B=1000000000");
  expect(code).toBe(1);
  expect((JSON.parse(text) as { problems: object[] }).problems).not.toHaveLength(0);
});

test("what asks for help is no failure, and `--json` behind `--` is no option", async () => {
  expect((await lmg("check", "--help", "--json")).code).toBe(0);
  const { text } = await lmg("check", "--", "--json");
  expect(text).toBe("");
});
