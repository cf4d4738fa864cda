import { resolve } from "node:path";
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

const worker = resolve(import.meta.dirname, "workers/worker.ts");

/**
 * The page as a static folder, whose emitters, training and generation are loaded when they are wanted; or, with `--mode one-file`, as one
 * HTML file with all that in it, which opens from disk.
 */
export default defineConfig(({ mode }) => {
  const isOneFile = mode === "one-file";
  return {
    root: import.meta.dirname,
    base: "./",
    resolve: { alias: { "worker-script": `${worker}${isOneFile ? "?worker&inline" : "?worker"}` } },
    plugins: isOneFile ? [viteSingleFile({ removeViteModuleLoader: true })] : [],
    build: { target: "esnext", emptyOutDir: true, chunkSizeWarningLimit: 8000, modulePreload: false },
    worker: {
      format: isOneFile ? "iife" : "es",
      // A worker that is in the page is one script: what it imports later is in it.
      rolldownOptions: { output: { codeSplitting: !isOneFile } },
    },
  };
});
