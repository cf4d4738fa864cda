import { readBytePairs } from "./byte-pairs.ts";
import { readKind, type Kinds, type Section } from "./section.ts";
import { readUnigram } from "./unigram.ts";
import type { Model } from "./vocabulary.ts";
import { readWordLevel, readWordPiece } from "./words.ts";

/** As the structures of this name in `tokenizers::models`. */
const MODELS: Kinds<Model> = {
  BPE: readBytePairs,
  Unigram: readUnigram,
  WordLevel: readWordLevel,
  WordPiece: readWordPiece,
};

/** The model of a file; older files do not say its type, which its members tell. */
export function readModel(section: Section): Model {
  if (section.has("type")) return readKind(section, MODELS);
  const read = section.has("merges")
    ? readBytePairs
    : section.has("max_input_chars_per_word")
      ? readWordPiece
      : section.has("unk_id")
        ? readUnigram
        : readWordLevel;
  const model = read(section);
  section.end();
  return model;
}
