import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { showBytes } from "../../../src/cli/numbers.ts";
import type { TargetName } from "../../../src/emit/targets.ts";

const modules = join(import.meta.dirname, "node_modules");

/** What a page loads of a library to run a model: a script that imports it, and its WebAssembly. */
const runtimes: readonly {
  readonly name: string;
  readonly script: string;
  readonly files: readonly string[];
}[] = [
  {
    name: "onnxruntime-web",
    script: 'export { InferenceSession, Tensor, env } from "onnxruntime-web/wasm";',
    files: ["onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"],
  },
  {
    name: "tfjs wasm, core and backend",
    script: 'export * from "@tensorflow/tfjs-core"; import "@tensorflow/tfjs-backend-wasm";',
    files: ["@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm"],
  },
  { name: "jax-js", script: 'export * from "@jax-js/jax";', files: [] },
  {
    name: "transformers.js",
    script: 'export { AutoModel, AutoTokenizer, Tensor, env } from "@huggingface/transformers";',
    files: [
      "@huggingface/transformers/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm",
    ],
  },
];

/** A script and all that it imports, as a page would get it, minified. */
async function bundle(contents: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    external: ["node:*", "module", "fs", "path", "os", "url", "worker_threads", "perf_hooks", "crypto"],
    logLevel: "error",
    write: false,
  });
  return outputFiles[0]!.contents;
}

const packed = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;

/** A row of the table of sizes: what is loaded, its bytes, and those after gzip. */
export type SizeRow = readonly [what: string, bytes: string, gzip: string];

export const sizeRow = (what: string, files: readonly Uint8Array[]): SizeRow => [
  what,
  showBytes(files.reduce((sum, { length }) => sum + length, 0)),
  showBytes(files.reduce((sum, file) => sum + packed(file), 0)),
];

/** A whole model as lmg emits it, without its weights. */
export async function moduleSize(name: string, kernels: TargetName, path: string): Promise<SizeRow> {
  const minified = await build({ entryPoints: [path], minify: true, format: "esm", write: false });
  return sizeRow(`lmg ${kernels}: ${name}, the whole model`, [minified.outputFiles[0]!.contents]);
}

/** The run times, without a model. */
export const runtimeSizes = (): Promise<readonly SizeRow[]> =>
  Promise.all(
    runtimes.map(async ({ name, script, files }) =>
      sizeRow(name, [await bundle(script), ...files.map((file) => readFileSync(join(modules, file)))]),
    ),
  );
