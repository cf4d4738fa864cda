import { join } from "node:path";
import { mergeLora } from "../../checkpoint/adapters/lora.ts";
import { readLoraConfig } from "../../checkpoint/adapters/config.ts";
import { readJsonFile } from "../../checkpoint/files/json.ts";
import { openCheckpoint, type Checkpoint } from "../../checkpoint/files/open.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { Problem } from "../../checkpoint/problem.ts";

/** The file in an adapter's folder that says what it is. */
export const ADAPTER_FILE = "adapter_config.json";

/** Whether a folder is an adapter's, which is no model by itself. */
export const isAdapter = (folder: string): boolean =>
  kindOfPath(folder) === "folder" && kindOfPath(join(folder, ADAPTER_FILE)) === "file";

/** A checkpoint with an adapter merged into it; `close` closes both. On a Problem both are closed. */
export function withAdapter(checkpoint: Checkpoint, folder: string): Checkpoint | Problem {
  const file = join(folder, ADAPTER_FILE);
  const json = readJsonFile(file);
  const config = json instanceof Problem ? json : readLoraConfig(json, file);
  const adapter =
    config instanceof Problem ? config : openCheckpoint(join(folder, "adapter_model.safetensors"));
  if (config instanceof Problem || adapter instanceof Problem) {
    checkpoint.close();
    return [config, adapter].find((each) => each instanceof Problem)!;
  }
  const close = (): void => {
    checkpoint.close();
    adapter.close();
  };
  const tensors = mergeLora(checkpoint.tensors, adapter.tensors, config, adapter.name);
  if (tensors instanceof Problem) {
    close();
    return tensors;
  }
  return { name: `${checkpoint.name} and ${adapter.name}`, tensors, close };
}
