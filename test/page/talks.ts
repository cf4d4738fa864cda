import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram } from "../../src/cli/program.ts";
import type { PageFiles } from "../browser/tabs.ts";

export const whale = "examples/weights/whale";

/** Lines that take turns, as the small model knows lines; a system message is refused. */
export const template =
  "{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system here') }}{% endif %}{{ message.content }}\n{% endfor %}";

/** A folder for the tests of a file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lmg-page-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** The shipped model as a checkpoint that can be talked to: the same weights, and a chat template. */
export function talkingWhale(folder: string): string {
  const path = join(folder, "whale");
  mkdirSync(path);
  cpSync(whale, path, { recursive: true });
  const config = JSON.parse(readFileSync(join(whale, "tokenizer_config.json"), "utf8")) as object;
  writeFileSync(join(path, "tokenizer_config.json"), JSON.stringify({ ...config, chat_template: template }));
  return path;
}

/** Writes a page with the command line, which is to have nothing to say. */
export async function compilePage(...args: string[]): Promise<string> {
  const out = new TextOut();
  const code = await runProgram(["compile", ...args, "--generate"], out);
  if (code !== 0 || out.notes !== "") throw new Error(`lmg compile --generate: code ${code}\n${out.notes}`);
  return out.text;
}

/** All files below a folder, as they are served. */
export const filesIn = (folder: string): PageFiles =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(folder.length + 1), readFileSync(path)];
      }),
  );

/** The same page of a model that takes texts of any length: what ends one is who asks for it, however late it is heard. */
export function endless(files: PageFiles, manifest: string): PageFiles {
  const said = JSON.parse(String(files.get(manifest))) as object;
  return new Map([...files, [manifest, JSON.stringify({ ...said, context: undefined })]]);
}
