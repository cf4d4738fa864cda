import type { Checkpoint } from "../../checkpoint/files/open.ts";
import { isConfigObject, type ConfigObject } from "../../lower/config/file.ts";

/** Whether a config is of a model of several parts, one of which is the text model. */
export const hasTextPart = (config: ConfigObject | undefined): boolean =>
  config !== undefined && Object.hasOwn(config, "text_config") && isConfigObject(config["text_config"]);

/** The parts that are no text models, by a word in the names of their tensors. */
const otherPart =
  /(^|\.)(vision_tower|vision_model|vision_encoder|visual|multi_modal_projector|multimodal_projector|audio_tower|embed_vision|embed_audio)\./;

/**
 * The tensors of the text model alone, by the names that it has by itself: within the whole they begin with
 * `model.language_model.` or, in older files, with `language_model.`.
 */
export function textTensors({ tensors, ...checkpoint }: Checkpoint): Checkpoint {
  const own = [...tensors].flatMap(([name, tensor]) =>
    otherPart.test(name)
      ? []
      : [
          [
            name.replace(/^model\.language_model\./, "model.").replace(/^language_model\./, ""),
            tensor,
          ] as const,
        ],
  );
  return { ...checkpoint, tensors: new Map(own) };
}
