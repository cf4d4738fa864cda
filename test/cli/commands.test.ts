import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { documentation } from "../../src/cli/documentation/entries.ts";
import {
  freeClauseWords,
  freeStatementWords,
  parameterKinds,
  reservedWords,
  trainSettings,
} from "../../src/language/words.ts";
import { functions } from "../../src/lower/values/functions.ts";
import { initializerNames } from "../../src/lower/values/initializers.ts";
import { lintNames } from "../../src/lower/lints/names.ts";
import { augmentations, optimizers, schedules } from "../../src/lower/train/choices.ts";
import { dtypes } from "../../src/tensor/dtype.ts";
import { layerRecords } from "../../src/lower/layers/table.ts";
import { opNames } from "../../src/ops/table.ts";
import { printPlan } from "../../src/plan/describe.ts";
import { inFolder, lmg, mistake, output, put, tinyModel } from "./harness.ts";

inFolder({
  "tiny.lmg": tinyModel,
  "two.lmg": `model one { input x: f32[B, 4]; residual { up: linear(4) } }\n\nmodel two { input x: f32[B, 2]; relu }\n`,
  "parts/block.lmg": "block twice { input x: [B, D]; a: linear(D) -> b: linear(D) }\n",
  "uses.lmg": `use "./parts/block.lmg"\n\nmodel uses { input x: f32[B, 3]; t: twice }\n`,
  "causal.lmg": "model m { input x: f32[B, T, 8]; attn: attention(2) }\n",
  "wide.lmg": "model m { input x: f32[B, T, 64]; attn: attention(2) }\n",
  "encoder.lmg": "model m { input x: f32[B, T, 8]; attn: attention(2, causal: false) }\n",
  "config.json": `{"vocab_size": 7, "hidden_size": 4, "num_hidden_layers": 3}`,
});

test("`check` says what a model is", async () => {
  expect(await output("check", "tiny.lmg")).toMatchInlineSnapshot(`
    "tiny.lmg: tiny is well-formed
      tokens: i32[B, T] -> logits: f32[B, T, 11]
      280 parameters in 11 tensors, 2 residual edges
    "
  `);
});

test("`check` looks at every model of a file, or at the one that is named", async () => {
  expect((await output("check", "two.lmg")).match(/\w+ is well-formed/g)).toStrictEqual([
    "one is well-formed",
    "two is well-formed",
  ]);
  expect(await output("check", "two.lmg", "--model", "two")).toContain("two.lmg: two is well-formed\n");
});

test("`check --json` is JSON, and takes sizes from a config and from --set, which wins", async () => {
  const answer = JSON.parse(await output("check", "tiny.lmg", "--json", "--config", "config.json")) as {
    models: object[];
    diagnostics: object[];
  };
  expect(answer.diagnostics).toEqual([]);
  expect(answer.models).toStrictEqual([
    {
      path: "tiny.lmg",
      model: "tiny",
      inputs: [{ name: "tokens", type: "i32[B, T]", optional: false }],
      outputs: [{ name: "logits", type: "f32[B, T, 7]" }],
      // 7·4 for wte, 3·(4·4 + 4 + 2·4) for the layers, 2·4 for ln_f
      parameters: 120,
      tensors: 15,
      edges: 3,
    },
  ]);
  expect(await output("check", "tiny.lmg", "--config", ".", "--set", "vocab=5")).toContain("f32[B, T, 5]");
});

test("a `use` line finds its file beside the file where it stands", async () => {
  expect(await output("check", "uses.lmg")).toContain("24 parameters in 4 tensors");
});

