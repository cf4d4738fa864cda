/// <reference types="@webgpu/types" />
import { create } from "webgpu";
import { dawnAdapter } from "../../src/run/dawn.ts";
import type { FindAdapter } from "../../src/run/device.ts";
import { useSwiftShader } from "./swiftshader.ts";
import { askCalmly } from "./turns.ts";

/** Devices live as long as the GPU object that made them: dropping that one crashes Dawn. */
const held: GPU[] = [];

/**
 * A device of Dawn's null backend: it checks shaders, pipelines and calls as every browser does, on any machine, and
 * executes nothing.
 */
export async function validationDevice(features: readonly GPUFeatureName[] = []): Promise<GPUDevice> {
  const device = await deviceOf(["backend=null"], features);
  if (device === undefined) throw new Error("Dawn has no null backend");
  return device;
}

/**
 * SwiftShader unrolls the zeros of workgroup memory that Vulkan offers to write, which makes a kernel with 8 KiB of it
 * compile in over a second; without the offer Dawn writes a loop, and it takes a twentieth.
 */
const softwareOptions = [
  "backend=vulkan",
  "disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
];

/**
 * A device that executes: SwiftShader on x86-64 Linux, elsewhere the machine's own. Undefined if there is none; then
 * tests say so and are skipped, but under CI=true that is a failure.
 */
export async function executionDevice(
  features: readonly GPUFeatureName[] = [],
): Promise<GPUDevice | undefined> {
  const isSoftware = process.platform === "linux" && process.arch === "x64";
  if (isSoftware) {
    useSwiftShader();
    askCalmly();
  }
  const device = await deviceOf(isSoftware ? softwareOptions : [], features);
  if (device !== undefined) return device;
  const line = "validated, not executed: no WebGPU adapter";
  if (process.env["CI"] === "true") throw new Error(line);
  console.warn(line);
  return undefined;
}

/** The same adapter, as what runs models finds one; undefined if there is none. */
export async function executionAdapter(): Promise<FindAdapter | undefined> {
  // Says that there is none, or fails.
  const device = await executionDevice();
  device?.destroy();
  const options = process.platform === "linux" && process.arch === "x64" ? softwareOptions : [];
  return device && dawnAdapter(options);
}

async function deviceOf(
  options: string[],
  features: readonly GPUFeatureName[],
): Promise<GPUDevice | undefined> {
  const gpu = create(options);
  held.push(gpu);
  const adapter = await gpu.requestAdapter();
  return adapter === null
    ? undefined
    : adapter.requestDevice({ requiredFeatures: features.filter((name) => adapter.features.has(name)) });
}
