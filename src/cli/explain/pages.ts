import { explanations } from "./pages.generated.ts";

/** A file that an example needs. */
export interface ExampleFile {
  readonly name: string;
  readonly text: string;
  /** It is no text: bytes are written as they are in C, and lines are joined. */
  readonly escaped: boolean;
}

/** What the file holds. */
export const contentOf = ({ text, escaped }: ExampleFile): Uint8Array =>
  escaped
    ? Uint8Array.from(text.match(/\\x[\da-f]{2}|[^\n]/g) ?? [], (byte) =>
        byte.length === 1 ? byte.charCodeAt(0) : parseInt(byte.slice(2), 16),
      )
    : new TextEncoder().encode(text);

/** What `lmg explain` says of a code. */
export interface Page {
  readonly code: string;
  /** What it means and what to do, in a few sentences. */
  readonly text: string;
  /** Texts that give the code: a model or a graph, or what the command reads beside `tiny.lmg`. */
  readonly files: readonly ExampleFile[];
  /** The command that gives the code, if a look at the text is not enough. */
  readonly command: string | undefined;
}

/** The name of an example that a command need not name. */
export const EXAMPLE = "example.lmg";

/** Every page, in the order of the codes. */
export const pages = (): readonly Page[] =>
  explanations
    .flatMap(({ text }) => text.split(/^## /m).slice(1).map(readPage))
    .sort((a, b) => (a.code < b.code ? -1 : 1));

/** A section of a file of this folder: the code, a paragraph, and fenced examples. */
function readPage(section: string): Page {
  const [code = ""] = /^\w+/.exec(section) ?? [];
  const text = section.slice(code.length).split("```")[0]!.trim();
  const fences = [...section.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$/gm)];
  const files = fences
    .filter(([, kind]) => kind !== "console")
    .map(([, kind, name, content]) => ({
      name: name === "" ? EXAMPLE : name!,
      text: content!,
      escaped: kind === "bytes",
    }));
  const command = fences.find(([, kind]) => kind === "console")?.[3];
  return { code, text, files, command: command?.trim().replace(/^\$ /, "") };
}

/** The model that commands of examples read: `tiny.lmg`. */
export const tinyExample: ExampleFile = {
  name: "tiny.lmg",
  escaped: false,
  text: `model tiny(vocab = 11, dim = 8, depth = 2) {
  input tokens: i32[B, T <= 4]
  wte: embedding(vocab, dim)
  repeat depth as h {
    residual pre ln: layernorm { mlp: ffn(2 * dim) }
  }
  norm: layernorm
  unembed(wte)
  output logits: f32[B, T, vocab]
}
`,
};