test("`ir` prints the graph before the passes, after one of them, and at the end", async () => {
  expect(await output("ir", "two.lmg", "--model", "one", "--after", "lower")).toMatchInlineSnapshot(`
    "graph one {
      dim B
      input %x: f32[B, 4]
      parameter %up.weight: f32[4, 4] = uniform(-0.5, 0.5) "up.weight"
      parameter %up.bias: f32[4] = uniform(-0.5, 0.5) "up.bias"
      edge 0 "edge 0" from "stream" { branch "up" }
      %0: f32[B, 4] = linear(x: %x, weight: %up.weight, bias: %up.bias) label "up"
      %1: f32[B, 4] = residual(source: %x, branches: [%0], edge: 0) edges 0.join
      output stream = %1
    }
    "
  `);
  expect(await output("ir", "two.lmg", "--model", "one")).toMatchInlineSnapshot(`
    "graph one {
      dim B
      input %x: f32[B, 4]
      parameter %up.weight: f32[4, 4] = uniform(-0.5, 0.5) "up.weight"
      parameter %up.bias: f32[4] = uniform(-0.5, 0.5) "up.bias"
      edge 0 "edge 0" from "stream" { branch "up" }
      %0: f32[B, 4] = linear_epilogue(x: %x, weight: %up.weight, extras: [%up.bias, %x], epilogue: { add(i0, i1); add(i2, t0) }) label "up" edges 0.join fused linear add
      output stream = %0
    }
    "
  `);
});

test("`ir --each` shows the graphs that a pass changed, as text or JSON", async () => {
  const names = JSON.parse(await output("ir", "two.lmg", "--each", "--json", "--no-annotations")) as {
    after: string;
    ir: string;
  }[];
  expect(names.map(({ after }) => after)).toStrictEqual(["lower", "lower-edges", "linear-epilogues"]);
  expect(names[0]!.ir).not.toContain("label");
  const text = await output("ir", "two.lmg", "--each");
  expect(text.match(/^\/\/ after .*$/gm)).toStrictEqual(names.map(({ after }) => `// after ${after}`));
});

test("`ir --each --after` ends with that pass, and knows which passes there are", async () => {
  const shown = await output("ir", "two.lmg", "--each", "--after", "lower-edges");
  expect(shown.match(/^\/\/ after .*$/gm)).toEqual(["// after lower", "// after lower-edges"]);
  const { code, notes } = await lmg("ir", "two.lmg", "--each", "--after", "gelu");
  expect(code).toBe(1);
  expect(notes).toContain("there is no pass `gelu` in this run");
});

test("`ir --decode` shows the parts that read a text a few positions at a time, or where the model reads ahead", async () => {
  const parts = JSON.parse(await output("ir", "causal.lmg", "--decode", "--json")) as {
    part: string;
    ir: string;
  }[];
  expect(parts.map(({ part }) => part)).toEqual(["append", "step", "all"]);
  expect(parts[1]!.ir).toMatch(/state %\d+: f32\[B, C, 8\] = constant\(0\) "attn.k_proj"/);
  const { code, notes } = await lmg("ir", "encoder.lmg", "--decode");
  expect(code).toBe(1);
  expect(notes).toContain("error[E842]: the model cannot be read a few positions at a time");
  expect(notes).toContain("attention sees later positions");
});

test("`plan --decode` shows what a token takes, as steps and as dispatches, or where the model reads ahead", async () => {
  expect(await output("plan", "causal.lmg", "--decode")).toContain("in a run with B=1, P=127, C=128");
  const report = JSON.parse(
    await output("plan", "causal.lmg", "--decode", "--target", "wgsl", "--dims", "P=5,C=9", "--json"),
  ) as { dims: object; fused: { dispatches: { kernel: string }[] }; token: object };
  expect(report.dims).toEqual({ B: 1, P: 5, C: 9 });
  expect(report.fused.dispatches.map(({ kernel }) => kernel)).toContain("attend_one_causal");
  // Keys and values of 8 numbers each, for each position.
  expect(report.token).toMatchObject({ keptBytesAPosition: 64, keptBytes: 9 * 64 });
  expect(await output("plan", "causal.lmg", "--decode", "--dims", "P=5,C=9")).toContain(
    "576 B are kept with memory for 9 positions",
  );
  expect(await output("stats", "causal.lmg", "--json")).toContain('"bytesAPosition": 64');
  const { code, notes } = await lmg("plan", "encoder.lmg", "--decode");
  expect(code).toBe(1);
  expect(notes).toContain("error[E842]: the model cannot be read a few positions at a time");
  expect((await lmg("plan", "causal.lmg", "--decode", "--train")).notes).toContain(
    "--decode and --train exclude each other",
  );
});

