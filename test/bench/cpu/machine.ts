import { readFileSync } from "node:fs";
import { join } from "node:path";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** What a native library may use beyond the 128 bits that WebAssembly has. */
const VECTORS = ["avx2", "fma", "avx512f", "amx_tile"];

/** The processor, its vectors, and how busy it is, as figures are to be read with. */
export function describeMachine(): string {
  const flags = processorFlags();
  const vectors = VECTORS.filter((each) => flags.has(each)).join(", ");
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const load = loadavg()
    .map((each) => each.toFixed(1))
    .join(", ");
  return `${cpus()[0]!.model}, ${availableParallelism()} cores (${vectors}), ${memory}; load ${load}`;
}

function processorFlags(): ReadonlySet<string> {
  try {
    const flags = readFileSync("/proc/cpuinfo", "utf8").match(/^flags\s*: (.*)$/m)?.[1];
    return new Set(flags?.split(" "));
  } catch {
    return new Set(); // A system that does not tell.
  }
}

/** The peers, with the versions that they are pinned to. */
export function packages(): string {
  const text = readFileSync(join(import.meta.dirname, "package.json"), "utf8");
  const { dependencies } = JSON.parse(text) as { readonly dependencies: Readonly<Record<string, string>> };
  return Object.entries(dependencies)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}
