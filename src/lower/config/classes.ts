import { isConfigObject, type ConfigObject } from "./file.ts";

/**
 * A config in which `num_labels` says how many classes the checkpoint's own head has, and does not stand where it has none: a
 * model that was made of a classifier may still have its labels. transformers writes `id2label` in its place, and nothing for two.
 */
export function withClasses(config: ConfigObject): ConfigObject {
  const { num_labels: stated, ...others } = config;
  const { architectures, id2label } = config;
  const head: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  if (typeof head !== "string" || !head.endsWith("ForSequenceClassification")) return others;
  const named = isConfigObject(id2label) ? Object.keys(id2label).length : 0;
  return { ...others, num_labels: named > 0 ? named : (stated ?? LABELS) };
}

/** How many there are where nothing is said. */
const LABELS = 2;