test("`plan --quantize` shows the steps and bytes of weights in codes or halves, of a run and of a token", async () => {
  const weights = async (...more: string[]): Promise<string | undefined> =>
    /[\d.]+ kB of weights/.exec(await output("plan", "wide.lmg", ...more))?.[0];
  // Four linears: 64 · 64 numbers, 64 biases. In codes a byte each, with a scale for each 32.
  expect(4 * (64 * 64 + 64) * 4).toBe(66_560);
  expect(await weights("--quantize", "none")).toBe("66.6 kB of weights");
  expect(4 * (64 * 64 + 64 * 2 * 4 + 64 * 4)).toBe(19_456);
  expect(await weights("--quantize", "int8")).toBe("19.5 kB of weights");
  expect(await weights("--quantize", "int8", "--decode")).toBe("19.5 kB of weights");
  const about = async (...more: string[]): Promise<string> => (await lmg("plan", "wide.lmg", ...more)).notes;
  expect(await about("--quantize", "int8", "--train")).toContain("--quantize and --train exclude each other");
  expect(await about("--quantize", "bf16", "--target", "ts")).toContain("error[E821]");
});

test("`ir --check-passes` says that the passes keep what the model computes", async () => {
  const { code, notes } = await lmg("ir", "tiny.lmg", "--check-passes");
  expect(code).toBe(0);
  expect(notes).toBe(
    "every pass keeps what the model computes, on random and on hard inputs; no step of the plan writes what is still to be read\n",
  );
});

test("`edges` lists each edge with its norms and what became of its parts, repeats folded", async () => {
  expect(await output("edges", "tiny.lmg", "--set", "depth=4")).toMatchInlineSnapshot(`
    "line 6  h.0 edge 0  + mlp; pre layernorm h.0.ln
        add fused into add_norm (layer of h.1.ln; keeps the sum)
        pre norm not fused with an add: the norm reads the result of embedding, not the sum of an add
    line 6  h.* edge 0 (h × 2)  + mlp; pre layernorm h.*.ln
        add fused into add_norm (layer of h.*.ln; keeps the sum)
        pre norm fused into add_norm (layer of h.*.ln; keeps the sum)
    line 6  h.3 edge 0  + mlp; pre layernorm h.3.ln
        add fused into add_norm (layer of ln_f)
        pre norm fused into add_norm (layer of h.3.ln; keeps the sum)
    4 residual edges, 4 with the add fused
    "
  `);
});

test("`edges --all` folds nothing, `--json` is for programs", async () => {
  const text = await output("edges", "tiny.lmg", "--all");
  expect(text.match(/^line \d+ {2}h\.\d edge \d/gm)).toStrictEqual([
    "line 6  h.0 edge 0",
    "line 6  h.1 edge 0",
  ]);
  const edges = JSON.parse(await output("edges", "tiny.lmg", "--json")) as object[];
  expect(edges).toHaveLength(2);
  expect(edges[0]).toMatchObject({
    line: 6,
    name: "h.0 edge 0",
    source: "stream",
    branches: ["mlp"],
    norms: [{ position: "pre", kind: "layernorm", label: "h.0.ln" }],
    skip: null,
    branch: null,
  });
});

test("`edges --no-fuse` says of no edge that it fused", async () => {
  expect(await output("edges", "tiny.lmg", "--no-fuse")).toMatch(/2 residual edges, 0 with the add fused\n$/);
});

