import type { UsedFile } from "./model.ts";

/** The name of the file on disk that `lmg play` serves this page for; undefined for any other page. */
export const servedFile = document.documentElement.dataset["play"];

/** The file as it is now, with those that it uses. */
export async function readServed(): Promise<{ readonly text: string; readonly files: readonly UsedFile[] }> {
  const answer = await fetch("model");
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as { text: string; files: readonly UsedFile[] };
}

/** Writes the file; why it could not, or undefined. */
export async function saveServed(text: string): Promise<string | undefined> {
  const answer = await fetch("model", { method: "PUT", body: text });
  return answer.ok ? undefined : answer.text();
}
