import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { findGguf } from "../../checkpoint/files/gguf.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { ownValue, type JsonObject } from "../../checkpoint/json.ts";
import { quote, quotePath } from "../../checkpoint/problem.ts";
import { exampleFor } from "../../lower/config/families.ts";
import { RUN_FILE } from "../project.ts";
import { readConfigFile } from "../source.ts";
import { stop } from "../stop.ts";
import { ggufConfig } from "./gguf.ts";

/** The examples of the package, from here and from where the package has its modules. */
const EXAMPLES = new URL("../../../examples/", import.meta.url);

/**
 * The model that a published checkpoint in the place of a model stands for: the example of its family. A checkpoint is a GGUF
 * file, a folder of one, or a folder with a config.json that is no run; undefined for other paths.
 */
export function publishedModel(path: string): string | undefined {
  const config = publishedConfig(path);
  if (config === undefined) return undefined;
  const family = ownValue(config, "model_type");
  if (typeof family !== "string")
    return stop(
      "E737",
      `the config of ${quotePath(path)} names no family: it has no \`model_type\``,
      remedyFor(path),
    );
  const example = exampleFor(family);
  if (example === undefined)
    return stop(
      "E737",
      `no example of lmg is of the family ${quote(family)}, of which ${quotePath(path)} is`,
      remedyFor(path),
    );
  // As a user in this folder would name it: the path stands in what is written.
  return relative("", fileURLToPath(new URL(example, EXAMPLES)));
}

function publishedConfig(path: string): JsonObject | undefined {
  const isFile = (name: string): boolean => kindOfPath(join(path, name)) === "file";
  if (isFile(RUN_FILE)) return undefined;
  if (isFile("config.json")) return readConfigFile(join(path, "config.json")).config;
  const gguf = findGguf(path);
  return gguf === undefined ? undefined : ggufConfig(gguf);
}

const remedyFor = (path: string): string =>
  `write the model, with a config section that speaks for it, and name both: lmg run MODEL.lmg --weights ${path}`;
