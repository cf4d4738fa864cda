import { Problem } from "../checkpoint/problem.ts";
import type { WebGpuAdapter, WebGpuDevice } from "../emit/emitted.ts";

/** An adapter, and what must be kept as long as it and its devices are used. */
export interface FoundAdapter {
  readonly adapter: WebGpuAdapter;
  readonly keep: unknown;
}

/** Finds the adapter that shaders run on: `pageAdapter` in a browser, `dawnAdapter` in Node. */
export type FindAdapter = () => Promise<FoundAdapter | Problem>;

export interface OpenDevice {
  readonly device: WebGpuDevice;
  /** The adapter as the user is told of it: `SwiftShader Device (LLVM 10.0.0), Vulkan`. */
  readonly adapter: string;
  readonly close: () => void;
}

/** That of the page, or of whatever else has `navigator.gpu`. */
export const pageAdapter: FindAdapter = async () => {
  const gpu = (globalThis.navigator as Partial<Navigator> | undefined)?.gpu;
  const adapter = (await gpu?.requestAdapter()) ?? undefined;
  return adapter === undefined
    ? new Problem("E831", "there is no WebGPU adapter here", "the target ts runs without")
    : { adapter, keep: gpu };
};

/** Limits that a large model needs and that an adapter gives as far as it can. */
const raised = ["maxBufferSize", "maxStorageBufferBindingSize"] as const;

/** A device with these features and the largest buffers that its adapter allows. */
export async function openDevice(
  find: FindAdapter,
  features: readonly string[] = [],
): Promise<OpenDevice | Problem> {
  const found = await find();
  if (found instanceof Problem) return found;
  const { adapter } = found;
  const missing = features.filter((feature) => !adapter.features.has(feature));
  if (missing.length > 0)
    return new Problem(
      "E831",
      `the WebGPU adapter ${describeAdapter(adapter)} has no ${missing.join(" and no ")}`,
    );
  const device = await requestDevice(adapter, features as readonly GPUFeatureName[]);
  if (device instanceof Problem) return device;
  const owner = { keep: found.keep };
  owners.add(owner);
  const close = (): void => {
    device.destroy();
    owners.delete(owner);
  };
  return { device, adapter: describeAdapter(adapter), close };
}

/**
 * What devices came from, until they are closed: a device does not keep that alive, and without it the process crashes. So it
 * is held here, whoever holds the device.
 */
const owners = new Set<object>();

async function requestDevice(
  adapter: WebGpuAdapter,
  features: readonly GPUFeatureName[],
): Promise<GPUDevice | Problem> {
  const requiredLimits = Object.fromEntries(raised.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return await adapter.requestDevice({ requiredFeatures: [...features], requiredLimits });
  } catch (error) {
    return new Problem(
      "E831",
      `the WebGPU adapter ${describeAdapter(adapter)} gives no device: ${firstLine(error)}`,
    );
  }
}

/** The first line of what was thrown. */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

/** The adapter's name, as its driver says it. */
export function describeAdapter(adapter: WebGpuAdapter): string {
  const { info } = adapter;
  const name = info.description || info.device || info.architecture || info.vendor;
  return name === "" ? "without a name" : name;
}
