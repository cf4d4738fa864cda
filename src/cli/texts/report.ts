/** How much of a text a line of a table shows, in characters. */
const MOST_SHOWN = 60;

/** A text in a line, cut where it is long. */
export function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const characters = Array.from(line);
  return characters.length > MOST_SHOWN ? `${characters.slice(0, MOST_SHOWN - 1).join("")}…` : line;
}

/** Four digits are what scores are told apart by. */
export const showScore = (score: number): string => score.toFixed(4);
