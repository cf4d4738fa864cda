import { Template } from "@huggingface/jinja";
import { ownValue, type JsonObject, type JsonValue } from "../checkpoint/json.ts";
import { Problem } from "../checkpoint/problem.ts";

/** What one side says in a conversation: `system`, `user`, `assistant`, or what else a template knows. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** Makes of a conversation the text that a model goes on with: the beginning of its answer stands at the end. */
export type ChatTemplate = (messages: readonly ChatMessage[]) => string | Problem;

/** The tokens that a template may name, as transformers gives them. */
const SPECIAL_TOKENS = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((name) => `${name}_token`);

/**
 * The template of a tokenizer_config.json, or the text of a chat_template.jinja, which wins; undefined if there is neither.
 * Of several templates the one called `default` is taken. `name` stands in front of messages.
 */
export function chatTemplate(
  config: JsonObject,
  file: string | undefined,
  name: string,
): ChatTemplate | Problem | undefined {
  const text = file ?? templateOf(ownValue(config, "chat_template"));
  if (text === undefined) return undefined;
  const tokens = Object.fromEntries(
    SPECIAL_TOKENS.flatMap((key): [string, string][] => {
      const token = tokenText(ownValue(config, key));
      return token === undefined ? [] : [[key, token]];
    }),
  );
  const template = attempted(() => new Template(text), `${name}: its chat template cannot be read`);
  if (template instanceof Problem) return template;
  return (messages) =>
    attempted(
      () => template.render({ ...tokens, messages, add_generation_prompt: true }),
      `${name}: its chat template takes no such conversation`,
    );
}

function templateOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = value.filter(
    (each): each is JsonObject => typeof each === "object" && each !== null && !Array.isArray(each),
  );
  const chosen = named.find((each) => ownValue(each, "name") === "default") ?? named[0];
  const text = chosen === undefined ? undefined : ownValue(chosen, "template");
  return typeof text === "string" ? text : undefined;
}

/** A token as a config writes it: its text, or an object that has it. */
function tokenText(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const content = ownValue(value as JsonObject, "content");
  return typeof content === "string" ? content : undefined;
}

/** Whatever a template throws says what is wrong with it, or what it refuses. */
function attempted<T>(work: () => T, what: string): T | Problem {
  try {
    return work();
  } catch (error) {
    return new Problem("E838", `${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
