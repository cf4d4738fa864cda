/**
 * The same GPT-2-shaped layers through lmg and three peers, on one adapter in one browser session: whether the numbers
 * agree, dispatches and submissions of a run, what the first run costs, and the time of later ones as ratios. The peers
 * are a package of their own: `npm install --prefix test/bench`, then `npx tsx test/bench/webgpu/run.ts [ROUNDS]`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { showBytes } from "../../../src/cli/numbers.ts";
import { showTable } from "../../../src/cli/table.ts";
import { compile } from "../../../src/compile.ts";
import { emitWgsl } from "../../../src/emit/wgsl/emit.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { openBrowser } from "../../browser/chromium.ts";
import { serve } from "../../browser/serve.ts";
import { onnxLayers } from "./onnx.ts";

const here = import.meta.dirname;
const modules = join(here, "../node_modules");
const rounds = Number(process.argv[2] ?? 7);
const sizes = { B: 1, T: 64, dim: 128, heads: 4, depth: 2 };

interface Result {
  readonly name: string;
  readonly firstMs: number;
  readonly shaders: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly y: readonly number[];
  readonly ms: readonly number[];
}

const emitOf = (path: string, settings: Readonly<Record<string, string>>) => {
  const resolveUse = (use: string, from: { readonly name: string }) => {
    const name = join(dirname(from.name), use);
    return existsSync(name) ? { name, text: readFileSync(name, "utf8") } : undefined;
  };
  const { model, plan } = compile({ name: path, text: readFileSync(path, "utf8") }, { settings, resolveUse });
  return { graph: model!.graph, text: emitWgsl(plan!, { types: false }).files[0]!.text };
};

/** A module and all that it imports as one minified text. */
function bundle(entry: string, alias: Readonly<Record<string, string>> = {}): string {
  const flags = Object.entries(alias).map(([from, to]) => `--alias:${from}=${to}`);
  const common = ["--bundle", "--format=esm", "--minify", "--log-level=error", "--external:node:*"];
  return execFileSync(join(modules, ".bin/esbuild"), [entry, ...common, ...flags], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

const { dim, heads, depth } = sizes;
const settings = { dim: String(dim), heads: String(heads), depth: String(depth) };
const { graph, text } = emitOf(join(here, "block.lmg"), settings);
const parameters = randomParameters(graph, 1);
const inputs = randomInputs(graph, { B: sizes.B, T: sizes.T }, 2);
const expected = Array.from(interpret(graph, { inputs, parameters })["y"]!.data);
const weights = Object.fromEntries(
  Object.entries(parameters).map(([name, { data, shape }]) => [name, { data: [...data], shape }]),
);

const folder = mkdtempSync(join(tmpdir(), "lmg-bench-"));
writeFileSync(join(folder, "model.js"), text);
const ort = (file: string): Uint8Array =>
  readFileSync(join(modules, `onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.${file}`));
const files = new Map<string, string | Uint8Array>([
  ["index.html", '<!doctype html><script type="module" src="page.js"></script>'],
  ["page.js", bundle(join(here, "page.js"), { model: join(folder, "model.js") })],
  ["task.json", JSON.stringify({ weights, sizes, x: [...inputs["x"]!.data] })],
  ["layers.onnx", onnxLayers(parameters, sizes)],
  ["ort.mjs", ort("mjs")],
  ["ort.wasm", ort("wasm")],
]);
rmSync(folder, { recursive: true });

const browser = await openBrowser();
if (browser === undefined) process.exit(1);
const server = await serve(files);
const page = await browser.context.newPage();
page.on("console", (message) => console.error(message.text()));
page.on("pageerror", (error) => console.error(error.message));
await page.goto(server.url);
const names = ["lmg", "onnxruntime-web", "tfjs", "jax-js"];
const results = await page.evaluate(
  ([all, count]) =>
    (globalThis as unknown as { bench: (names: string[], rounds: number) => Promise<Result[]> }).bench(
      all,
      count,
    ),
  [names, rounds] as const satisfies readonly [string[], number],
);
await browser.close();
server.close();

const [lmg] = results;
const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const rows = results.map(({ name, firstMs, shaders, dispatches, submits, y, ms }) => {
  const error = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - y[at]!)), 0);
  // Float32 rounds to 6e-8, and the layers add up rows of 512 products.
  if (!(error / largest < 1e-5)) throw new Error(`${name} computes something else: ${error}`);
  const ratio = median(ms.map((time, round) => time / lmg!.ms[round]!));
  return [
    name,
    (error / largest).toExponential(1),
    String(dispatches / depth),
    String(submits),
    String(shaders),
    `${firstMs.toFixed(0)} ms`,
    `${median(ms).toFixed(1)} ms`,
    ratio.toFixed(2),
  ];
});
const columns = [
  "",
  "error",
  "dispatches a layer",
  "submissions",
  "shaders",
  "first run",
  "later runs",
  "ratio",
];
console.log(
  `${depth} layers of GPT-2, width ${dim}, ${heads} heads, ${sizes.T} tokens; ${rounds} interleaved rounds`,
);
console.log(showTable(columns, rows, [1, 2, 3, 4, 5, 6, 7]));

const gpt2 = emitOf("examples/gpt2.lmg", {}).text;
const packed = (content: string | Uint8Array): number => gzipSync(content, { level: 9 }).length;
const runtime = (entry: string): string => bundle(join(here, "peers", entry));
const shipped: readonly (readonly [string, readonly (string | Uint8Array)[]])[] = [
  ["lmg: all of GPT-2, shaders and host", [gpt2]],
  [
    "onnxruntime-web (JavaScript and WebAssembly), without a model",
    [runtime("onnx.js"), ort("mjs"), ort("wasm")],
  ],
  ["tfjs core and WebGPU backend, without a model", [runtime("tfjs.js")]],
  ["jax-js, without a model", [runtime("jax.js")]],
];
const sizesOf = shipped.map(([what, parts]) => [
  what,
  showBytes(parts.reduce((sum, part) => sum + packed(part), 0)),
]);
console.log(showTable(["what a page loads", "gzip"], sizesOf, [1]));
