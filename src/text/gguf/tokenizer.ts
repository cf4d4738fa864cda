import type { Metadata } from "../../checkpoint/gguf/metadata.ts";
import { Problem, ProblemError, quote } from "../../checkpoint/problem.ts";
import { Unreadable } from "../huggingface/section.ts";
import { huggingFaceTokenizer } from "../huggingface/tokenizer.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { bytePairsFile, wordPiecesFile } from "./files.ts";
import { sentencePieceTokenizer } from "./sentencepiece.ts";
import { TokenizerKeys } from "./vocabulary.ts";

/**
 * The tokenizer in a GGUF file's metadata; undefined if it has none. Of another kind than `llama` (SentencePiece), `gpt2`
 * (pairs of bytes) and `bert` (word pieces) it is a problem.
 */
export function ggufTokenizer(metadata: Metadata, name: string): Tokenizer | Problem | undefined {
  const keys = new TokenizerKeys(metadata, name);
  try {
    const kind = keys.text("model");
    switch (kind) {
      case undefined:
      case "none":
        return undefined;
      case "llama":
        return sentencePieceTokenizer(keys);
      case "gpt2":
        return huggingFaceTokenizer(bytePairsFile(keys), {}, name);
      case "bert":
        return huggingFaceTokenizer(wordPiecesFile(keys), {}, name);
      default:
        return keys.refuse(
          `\`tokenizer.ggml.model\` is ${quote(kind)}; llama, gpt2 and bert are read`,
          "name the tokenizer.json of the model that the file was made of with --tokenizer",
        );
    }
  } catch (error) {
    if (error instanceof ProblemError) return error.problems[0]!;
    if (error instanceof Unreadable) return new Problem("E744", `${name}: ${error.message}`, error.help);
    throw error;
  }
}
