import { Problem } from "../checkpoint/problem.ts";
import type { WebGpu } from "../emit/emitted.ts";
import { firstLine, type FindAdapter, type FoundAdapter } from "./device.ts";

/** WebGPU outside a browser: what the package `webgpu` (Dawn) exports. */
export interface WebGpuPackage {
  readonly create: (options: string[]) => WebGpu;
}

/** The adapter of this machine, in Node; `options` are those of the package: `backend=vulkan`, `adapter=NAME`. */
export const dawnAdapter =
  (
    options: readonly string[] = [],
    load: () => Promise<WebGpuPackage> = () => import("webgpu"),
  ): FindAdapter =>
  async () => {
    const dawn = await loadPackage(load);
    return dawn instanceof Problem ? dawn : requestAdapter(dawn, options);
  };

async function loadPackage(load: () => Promise<WebGpuPackage>): Promise<WebGpuPackage | Problem> {
  try {
    return await load();
  } catch (error) {
    return new Problem(
      "E830",
      `\`--target wgsl\` runs through the package \`webgpu\`, which cannot be loaded: ${firstLine(error)}`,
      "install it with `npm install webgpu`, or run the module of `lmg compile --target wgsl` in a browser",
    );
  }
}

/** Dawn throws for an option that it does not know. */
async function requestAdapter(
  { create }: WebGpuPackage,
  options: readonly string[],
): Promise<FoundAdapter | Problem> {
  try {
    const gpu = create([...options]);
    const adapter = await gpu.requestAdapter();
    if (adapter !== null) return { adapter, keep: gpu };
  } catch (error) {
    return new Problem("E831", `--dawn ${options.join(", ")}: ${firstLine(error)}`);
  }
  return new Problem(
    "E831",
    `this machine has no WebGPU adapter${options.length === 0 ? "" : ` for ${options.join(", ")}`}`,
    "`lmg compile --target wgsl` writes a module that runs in a browser; `--target ts` runs here",
  );
}
