import type { ExportFiles } from "./exported.ts";

interface ExportEngine {
  /** What it writes, in a few words. */
  readonly writes: string;
  readonly load: () => Promise<{ readonly exportFiles: ExportFiles }>;
}

/** The engines that `--target` names beside lmg's own. */
export const exportEngines: ReadonlyMap<string, ExportEngine> = new Map([
  [
    "torch",
    {
      writes: "a model and its training for PyTorch, on one process or many",
      load: () => import("./torch.ts"),
    },
  ],
  [
    "jax",
    {
      writes: "a model and its training step for JAX, on one device or a mesh",
      load: () => import("./jax.ts"),
    },
  ],
]);