test("`ops NAME` documents a layer and the op of the same name", async () => {
  expect(await output("ops", "layernorm")).toMatchInlineSnapshot(`
    "Layers of the language

      x -> layernorm(eps: float = 0.00001, affine: bool = true, bias: bool = true, unit_offset: bool = false)
          (x - mean) / √(var + eps) · weight + bias over the last axis (Ba et al. 2016); affine: false leaves both off; unit_offset multiplies by 1 + weight (Nemotron)
          (owns LABEL.weight, LABEL.bias)
    "
  `);
});

test("`ops` knows every layer and every op, in text, Markdown and JSON", async () => {
  const names = new Set([...Object.keys(layerRecords), ...opNames]);
  const entries = JSON.parse(await output("ops", "--json")) as { name: string; doc: string; usage: string }[];
  for (const name of names)
    expect(entries.filter((entry) => entry.name === name && entry.doc !== "")).not.toHaveLength(0);
  const markdown = await output("ops", "--markdown");
  const text = await output("ops");
  for (const { usage } of documentation()) {
    expect(markdown).toContain(`\n${usage}\n`);
    expect(text).toContain(`  ${usage}\n`);
  }
});

test("`ops` knows every word of the language", async () => {
  const words = [
    ...reservedWords,
    ...freeStatementWords,
    ...freeClauseWords,
    ...trainSettings,
    ...parameterKinds,
    ...lintNames,
    ...dtypes,
    ...initializerNames,
    ...Object.keys({ ...optimizers, ...schedules, ...augmentations, ...functions }),
  ];
  const entries = documentation();
  for (const word of words)
    expect(
      entries.filter(({ name, doc, usage }) => name === word && doc !== "" && usage !== ""),
      word,
    ).not.toEqual([]);
  expect(await output("ops", "adamw")).toContain("decay: float = 0.01");
  expect(await output("ops", "sandwich")).toContain("y = x + N(f(N(x)))");
});

test("`fmt` prints, `fmt --write` replaces, `fmt --check` shows the difference and ends with 1", async () => {
  put("ragged.lmg", "model m {\n input x: f32[B,4]\n   up:linear( 4 )   // widen\n}\n");
  const formatted = "model m {\n  input x: f32[B, 4]\n  up: linear(4) // widen\n}\n";
  expect(await output("fmt", "ragged.lmg")).toBe(formatted);
  const { code, text, notes } = await lmg("fmt", "--check", "ragged.lmg", "tiny.lmg");
  expect(code).toBe(1);
  expect(text).toMatchInlineSnapshot(`
    "--- ragged.lmg	as it is
    +++ ragged.lmg	formatted
    @@ -1,4 +1,4 @@
     model m {
    - input x: f32[B,4]
    -   up:linear( 4 )   // widen
    +  input x: f32[B, 4]
    +  up: linear(4) // widen
     }
    "
  `);
  expect(notes).toBe("error[E808]: 1 file not formatted\n  help: `lmg fmt --write` formats them\n");
  expect(await output("fmt", "--write", "ragged.lmg", "tiny.lmg")).toBe("formatted ragged.lmg\n");
  expect(await output("fmt", "--check", "ragged.lmg")).toBe("");
  expect(await output("fmt", "ragged.lmg")).toBe(formatted);
});

test("`plan` lists the plan, then what a run of it costs", async () => {
  const { plan } = compile({ name: "tiny.lmg", text: tinyModel }, { settings: { depth: 1 } });
  const text = await output("plan", "tiny.lmg", "--set", "depth=1", "--dims", "B=2,T=3");
  expect(text.startsWith(`${printPlan(plan!)}\n`)).toBe(true);
  expect(text.split("\n").slice(-4).join("\n")).toMatchInlineSnapshot(`
    "2.83 kFLOP and 2.98 kB read and written in a run with B=2, T=3
    768 B of weights, 0 B prepared at load
    576 B of memory for a run, 792 B if no step used any again
    "
  `);
});

