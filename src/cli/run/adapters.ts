import { join } from "node:path";
import { mergeLora, readAdapter, type Adapter } from "../../checkpoint/adapters/lora.ts";
import { readLoraConfig, type LoraConfig } from "../../checkpoint/adapters/config.ts";
import { readJsonFile } from "../../checkpoint/files/json.ts";
import { openCheckpoint, type Checkpoint } from "../../checkpoint/files/open.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { joinPublished } from "../../checkpoint/quantized/published.ts";

/** The file in an adapter's folder that says what it is. */
export const ADAPTER_FILE = "adapter_config.json";

/** Whether a folder is an adapter's, which is no model by itself. */
export const isAdapter = (folder: string): boolean =>
  kindOfPath(folder) === "folder" && kindOfPath(join(folder, ADAPTER_FILE)) === "file";

/** An adapter that was opened: what its config says, and what it has; `close` ends the reading. */
export interface OpenedAdapter {
  readonly name: string;
  readonly config: LoraConfig;
  readonly adapter: Adapter;
  readonly close: () => void;
}

/** Opens the adapter of a folder. */
export function openAdapter(folder: string): OpenedAdapter | Problem {
  const file = join(folder, ADAPTER_FILE);
  const json = readJsonFile(file);
  if (json instanceof Problem) return json;
  const config = readLoraConfig(json, file);
  if (config instanceof Problem) return config;
  const opened = openCheckpoint(join(folder, "adapter_model.safetensors"));
  if (opened instanceof Problem) return opened;
  const { name, tensors, close } = opened;
  const adapter = readAdapter(tensors, config, name);
  if (!(adapter instanceof Problem)) return { name, config, adapter, close };
  close();
  return adapter;
}

/** A checkpoint with an adapter merged into it, codes as what they stand for; `close` closes both. On a Problem both are closed. */
export function withAdapter(checkpoint: Checkpoint, folder: string): Checkpoint | Problem {
  const opened = openAdapter(folder);
  if (opened instanceof Problem) {
    checkpoint.close();
    return opened;
  }
  const { name, config, adapter } = opened;
  const close = (): void => {
    checkpoint.close();
    opened.close();
  };
  const stored = joinPublished(checkpoint.tensors, checkpoint.name);
  const tensors = stored instanceof Problem ? stored : mergeLora(stored, adapter, config, name);
  if (tensors instanceof Problem) {
    close();
    return tensors;
  }
  return { name: `${checkpoint.name} and ${name}`, tensors, close };
}
