import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { LinePoint } from "../../src/autodiff/theory.ts";
import { linesNote } from "../../src/report/probed.ts";
import type { Probed, ProbedCase } from "../../src/run/probe/probed.ts";
import { inFolder, lmg, mistake, output, put } from "./harness.ts";

/** Edges that, without a norm, double what they get; no `train` section. */
const doubling = `model doubling(placement: pre | none = pre, depth = 3, gain: float = 1.0) {
  input x: f32[B, 2]
  repeat depth as h { residual placement n: layernorm { f: scale([2], init: gain) } }
  output y: f32[B, 2]
}
`;

/** A language model that trains in a moment, and with a learning rate of 1e30 to NaN. */
const tiny = `model tiny(placement: pre | none = pre, vocab, dim = 8, ctx = 8) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  repeat 2 as h { residual placement ln: layernorm { mlp: linear(dim) -> gelu } }
  head: linear(vocab)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer sgd(lr: 1e-1)
    batch 2
    steps 6
    seed 1
  }
}
`;

inFolder({
  "depth.lmg": readFileSync(new URL("../../examples/depth.lmg", import.meta.url)),
  "doubling.lmg": doubling,
  "tiny.lmg": tiny,
  "two.lmg": `model two {
  input x: f32[B, 2]
  residual { fc: linear(2) }
  output y: f32[B, 2]
  train {
    target c: i32[B]
    target t: f32[B, 2]
    loss (y, c) -> cross_entropy
    loss 0.1 * (y -> square -> mean)
    metric (y, t) -> mean_squared_error
    optimizer sgd(lr: 1)
  }
}
`,
  "bare.lmg": "model bare {\n  input x: f32[B, 2]\n  fc: linear(2)\n  output y: f32[B, 2]\n}\n",
  "ids.lmg":
    "model ids {\n  input x: f32[B, 2]\n  residual { fc: linear(2) }\n  argmax\n  output y: i32[B]\n}\n",
  "broken.lmg": "model broken {\n  input x: f32[B, 2\n}\n",
  "text.txt": "the quick brown fox jumps over the lazy dog. ".repeat(40),
});

test("the loss is named by its own terms, not by the metrics", async () => {
  expect(await output("probe", "two.lmg")).toContain("\nloss: cross entropy + another term\n");
  expect(await output("probe", "tiny.lmg", "--set", "vocab=5")).toContain("\nloss: cross entropy\n");
});

