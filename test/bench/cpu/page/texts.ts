/** Sentences of everyday length, all different, so that nothing is found among what was tokenized before. */
export const sentences: readonly string[] = [
  "The ferry to the northern islands leaves twice a day until the end of October.",
  "Nobody in the village could say when the old mill had last been running.",
  "A committee of seven will read the drafts and answer before the first of May.",
  "Please store the vaccine between two and eight degrees, and never freeze it.",
  "Her second novel was translated into eleven languages within a single year.",
  "The bridge is closed to heavy trucks while its northern cables are replaced.",
  "Interest rates rose by a quarter of a point, as most analysts had expected.",
  "We walked along the dry riverbed and found the prints of a large cat.",
  "The orchestra rehearsed the slow movement until well after midnight.",
  "Solar panels on the roof of the school now cover half of what it needs.",
  "He asked for a refund because the zipper broke on the second day.",
  "Two astronomers reported a faint companion close to the bright star.",
  "The recipe calls for three eggs, a cup of flour and a pinch of nutmeg.",
  "An appeal must be filed in writing within thirty days of the decision.",
  "Trains on the coastal line are delayed by fallen trees near the tunnel.",
  "The museum lends its smaller prints to schools in the whole county.",
  "My grandmother kept every letter that he sent her from the merchant navy.",
  "The patch repairs a race between the writer of the log and its reader.",
  "Goats are cheaper to keep than cows, but fences have to be much better.",
  "The court found that the sign had been too small to be read from a car.",
  "Wheat prices fell sharply after a wet spring in the southern plains.",
  "Volunteers counted nearly four thousand cranes along the lower lake.",
  "The new keyboard is quiet, heavy, and a little too wide for my desk.",
  "Her lecture compares the harbours of three cities before the age of steam.",
];

/** As many sentences in a row as the published model reads at once. */
const IN_A_ROW = 8;

/** Longer texts, of the same sentences. */
export const paragraphs: readonly string[] = sentences.flatMap((_, at) =>
  at % IN_A_ROW === 0 ? [sentences.slice(at, at + IN_A_ROW).join(" ")] : [],
);
