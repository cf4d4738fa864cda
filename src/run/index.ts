/**
 * `lmg/run`: what it is to run a model that `lmg` compiled. No function touches files, and nothing needs Node: what does is
 * in `lmg/run/node`. What a user may get wrong comes back as a `Problem`; `orThrow` is for who would rather have it thrown.
 */
export { orThrow, Problem, ProblemError } from "../checkpoint/problem.ts";

export { targetNames, targets, type Switches, type TargetName, type TargetRow } from "../emit/targets.ts";
export type { Engine, Tensors } from "./engine.ts";
export { engines, openEngine } from "./engines.ts";
export type { EngineOptions } from "./engine-options.ts";
export { interpreterEngine } from "./interpreter-engine.ts";
export { pageAdapter, type FindAdapter } from "./device.ts";

export {
  matchWeights,
  randomWeights,
  safetensorsCheckpoint,
  type OpenedCheckpoint,
  type WeightNames,
  type Weights,
} from "./weights.ts";
export { readSafetensors, writeSafetensors, type Safetensors } from "../checkpoint/safetensors.ts";
export { matchParameters, type CheckpointTensor, type Match } from "../checkpoint/match.ts";
export { toFloat32, toHostTensor, toStored, type StoredTensor } from "../checkpoint/stored.ts";
export { findInput, inputTensor, missingInput } from "./inputs.ts";
export { completeDims, smallDims } from "./sizes.ts";
export { contextOf, tokenInput, tokenTensor, type Rows } from "./tokens.ts";
export { emptyPrompt, encodePrompt, findTokenizer, tokenizerFiles, type ReadJson } from "./tokenizer.ts";
export type { Encoded, Texts, Tokenizer } from "../text/tokenizer.ts";

export { familyModel } from "../families/models.ts";
export {
  Embedder,
  openEmbedder,
  similarityOf,
  type EmbedderOptions,
  type Embeddings,
  type EmbedOptions,
} from "./texts/embedder.ts";
export {
  Classifier,
  openClassifier,
  type Classified,
  type ClassifierForm,
  type ClassifierOptions,
  type Ranked,
  type Scoring,
} from "./texts/classifier.ts";
export { embeddingForm, type EmbeddingForm, type Similarity } from "./texts/form.ts";
export type { CheckpointFiles } from "./texts/files.ts";
export { poolings, type Pooling } from "./texts/pooling.ts";
export type { ReaderOptions } from "./texts/open-reader.ts";
export type { Cut, ReadingOptions } from "./texts/reader.ts";

export { inputsWith, nextTokens, outputOf, runModel, type RunnableModel } from "./model.ts";
export { likeliest, type Candidate } from "./candidates.ts";
export { generate, textSource, type GenerationOptions, type GenerationSource } from "./generation.ts";
export {
  generateText,
  generateTokens,
  type Generated,
  type GenerateOptions,
  type LogitsSource,
  type SessionMaker,
  type Stopped,
  type TextEncoding,
  type TextSession,
} from "../session/generate.ts";
export { generateBatch, type BatchOptions } from "../session/batch.ts";
export { Sampler, type Sampling } from "../session/sampling.ts";
export { StopTexts, TextPieces, type TextDecoding } from "../session/pieces.ts";
export { stopTokens } from "../checkpoint/config.ts";
export { decodingProgram, type Decoding, type DecodingOptions } from "../incremental/program.ts";
export { Refusal, type RefusalReason } from "../incremental/refusal.ts";
export { SessionError } from "../session/error.ts";
export type { SessionForm } from "../session/form.ts";
export type { Session, SessionOptions } from "../session/session.ts";
export type { StopSignal } from "../session/signal.ts";
export { batchDecoder, TextDecoder, textDecoder, type TextDecoderOptions } from "./text-decoder.ts";
export { openSessions, type AnySession, type SessionModel, type SessionsOptions } from "./sessions.ts";

export { compareTargets, type ComparedModel, type CompareOptions } from "./compare/compare.ts";
export { describeComparison, differencesBeyond, type Comparison } from "./compare/describe.ts";
export { outputDifferencesOf, type OutputDifference } from "./compare/differences.ts";
export { observeSteps, type Observed } from "./compare/observe.ts";

export { randomBatch } from "./probe/batch.ts";
export { probedLoss, type ProbedLoss } from "./probe/loss.ts";
export type { Measurement, Meter } from "./probe/measure.ts";
export { probeModel, withAfter, type MeasuredModel, type ProbedSubject } from "./probe/probe.ts";
export type { Probed, ProbedCase, ProbedEdge, ProbedTraining } from "./probe/probed.ts";
