import { isJsonObject, type JsonObject } from "../../checkpoint/json.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { within, type CheckpointFiles } from "../../run/texts/files.ts";
import { openAdapter, withAdapter } from "../run/adapters.ts";

/** A checkpoint's files with an adapter merged into the weights of the model in a folder of them; what follows it keeps its own. */
export function adapted(files: CheckpointFiles, folder: string, adapter: string): CheckpointFiles | Problem {
  const classes = classesOf(adapter);
  if (classes instanceof Problem) return classes;
  return {
    ...files,
    json: (path) => {
      const json = files.json(path);
      const isConfig = path === within(folder, "config.json");
      return classes === undefined || !isConfig || json === undefined || json instanceof Problem
        ? json
        : withHead(json, classes);
    },
    weights: (path) => {
      const checkpoint = files.weights(path);
      return path !== folder || checkpoint instanceof Problem ? checkpoint : withAdapter(checkpoint, adapter);
    },
  };
}

/** The last product of a classifier's head, as transformers calls it. */
const lastOfHead = /(^|\.)(classifier|classifier\.out_proj|score)\.weight$/;

/** Of how many classes the head is that an adapter has, which was trained with one; undefined if it has none. */
function classesOf(folder: string): number | undefined | Problem {
  const opened = openAdapter(folder);
  if (opened instanceof Problem) return opened;
  const { config, adapter, close } = opened;
  const head = [...adapter.whole].find(
    ([name, { shape }]) => lastOfHead.test(name) && shape.length === 2,
  )?.[1];
  close();
  return config.isClassifier ? head?.shape[0] : undefined;
}

/**
 * The config of a model to which an adapter brings a head for classes. One that has such a head stays: the adapter's takes its
 * place. Labels that are not of so many classes are those of another head.
 */
function withHead(config: JsonObject, classes: number): JsonObject {
  const { architectures, id2label, ...others } = config;
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  const name = typeof first === "string" ? first : "";
  if (name.endsWith(HEAD)) return config;
  const labels = isJsonObject(id2label) && Object.keys(id2label).length === classes ? { id2label } : {};
  const model = name.replace(/(For[A-Z]\w*|LMHeadModel|Model)$/, "");
  return { ...others, ...labels, architectures: [`${model}${HEAD}`], num_labels: classes };
}

const HEAD = "ForSequenceClassification";
