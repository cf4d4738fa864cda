import type { GenerateOptions } from "../session/generate.ts";

/** What runs a model: WebAssembly, WebGPU, or JavaScript alone. */
export type ModuleTarget = "wasm" | "wgsl" | "ts";

/** How far a model is loaded: its bytes are fetched, then brought into the memory of what runs it. */
export interface LoadProgress {
  readonly phase: "download" | "memory";
  /** Bytes, of so many. */
  readonly loaded: number;
  readonly total: number;
}

/** What is known of a model that is loaded. */
export interface ModelFacts {
  readonly name: string;
  readonly target: ModuleTarget;
  /** How many threads of the processor run it. */
  readonly threads: number;
  /** The most tokens of a text; Infinity if there is no end. */
  readonly context: number;
  /** Whether it has a template for conversations. */
  readonly canChat: boolean;
  /** How generation_config.json has tokens drawn. Nothing is drawn so unless a call is given it. */
  readonly sampling: Omit<GenerateOptions, "signal">;
}