describe("what depth does at initialization", () => {
  let cases: readonly ProbedCase[] = [];

  // Enough width, rows and tokens for the statements below, all of which hold for each depth.
  beforeAll(async () => {
    const compared = ["--compare", "variant=pre,post,deepnorm,rezero,plain", "--depth", "4,16,64"];
    const sizes = ["--set", "dim=16", "--dims", "B=2,T=8"];
    cases = (JSON.parse(await output("probe", "depth.lmg", ...compared, ...sizes, "--json")) as Probed).cases;
  });

  /** The edges of the layers; the one before them adds positions. */
  const layersOf = (variant: string, depth: number) => {
    const found = cases.find((each) => each.variant === variant && each.depth === depth)!;
    expect(found.edges.length).toBe(1 + 2 * depth);
    return found.edges.slice(1);
  };
  /** The gradient at the first edge of the layers, as a share of that at the last. */
  const shareOf = (variant: string, depth: number): number => {
    const edges = layersOf(variant, depth);
    return edges[0]!.before.gradient / edges.at(-1)!.before.gradient;
  };
  /** The point of a line, which must have one. */
  const pointOf = (point: LinePoint): number => {
    expect(point).toBeTypeOf("number");
    return Number(point);
  };
  const lastOf = (variant: string, depth: number): number =>
    layersOf(variant, depth).at(-1)!.before.activation;

  test("edges that carry nothing lose activations and gradients, by a factor an edge", () => {
    expect(shareOf("plain", 4)).toBeLessThan(0.2);
    // Four times the edges: about the fourth power.
    expect(shareOf("plain", 16)).toBeLessThan(shareOf("plain", 4) ** 3);
    expect(shareOf("plain", 64)).toBeLessThan(shareOf("plain", 16) ** 3);
    expect(lastOf("plain", 64)).toBeLessThan(1e-12);
  });

  test("post-norm keeps activations at one and shrinks gradients toward the input, more with depth", () => {
    expect(shareOf("post", 16)).toBeLessThan(0.5);
    expect(shareOf("post", 64)).toBeLessThan(0.3 * shareOf("post", 16));
    for (const depth of [4, 16, 64])
      for (const { before, lines } of layersOf("post", depth).slice(0, -1)) {
        expect(before.activation).toBeCloseTo(1, 4);
        // Branches pass something on too: measured, not proved.
        expect(before.gradient).toBeGreaterThanOrEqual(pointOf(lines.carried));
        // The norm sets the size, and attention reads a stream that no norm of its own holds.
        expect([lines.uncorrelated, lines.alike]).toEqual(["norm", expect.anything()]);
      }
    const alike = layersOf("post", 16).map(({ lines }) => lines.alike);
    expect(alike.slice(0, -2)).toEqual(alike.slice(0, -2).map(() => "branch"));
  });

  test("pre-norm lets activations grow as the square root of depth, and keeps gradients", () => {
    for (const depth of [4, 16, 64])
      for (const { before, lines } of layersOf("pre", depth).slice(0, -1)) {
        // The branches of one layer are drawn from few numbers at this width: measured, not proved.
        expect(before.activation / pointOf(lines.uncorrelated)).toBeGreaterThan(0.6);
        expect(before.activation / pointOf(lines.uncorrelated)).toBeLessThan(1.6);
        expect(before.gradient / pointOf(lines.alike)).toBeLessThan(2);
        expect(before.gradient / pointOf(lines.carried)).toBeGreaterThan(0.9);
      }
    // Four times as deep, about twice as large.
    for (const [shallow, deep] of [
      [4, 16],
      [16, 64],
    ] as const) {
      const growth = lastOf("pre", deep) / lastOf("pre", shallow);
      expect(growth).toBeGreaterThan(1.5);
      expect(growth).toBeLessThan(3);
    }
    expect(shareOf("pre", 64)).toBeGreaterThan(1);
  });

  test("DeepNorm bounds both, whatever the depth", () => {
    for (const depth of [4, 16, 64]) {
      expect(lastOf("deepnorm", depth)).toBeCloseTo(1, 4);
      expect(shareOf("deepnorm", depth)).toBeGreaterThan(0.8);
      expect(shareOf("deepnorm", depth)).toBeLessThan(1.25);
    }
  });

  test("ReZero is the identity both ways, to the last bit", () => {
    for (const depth of [4, 16, 64]) {
      const edges = layersOf("rezero", depth);
      expect(new Set(edges.map(({ before }) => before.activation)).size).toBe(1);
      expect(new Set(edges.map(({ before }) => before.gradient)).size).toBe(1);
      expect(new Set(edges.map(({ lines }) => lines.uncorrelated)).size).toBe(1);
      for (const { before, lines } of edges) {
        // Theory takes tokens and positions, which the first edge adds, as uncorrelated. Over 16 rows of 16 numbers their
        // correlation strays by 1/16, which is 3 % of the size of their sum; three times that.
        expect(Math.abs(pointOf(lines.uncorrelated) / before.activation - 1)).toBeLessThan(0.1);
        expect(lines.carried).toBe(lines.alike);
      }
    }
  });

  test("what an edge computes is told by its form", () => {
    const forms = Object.fromEntries(cases.map(({ variant, form }) => [variant, form]));
    // At depth 64 DeepNorm's gain is 128^(1/4).
    expect(forms).toEqual({
      pre: "y = x + f(N(x))",
      post: "y = N(x + f(x))",
      deepnorm: "y = N(3.36 x + f(x))",
      rezero: "y = x + 0 f(x)",
      plain: "y = f(x)",
    });
  });
});

