import { make } from "../dom.ts";
import type { PageEngine } from "../model.ts";

/** A choice of what a model runs on: WebAssembly, and WebGPU where there is one. */
export function engineChoice(): HTMLSelectElement & { readonly value: PageEngine } {
  const choice = make("select", { name: "engine" }, make("option", { value: "wasm" }, "WebAssembly"));
  if ("gpu" in navigator) choice.append(make("option", { value: "wgsl" }, "WebGPU"));
  return choice as HTMLSelectElement & { readonly value: PageEngine };
}
