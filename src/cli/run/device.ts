/// <reference types="@webgpu/types" />
import { stop } from "../stop.ts";

/** WebGPU outside a browser: what the package `webgpu` (Dawn) exports. */
export interface WebGpuPackage {
  readonly create: (options: string[]) => GPU;
}

export interface OpenDevice {
  readonly device: GPUDevice;
  /** The adapter as the user is told of it: `SwiftShader Device (LLVM 10.0.0), Vulkan`. */
  readonly adapter: string;
  readonly close: () => void;
}

export interface DeviceRequest {
  readonly features?: readonly string[];
  /** Options of the package: `backend=vulkan`, `adapter=NAME`. */
  readonly dawn?: readonly string[];
  readonly load?: () => Promise<WebGpuPackage>;
}

/** Limits that a large model needs and that an adapter gives as far as it can. */
const raised = ["maxBufferSize", "maxStorageBufferBindingSize"] as const;

/** An adapter of this machine; what is missing ends the command. */
export async function openAdapter({
  dawn = [],
  load = () => import("webgpu"),
}: DeviceRequest): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter }> {
  const { create } = await loadPackage(load);
  const { gpu, adapter } = await requestAdapter(create, dawn);
  if (adapter === null)
    return stop(
      "E831",
      `this machine has no WebGPU adapter${dawn.length === 0 ? "" : ` for ${dawn.join(", ")}`}`,
      "`lmg compile --target wgsl` writes a module that runs in a browser; `--target ts` runs here",
    );
  return { gpu, adapter };
}

/** Dawn throws for an option that it does not know. */
async function requestAdapter(
  create: WebGpuPackage["create"],
  dawn: readonly string[],
): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter | null }> {
  try {
    const gpu = create([...dawn]);
    return { gpu, adapter: await gpu.requestAdapter() };
  } catch (error) {
    return stop("E831", `--dawn ${dawn.join(", ")}: ${messageOf(error)}`);
  }
}

/** The first line of what was thrown. */
const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

/** A device with the largest buffers that its adapter allows; what is missing ends the command. */
export async function openDevice(request: DeviceRequest): Promise<OpenDevice> {
  const { gpu, adapter } = await openAdapter(request);
  const features = (request.features ?? []) as readonly GPUFeatureName[];
  const missing = features.filter((feature) => !adapter.features.has(feature));
  if (missing.length > 0)
    return stop("E831", `the WebGPU adapter ${describe(adapter)} has no ${missing.join(" and no ")}`);
  const device = await requestDevice(adapter, features);
  // A device does not keep the object alive that it came from, and without that object the process crashes.
  const owner: { gpu: GPU | undefined } = { gpu };
  const close = (): void => {
    device.destroy();
    owner.gpu = undefined;
  };
  return { device, adapter: describe(adapter), close };
}

async function requestDevice(adapter: GPUAdapter, features: readonly GPUFeatureName[]): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(raised.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return await adapter.requestDevice({ requiredFeatures: [...features], requiredLimits });
  } catch (error) {
    return stop("E831", `the WebGPU adapter ${describe(adapter)} gives no device: ${messageOf(error)}`);
  }
}

/** The adapter's name, as its driver says it. */
export function describe({ info }: GPUAdapter): string {
  const name = info.description || info.device || info.architecture || info.vendor;
  return name === "" ? "without a name" : name;
}

async function loadPackage(load: () => Promise<WebGpuPackage>): Promise<WebGpuPackage> {
  try {
    return await load();
  } catch (error) {
    return stop(
      "E830",
      `\`--target wgsl\` runs through the package \`webgpu\`, which cannot be loaded: ${messageOf(error)}`,
      "install it with `npm install webgpu`, or run the module of `lmg compile --target wgsl` in a browser",
    );
  }
}