describe("the table of a probe", () => {
  test("tells the loss, and of each edge what was measured beside the lines of theory", async () => {
    const text = await output("probe", "doubling.lmg", "--set", "placement=none", "--dims", "B=4");
    expect(text).toBe(
      `input: random, B=4
loss: the mean of y times random numbers, as there is no \`train\` section
seed: 0

y = x + f(x)  loss 0.2005
            activation  if uncorrelated  gradient  carried only  all paths alike
h.0 edge 0        1.85                –       1.2         0.301            0.601
h.1 edge 0        3.71             1.85     0.601         0.301            0.425
h.2 edge 0        7.41             2.62     0.301             –                –

${linesNote}
`,
    );
  });

  test("says where float32 loses a gradient, and why a line ends", async () => {
    const text = await output(
      ...["probe", "depth.lmg", "--set", "variant=none", "--depth", "24", "--dims", "B=2,T=32", "--all"],
    );
    expect(text).toMatch(/^float32 misses the size or the gradient by more than 1 % at \d+ edges: /m);
    expect(text).toMatch(/ gradient f32$/m);
    expect(text).toMatch(/^all paths alike: no point at 47 edges: the branch is neither scale-free nor /m);
  });

  test("measures along the ways of a gradient, in lanes, and where the text names a value", async () => {
    const lanes = ["--set", "variant=hyper", "--set", "dim=8", "--depth", "2", "--dims", "B=2,T=8"];
    const text = await output("probe", "depth.lmg", ...lanes, "--paths");
    expect(text).toMatch(/ +with attention held +with branches cut /);
    expect(text).toMatch(/^ +lane 0 +lane 1 +lane 2 +lane 3$/m);
    put(
      "named.lmg",
      "model m {\n  input x: f32[B, 8]\n  repeat 2 as h { fc: linear(8) -> relu as level }\n  output level\n}\n",
    );
    const named = await output("probe", "named.lmg", "--dims", "B=4");
    expect(named).toMatch(/^h\.0\.level +0\.\d+ +\d\.\d+ +0\.\d+$/m);
    expect(named).toMatch(/^h\.1\.level /m);
  });

  test("leaves out edges between the first and the last, unless all are asked for", async () => {
    const some = await output("probe", "doubling.lmg", "--depth", "20");
    expect(some).toContain("and 11 edges between them; --all lists every edge\n");
    expect(some.match(/^h\.\d+ edge 0/gm)!.length).toBe(9);
    const all = await output("probe", "doubling.lmg", "--depth", "20", "--all");
    expect(all).not.toContain("between them");
    expect(all.match(/^h\.\d+ edge 0/gm)!.length).toBe(20);
  });

  test("compares the parameter `placement` if no other is named, and any other that is", async () => {
    const both = await output("probe", "doubling.lmg", "--compare", "pre,none", "--depth", "1,2");
    expect(both.match(/^\S.* {2}loss .*$/gm)!.map((line) => line.replace(/ {2}loss.*/, ""))).toEqual([
      "pre, depth 1  y = x + f(N(x))",
      "pre, depth 2  y = x + f(N(x))",
      "none, depth 1  y = x + f(x)",
      "none, depth 2  y = x + f(x)",
    ]);
    expect(await output("probe", "doubling.lmg", "--compare", "gain=0.5,2.0")).toContain(
      "\n2.0  y = x + f(N(x))",
    );
  });

  test("depends on the seed alone", async () => {
    const probe = (...more: string[]) => output("probe", "doubling.lmg", "--json", ...more);
    expect(await probe()).toBe(await probe());
    expect(await probe()).not.toBe(await probe("--seed", "1"));
  });
});

