import type { Generated, GenerateOptions } from "../session/generate.ts";
import type { ChatMessage } from "../text/chat.ts";
import type { LoadProgress, ModelFacts, ModuleTarget } from "./facts.ts";

/** Asks for the model of a folder; the first message. */
export interface OpenMessage {
  readonly kind: "open";
  /** The address of the folder, with a slash at its end. */
  readonly folder: string;
  /** What the worker is to lock as long as it lives: who waits for the lock hears of its end. */
  readonly lock: string;
  readonly threads: number | undefined;
  readonly target: ModuleTarget | undefined;
}

/** Asks for a text: what comes behind a prompt, or the answer in a conversation. */
export interface WriteMessage {
  readonly kind: "write";
  readonly call: number;
  readonly from: { readonly prompt: string } | { readonly messages: readonly ChatMessage[] };
  readonly options: Omit<GenerateOptions, "signal">;
}

/** Ends a text after the step that runs. */
export interface StopMessage {
  readonly kind: "stop";
  readonly call: number;
}

/** What a page asks its worker for. */
export type ToWorker = OpenMessage | WriteMessage | StopMessage;

/** An error as it goes from one thread to another. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
}

/** What a worker tells its page. */
export type ToPage =
  /** It holds its lock. */
  | { readonly kind: "alive" }
  | { readonly kind: "progress"; readonly progress: LoadProgress }
  | { readonly kind: "opened"; readonly facts: ModelFacts }
  | { readonly kind: "refused"; readonly error: ErrorRecord }
  | CallMessage;

/** What becomes of a text that was asked for. */
export type CallMessage =
  | { readonly kind: "text"; readonly call: number; readonly text: string }
  | { readonly kind: "ended"; readonly call: number; readonly result: Generated }
  | { readonly kind: "failed"; readonly call: number; readonly error: ErrorRecord };
