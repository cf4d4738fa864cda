"""text_models.json: the text models of transformers by their `model_type`, with what each is for, from the lists of its Auto classes."""

import transformers
from transformers.models.auto import modeling_auto

from common import HERE, write_json

TEXT = {"causal": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", "masked": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
        "encoder-decoder": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES"}
# Whose inputs are, or may be, no texts.
OTHER = ["MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES", "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES", "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
         "MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING_NAMES", "MODEL_FOR_TEXT_TO_SPECTROGRAM_MAPPING_NAMES", "MODEL_FOR_VISION_2_SEQ_MAPPING_NAMES",
         "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES", "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
         "MODEL_FOR_DOCUMENT_QUESTION_ANSWERING_MAPPING_NAMES", "MODEL_FOR_VISUAL_QUESTION_ANSWERING_MAPPING_NAMES"]


def make():
    others = set().union(*(getattr(modeling_auto, name, {}) for name in OTHER))
    types = {}
    for task, name in TEXT.items():
        for model_type in getattr(modeling_auto, name):
            if model_type not in others:
                types.setdefault(model_type, []).append(task)
    write_json(HERE / "text_models.json", {"transformers": transformers.__version__, "types": dict(sorted(types.items()))})
    print(f"text_models.json: {len(types)} types")


if __name__ == "__main__":
    make()