describe("a mistake in a probe", () => {
  test.each<[string, string, string]>([
    [
      "a parameter that the model does not have",
      "depth.lmg --compare pre,post",
      "error[E861]: --compare sets the parameter `placement`, which depth does not have; it has `variant`, `vocab`, `ctx`, `dim`, `depth`, `heads`, `base` and `lanes`\n  help: compare another with --compare NAME=a,b",
    ],
    [
      "a parameter with a slip in its name",
      "depth.lmg --compare varian=pre",
      "error[E861]: --compare sets the parameter `varian`, which depth does not have; it has `variant`, `vocab`, `ctx`, `dim`, `depth`, `heads`, `base` and `lanes`\n  help: did you mean --compare variant=…?",
    ],
    [
      "no depth",
      "tiny.lmg --depth 2",
      "error[E861]: --depth sets the parameter `depth`, which tiny does not have; it has `placement`, `vocab`, `dim` and `ctx`\n  help: compare it with --compare NAME=4,16",
    ],
    [
      "no parameter at all",
      "bare.lmg --depth 2",
      "error[E861]: --depth sets the parameter `depth`, which bare does not have; it has none\n  help: compare it with --compare NAME=4,16",
    ],
    [
      "a value that the parameter does not take",
      "depth.lmg --compare variant=pre,pots",
      "--set variant:1:1: error[E306]: `variant` takes one of pre, post, sandwich, out, deepnorm, rezero, none, plain, gpt2, lns, mixln, peri, residual, hybrid, keel, depthmu, completep, ngpt, hyper, attnres, value, qknorm, dyt, got the word `pots`\n  1 | pots\n    | ^^^^\n  help: did you mean `post`?",
    ],
    ["a value twice", "depth.lmg --depth 2,2", "error[E860]: --depth gives `2` twice"],
    [
      "a value left out",
      "depth.lmg --compare variant=pre,,post",
      "error[E860]: --compare expects values between commas, found `pre,,post`\n  help: for example --compare pre,post or --compare depth=2,8",
    ],
    [
      "a depth of nothing",
      "depth.lmg --depth 0",
      "error[E804]: --depth expects a whole number from 1 to 10000, found `0`",
    ],
    [
      "a parameter that is set and compared",
      "depth.lmg --depth 2 --set depth=3",
      "error[E860]: --depth and --set both give `depth`",
    ],
    ["no such file", "gone.lmg", "error[E700]: cannot read `gone.lmg`: there is no such file or folder"],
    [
      "training on nothing",
      "depth.lmg --steps 3",
      "error[E862]: --steps trains, and there is nothing to train on\n  help: name a text or arrays with --data",
    ],
    [
      "sizes of data that has its own",
      "tiny.lmg --data text.txt --dims B=2",
      "error[E862]: --dims is for random inputs: with --data, say --batch and --context",
    ],
    [
      "rows of data that is not given",
      "depth.lmg --batch 8",
      "error[E862]: --batch is for --data, and here inputs are random\n  help: say their sizes with --dims, such as --dims B=4",
    ],
    [
      "tokens of data that is not given",
      "depth.lmg --context 8",
      "error[E862]: --context is for --data, and here inputs are random\n  help: say their sizes with --dims, such as --dims T=64",
    ],
    [
      "a tokenizer for nothing",
      "depth.lmg --tokenizer bpe:300",
      "error[E862]: --tokenizer is for --data, and here inputs are random\n  help: name a text with --data",
    ],
    [
      "a learning rate for nothing",
      "depth.lmg --lr 0.1",
      "error[E862]: --lr is for a training, and nothing is trained\n  help: name data with --data, and say --steps",
    ],
    [
      "clipping for nothing",
      "tiny.lmg --data text.txt --clip 1",
      "error[E862]: --clip is for a training, and nothing is trained\n  help: say how long with --steps",
    ],
    [
      "no residual edge",
      "bare.lmg",
      "error[E864]: the model has no residual edge to measure at\n  help: `residual { … }` makes one, `residual skip 0 { … }` one that carries nothing; a value that `as NAME` names is measured too",
    ],
    [
      "an ending that means nothing",
      "depth.lmg -o x.png",
      'error[E866]: -o writes a report, a picture or numbers by its ending, found "x.png"\n  help: end it with .html, .svg or .json',
    ],
    [
      "a dim that the model does not have",
      "depth.lmg --dims Q=3",
      "error[E802]: the model has no run-time dim `Q`; it has B, T\n  help: did you mean B?",
    ],
  ])("%s", async (_, command, message) => {
    expect(await mistake("probe", ...command.split(" "))).toBe(message);
  });

  test("of the model is shown where it stands", async () => {
    expect(await mistake("probe", "depth.lmg", "--model", "nope")).toMatch(
      /^depth\.lmg:1:1: error\[E226\]: the file has no model called `nope`\n.*help: it has `depth`$/s,
    );
    expect(await mistake("probe", "broken.lmg", "--depth", "2")).toMatch(/^broken\.lmg:\d+:\d+: error/);
    expect(await mistake("probe", "broken.lmg")).toMatch(/^broken\.lmg:\d+:\d+: error/);
  });
});

