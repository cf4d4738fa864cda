import type { Out } from "../out.ts";
import { patientBar } from "../run/loading.ts";

/** Shows on a terminal how many texts were read, where that lasts; undefined where there is none. */
export function showReading({ terminal }: Out): ((done: number, total: number) => void) | undefined {
  if (terminal === undefined) return undefined;
  const show = patientBar(terminal, "texts");
  return (done, total) => show(done, total, `${done} of ${total}`);
}
