import type { Source } from "../support/source.ts";
import { familyFile } from "./families.ts";
import { familySources } from "./sources.generated.ts";

/** The model of a published family by its `model_type`; undefined for one that none speaks for. */
export function familyModel(type: string): Source | undefined {
  const file = familyFile(type);
  return file === undefined ? undefined : familySources.find(({ name }) => name === file);
}