describe("a study that trains", () => {
  const study = (out: string, ...more: string[]) =>
    lmg(
      "probe",
      "tiny.lmg",
      "--data",
      "text.txt",
      "--steps",
      "3",
      "--compare",
      "pre,none",
      "-o",
      out,
      ...more,
    );
  const kept = (path: string): Probed => JSON.parse(readFileSync(path, "utf8")) as Probed;

  test("tells each training beside what was measured before and after it, and writes report and numbers", async () => {
    const { code, text, notes } = await study("study.html");
    expect(code, notes).toBe(0);
    expect(notes).toMatch(/^vocab = 28, .*placement=pre:\n.*placement=none:\n.*wrote study\.html\n$/s);
    expect(text).toMatch(/^input: text, 1,620 tokens of 28 characters for training, 180 for validation\n/);
    expect(text).toContain("training: 3 steps of 2 rows\n");
    expect(text.match(/activation after +gradient after\n/g)!.length).toBe(2);
    expect(text).toMatch(
      /\n +steps +loss at first +last loss +validation +seconds\npre +3 +3\.\d+ .*\nnone +3 +3\.\d+ /,
    );
    for (const { training, edges, loss } of kept("study.json").cases) {
      expect(training!.losses.length).toBe(3);
      // The first step is made with the parameters and the batch that were measured; float32.
      expect(training!.losses[0]).toBeCloseTo(loss, 5);
      for (const { before, after } of edges) {
        expect(after!.activation).not.toBe(before.activation);
        expect(after!.activation / before.activation).toBeGreaterThan(0.5);
        expect(after!.activation / before.activation).toBeLessThan(2);
      }
    }
    expect(readFileSync("study.html", "utf8")).toContain("Training loss, smoothed");
  });

  test("goes on where it was interrupted, and refuses the numbers of another", async () => {
    expect((await study("whole.json")).code).toBe(0);
    const whole = JSON.parse(readFileSync("whole.json", "utf8")) as Probed & { identities: string[] };
    const cut = { ...whole, cases: whole.cases.slice(0, 1), identities: whole.identities.slice(0, 1) };
    writeFileSync("cut.json", JSON.stringify(cut));
    const { code, notes } = await study("cut.svg");
    expect(code, notes).toBe(0);
    expect(notes).toContain("placement=pre: measured before\n");
    expect(notes).not.toContain("placement=none: measured before\n");
    expect(readFileSync("cut.svg", "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
    const numbers = (path: string) =>
      kept(path).cases.map((found) => ({ ...found, training: { ...found.training, seconds: 0 } }));
    expect(numbers("cut.json")).toEqual(numbers("whole.json"));

    const before = readFileSync("cut.json");
    expect(await mistakeOf(study("cut.svg", "--lr", "1e-4"))).toBe(
      "error[E865]: `cut.json` holds the numbers of another study: pre was not made by this model, these settings and this data\n  help: name another file with -o, or remove this one",
    );
    expect(readFileSync("cut.json").equals(before)).toBe(true);
    put("cut.json", "{}");
    expect(await mistakeOf(study("cut.svg"))).toContain(
      "error[E865]: `cut.json` is not the numbers of a study\n",
    );
  });

  test("a run is probed as it was trained: what --steps measures after a training", async () => {
    const options = ["--data", "text.txt", "--set", "placement=pre"];
    const { cases } = JSON.parse(
      (await lmg("probe", "tiny.lmg", ...options, "--steps", "6", "--json")).text,
    ) as Probed;
    expect((await lmg("train", "tiny.lmg", ...options, "--target", "ts", "-o", "run")).code).toBe(0);
    const again = JSON.parse((await lmg("probe", "run", "--data", "text.txt", "--json")).text) as Probed;
    const trained = again.cases[0]!.edges.map(({ before }) => before);
    expect(trained).toEqual(cases[0]!.edges.map(({ after }) => after));
    expect(again.settings).toContainEqual(["weights", "run"]);
    expect(await mistake("probe", "run", "--data", "text.txt", "--steps", "3")).toContain("E862");
    // The run's own tokenizer is none that was asked for.
    const random = await lmg("probe", "run");
    expect(random.code, random.notes).toBe(0);
    expect(random.text).toContain("input: random");
    expect(await mistake("probe", "run", "--tokenizer", "other.json")).toContain(
      "error[E862]: --tokenizer is for --data, and here inputs are random",
    );
  });

  /** What a study that must end with a mistake says last, after what it says of the data. */
  async function mistakeOf(run: ReturnType<typeof lmg>): Promise<string> {
    const { code, text, notes } = await run;
    expect([code, text]).toEqual([1, ""]);
    return notes.slice(notes.indexOf("error[")).trimEnd();
  }

  test("takes NaN in a training for a result, keeps it, and goes on with the next", async () => {
    const wild = await study("wild.html", "--lr", "1e30");
    expect(wild.code, wild.notes).toBe(0);
    expect(wild.text).toMatch(/\npre +[012]: NaN or infinity +3\.\d+/);
    expect(wild.text).toMatch(/\nnone +[012]: NaN or infinity +3\.\d+/);
    expect(readFileSync("wild.html", "utf8")).toContain("† pre: NaN or infinity after");
    const again = await study("wild.html", "--lr", "1e30");
    expect(again.notes).toContain("placement=pre: measured before\n");
    expect(again.text).toBe(wild.text);
  });
});

test("a probe without training writes a report, a picture or numbers, and reads none", async () => {
  for (const path of ["probe.html", "probe.svg", "probe.json"]) {
    const { code, notes } = await lmg("probe", "doubling.lmg", "-o", path);
    expect([code, notes]).toEqual([0, `wrote ${path}\n`]);
    expect(existsSync("probe.json")).toBe(path === "probe.json");
  }
  expect(readFileSync("probe.html", "utf8")).toMatch(
    /^<!doctype html>.*At initialization.*h\.0 edge 0, line 3&quot;.*<svg [^>]*aria-label="doubling".*<\/html>\n$/s,
  );
  expect(readFileSync("probe.svg", "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
  const { cases } = JSON.parse(readFileSync("probe.json", "utf8")) as Probed;
  expect(cases.map(({ edges }) => edges.length)).toEqual([3]);
  put("probe.json", "what somebody wrote there");
  rmSync("probe.html");
  expect((await lmg("probe", "doubling.lmg", "-o", "probe.html")).code).toBe(0);
  expect(readFileSync("probe.json", "utf8")).toBe("what somebody wrote there");
  expect((await lmg("probe", "doubling.lmg", "-o", "no/such/probe.svg")).code).toBe(1);
});
