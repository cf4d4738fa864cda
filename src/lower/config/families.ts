import { familyExamples } from "./families.generated.ts";

/** The example whose config section speaks for a `model_type`: `qwen3.lmg`. */
export const exampleFor = (family: string): string | undefined =>
  familyExamples.find(({ families }) => families.includes(family))?.file;