test("`plan --json` gives each step with its costs; without fusion there are more", async () => {
  const plan = async (...more: string[]) =>
    JSON.parse(await output("plan", "tiny.lmg", "--json", ...more)) as {
      steps: { op: string; flops: number }[];
    };
  const fused = await plan();
  expect(fused.steps.map(({ op }) => op)).toContain("add_norm");
  expect(fused.steps.every(({ flops }) => flops >= 0)).toBe(true);
  expect((await plan("--no-fuse")).steps.length).toBeGreaterThan(fused.steps.length);
});

test("`stats` counts by part, with repeats folded, and compares with a plan without fusion", async () => {
  expect(await output("stats", "tiny.lmg", "--dims", "T=4")).toMatchInlineSnapshot(`
    "part        parameters    FLOP    bytes
    wte                 88       0    272 B
    h × 2              176  1.73 k  3.01 kB
      ln                32     512    640 B
      mlp              144  1.09 k  1.09 kB
      relu               0      64    512 B
      residual           0      64    768 B
    ln_f                16     256    320 B
    linear               0     704    656 B

    280 parameters, 1.12 kB
    2.69 kFLOP in a run with B=1, T=4; values alive at once: 384 B

                   fused  not fused
    steps              7         11
    bytes moved  3.36 kB    4.26 kB
    arena          384 B      384 B
    "
  `);
});

test("`stats --json` has the same totals", async () => {
  const { dims, totals, parts } = JSON.parse(
    await output("stats", "tiny.lmg", "--dims", "T=4", "--json"),
  ) as {
    dims: object;
    totals: { parameters: number; flops: number };
    parts: { name: string; times: number; parameters: number }[];
  };
  expect(dims).toStrictEqual({ B: 1, T: 4 });
  expect(totals.parameters).toBe(280);
  expect(parts.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(280);
  expect(parts.find(({ name }) => name === "h")).toMatchObject({ times: 2, parameters: 176 });
});

test("`compile` writes one module, whole, and says what it wrote", async () => {
  expect(await output("compile", "tiny.lmg", "-o", "out/deep")).toMatch(
    /^wrote out\/deep\/tiny\.ts \([\d.]+ kB, \d+ steps\)\n$/,
  );
  expect(readdirSync("out/deep")).toStrictEqual(["tiny.ts"]);
  const { files } = JSON.parse(
    await output("compile", "tiny.lmg", "--target", "js", "-o", "out/deep", "--json"),
  ) as {
    files: { path: string; bytes: number }[];
  };
  expect(files).toStrictEqual([{ path: "out/deep/tiny.js", bytes: statSync("out/deep/tiny.js").size }]);
  const module = (await import(pathToFileURL("out/deep/tiny.js").href)) as Record<string, unknown>;
  expect(module).toHaveProperty("createModel");
});

test("`compile` of a model with a mistake writes nothing and makes no folder", async () => {
  put("wrong.lmg", "model wrong { input x: f32[B, 4]; nope }\n");
  expect(await mistake("compile", "wrong.lmg", "-o", "never")).toContain("wrong.lmg:1:");
  expect(existsSync("never")).toBe(false);
});

test("`compile` that cannot write leaves what was there", async () => {
  put("taken/tiny.ts/keep", "kept");
  expect(await mistake("compile", "tiny.lmg", "-o", "taken")).toBe(
    "error[E700]: cannot write `taken/tiny.ts`: it is a folder",
  );
  expect(readdirSync("taken")).toStrictEqual(["tiny.ts"]);
  put("file", "kept");
  expect(await mistake("compile", "tiny.lmg", "-o", "file/out")).toBe(
    "error[E700]: cannot write `file/out`: a part of the path is not a folder",
  );
  expect(readFileSync("file", "utf8")).toBe("kept");
});
