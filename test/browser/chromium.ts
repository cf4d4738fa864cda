import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { chromium, type BrowserContext } from "playwright-core";
import { findUp, untar } from "../webgpu/swiftshader.ts";

/**
 * `--enable-unsafe-webgpu` is what lets a headless browser without a GPU have WebGPU; the rest keeps it quiet and alone.
 * The last one is explained in `test/webgpu/device.ts`.
 */
const flags = [
  "--no-sandbox",
  "--no-zygote",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
];

export interface Browser {
  readonly context: BrowserContext;
  readonly close: () => Promise<void>;
}

/**
 * A headless Chromium with WebGPU in software and a fresh profile. Undefined where the packed browser cannot run; then
 * tests say so and are skipped, but under CI=true that is a failure.
 */
export async function openBrowser(): Promise<Browser | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return none("it is for x86-64 Linux");
  const folder = unpackChromium();
  const profile = mkdtempSync(join(tmpdir(), "lmg-browser-"));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: join(folder, "chromium"),
      args: flags,
      timeout: 0,
      env: { ...process.env, LD_LIBRARY_PATH: join(folder, "lib") },
    });
    // A busy machine may take any time; what waits, waits for the page or its error.
    context.setDefaultTimeout(0);
    const close = async (): Promise<void> => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    };
    return { context, close };
  } catch (error) {
    rmSync(profile, { recursive: true, force: true });
    return none(error instanceof Error ? error.message.split("\n")[0]! : String(error));
  }
}

function none(reason: string): Browser | undefined {
  const line = `not run in a browser: the packed Chromium does not start (${reason})`;
  if (process.env["CI"] === "true") throw new Error(line);
  console.warn(line);
  return undefined;
}

/** Unpacks @sparticuz/chromium into node_modules/.cache, once; beside and renamed, so that nothing is left half. */
function unpackChromium(): string {
  const archive = findUp("bin/chromium.br", fileURLToPath(import.meta.resolve("@sparticuz/chromium")));
  const cache = join(findUp("node_modules", fileURLToPath(import.meta.url)), ".cache");
  const folder = join(cache, "chromium");
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, "chromium-"));
  const unpack = (name: string, into: string): void => {
    mkdirSync(into, { recursive: true });
    for (const file of untar(brotliDecompressSync(readFileSync(join(dirname(archive), name)))))
      writeFileSync(join(into, file.name), file.bytes, { mode: 0o755 });
  };
  writeFileSync(join(fresh, "chromium"), brotliDecompressSync(readFileSync(archive)), { mode: 0o755 });
  unpack("swiftshader.tar.br", fresh);
  unpack("al2023.tar.br", join(fresh, "lib"));
  try {
    renameSync(fresh, folder);
  } catch (error) {
    // Another process was faster; its files are the same.
    if (!existsSync(folder)) throw error;
    rmSync(fresh, { recursive: true });
  }
  return folder;
}
