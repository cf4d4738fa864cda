import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const wanted = ["libvk_swiftshader.so", "libvulkan.so.1", "vk_swiftshader_icd.json"];

/** dlopen's RTLD_NODELETE: the library must stay mapped after Node has found that it is no addon. */
const RTLD_NODELETE = 0x1000;

/**
 * Puts SwiftShader, a Vulkan device in software, where Dawn finds it. It comes out of @sparticuz/chromium, once, into
 * node_modules/.cache.
 */
export function useSwiftShader(): void {
  const folder = unpackSwiftShader();
  const icd = join(folder, "vk_swiftshader_icd.json");
  process.env["VK_ICD_FILENAMES"] = icd;
  process.env["VK_DRIVER_FILES"] = icd;
  try {
    process.dlopen(
      { exports: {} },
      join(folder, "libvulkan.so.1"),
      constants.dlopen.RTLD_NOW | RTLD_NODELETE,
    );
  } catch (error) {
    // The loader is no Node addon and says so; it is mapped all the same, under the name that Dawn asks for.
    if (!(error instanceof Error) || !/self-register/.test(error.message)) throw error;
  }
}

/** The folder with the three files. Written beside it and renamed, so that a run that is killed leaves nothing half. */
function unpackSwiftShader(): string {
  const archive = findUp("bin/swiftshader.tar.br", fileURLToPath(import.meta.resolve("@sparticuz/chromium")));
  const cache = join(findUp("node_modules", fileURLToPath(import.meta.url)), ".cache");
  const folder = join(cache, "swiftshader");
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, "swiftshader-"));
  for (const { name, bytes } of untar(brotliDecompressSync(readFileSync(archive))))
    if (wanted.includes(name)) writeFileSync(join(fresh, name), bytes, { mode: 0o755 });
  try {
    renameSync(fresh, folder);
  } catch (error) {
    // Another process was faster; its files are the same.
    if (!existsSync(folder)) throw error;
    rmSync(fresh, { recursive: true });
  }
  return folder;
}

export function findUp(path: string, from: string): string {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const found = join(folder, path);
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) throw new Error(`there is no ${path} above ${from}`);
  }
}

/** The regular files of a tar: blocks of 512 bytes, a header with name and octal size before each file. */
export function* untar(tar: Buffer): Generator<{ name: string; bytes: Buffer }> {
  const text = (start: number, length: number): string =>
    tar
      .subarray(start, start + length)
      .toString("latin1")
      .replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8);
    const name = text(at, 100).split("/").at(-1) ?? "";
    yield { name, bytes: tar.subarray(at + 512, at + 512 + size) };
    at += 512 + 512 * Math.ceil(size / 512);
  }
}
