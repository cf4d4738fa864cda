import { join } from "node:path";
import { findGguf } from "../../checkpoint/files/gguf.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { isJsonObject, ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { quote, quotePath } from "../../checkpoint/problem.ts";
import { familyModel } from "../../families/models.ts";
import type { Source } from "../../support/source.ts";
import { RUN_FILE } from "../project.ts";
import { readConfigFile } from "../source.ts";
import { stop } from "../stop.ts";
import { isAdapter } from "./adapters.ts";
import { ggufConfig } from "./gguf.ts";

const isFile = (folder: string, name: string): boolean => kindOfPath(join(folder, name)) === "file";

/** A folder with a config.json that is no run of `lmg train`. */
export const isPublishedFolder = (path: string): boolean =>
  isFile(path, "config.json") && !isFile(path, RUN_FILE);

/**
 * The model that a published checkpoint in the place of a model stands for: that of its family. A checkpoint is a GGUF file, a
 * folder of one, or a folder with a config.json that is no run; undefined for other paths.
 */
export function publishedModel(path: string): Source | undefined {
  const config = publishedConfig(path);
  if (config === undefined) return isAdapter(path) ? refuseAdapter(path) : undefined;
  const families = [config, ownValue(config, "text_config")].flatMap((part) => {
    const family = isJsonObject(part) ? ownValue(part, "model_type") : undefined;
    return typeof family === "string" ? [family] : [];
  });
  const [family] = families;
  if (family === undefined)
    return stop(
      "E737",
      `the config of ${quotePath(path)} names no family: it has no \`model_type\``,
      remedyFor(path),
    );
  const known = families.map(familyModel).find((model) => model !== undefined);
  if (known !== undefined) return known;
  const code = ownValue(config, "auto_map");
  return stop(
    "E737",
    `lmg has no model of the family ${quote(family)}, of which ${quotePath(path)} is` +
      (isJsonObject(code) ? `: it brings code of its own (\`auto_map\`), and lmg runs none` : ""),
    remedyFor(path),
  );
}

const refuseAdapter = (path: string): never =>
  stop(
    "E737",
    `${quotePath(path)} is an adapter, no model: it changes the weights of another`,
    `name that one, and this with --adapter: lmg run MODEL --adapter ${path}`,
  );

/** The config.json of a published checkpoint, or what its GGUF file says of it; undefined for other paths. */
export function publishedConfig(path: string): JsonObject | undefined {
  if (isPublishedFolder(path)) return readConfigFile(join(path, "config.json")).config;
  if (isFile(path, RUN_FILE)) return undefined;
  const gguf = findGguf(path);
  return gguf === undefined ? undefined : ggufConfig(gguf);
}

const remedyFor = (path: string): string =>
  `write the model, with a config section that speaks for it, and name both: lmg run MODEL.lmg --weights ${path}`;
