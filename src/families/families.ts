import { familyTypes } from "./types.generated.ts";

/** The file of the model that speaks for a `model_type`: `families/qwen2.lmg`, `examples/llama.lmg`. */
export const familyFile = (type: string): string | undefined =>
  familyTypes.find(({ families }) => families.includes(type))?.name;

/** Every `model_type` that some model speaks for, in the order of names. */
export const knownFamilies = (): readonly string[] =>
  familyTypes.flatMap(({ families }) => families).toSorted();
