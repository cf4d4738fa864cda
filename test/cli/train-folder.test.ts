import { existsSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { writeNpy } from "../../src/checkpoint/npy.ts";
import { attempt } from "../../src/run/attempt.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { inFolder, lmg, mistake, put, trainableModel } from "./harness.ts";

inFolder({
  "tiny.lmg": trainableModel("tiny", "batch 2", "steps 3", "seed 1"),
  "text.txt": "the quick brown fox jumps over the lazy dog. ".repeat(40),
});

const into = (folder: string, ...more: string[]): string[] => [
  ...["train", "tiny.lmg", "--data", "text.txt", "--set", "vocab=28", "-o", folder],
  ...more,
];

async function done(...args: string[]): Promise<string> {
  const { code, text, notes } = await lmg(...args);
  if (code !== 0) throw new Error(notes);
  return text;
}

test("a run does not write over files that it did not make", async () => {
  for (const name of ["model.safetensors", "tokenizer.json", "report.html"]) {
    put(`published/${name}`, "mine");
    expect(await mistake(...into("published"))).toBe(
      `error[E858]: \`published\` holds no run, but has \`${name}\`, which a run would write over\n` +
        "  help: train into another folder with -o",
    );
    expect(readFileSync(`published/${name}`, "utf8")).toBe("mine");
    rmSync(`published/${name}`);
  }
  put("published/notes.txt", "mine");
  await done(...into("published"));
});

test("a run that has lost its checkpoint is not begun anew over what it left", async () => {
  await done(...into("lost"));
  const weights = readFileSync("lost/model.safetensors");
  rmSync("lost/checkpoint.safetensors");
  expect(await mistake(...into("lost"))).toBe(
    "error[E858]: `lost` holds a run without its checkpoint.safetensors, so it cannot go on\n" +
      "  help: put the file back, begin a new run in another folder with -o, or remove this one",
  );
  expect(readFileSync("lost/model.safetensors").equals(weights)).toBe(true);
  // As a run leaves it that was killed before its first checkpoint.
  rmSync("lost/metrics.jsonl");
  await done(...into("lost"));
});

test("a damaged checkpoint says what can be done", async () => {
  await done(...into("damaged"));
  put("damaged/checkpoint.safetensors", readFileSync("damaged/checkpoint.safetensors").subarray(0, 100));
  expect(await mistake(...into("damaged"))).toMatch(
    /^error\[E701\]: damaged\/checkpoint.safetensors: the file is truncated: .*\n {2}help: put a copy of it back; or begin a new run with -o in another folder, with --weights damaged\/model.safetensors from where this one was$/,
  );
});

test("weights that were moved away come back with the same command, also after the last step", async () => {
  await done(...into("moved"));
  const weights = readFileSync("moved/model.safetensors");
  rmSync("moved/model.safetensors");
  await done(...into("moved"));
  expect(readFileSync("moved/model.safetensors").equals(weights)).toBe(true);
});

test("a run that is over says nothing of how a shorter one would have ended", async () => {
  await done(...into("over"));
  const { text, notes } = await lmg(...into("over", "--steps", "2"));
  expect(text).toContain("the run ended after step 3; a larger --steps goes on from there\n");
  expect(notes).toBe("");
});

test("a lock that was left empty counts for the moment that writing one takes", async () => {
  put("empty/.lock", "");
  expect(await mistake(...into("empty"))).toContain("error[E857]: another process trains into `empty`");
  const aMinuteAgo = Date.now() / 1000 - 60;
  utimesSync("empty/.lock", aMinuteAgo, aMinuteAgo);
  await done(...into("empty"));
  expect(existsSync("empty/.lock")).toBe(false);
});

test("a path that leads nowhere is a mistake, whatever the system calls it", async () => {
  expect(await mistake(...into("text.txt"))).toBe(
    "error[E700]: cannot write `text.txt`: it is a file, and a run needs a folder",
  );
  expect(await mistake(...into("text.txt/run"))).toBe(
    "error[E700]: cannot write `text.txt/run`: a part of the path is not a folder",
  );
  symlinkSync("here", "there");
  symlinkSync("there", "here");
  expect(await mistake(...into("here"))).toBe(
    "error[E700]: cannot write `here`: its links lead back to itself",
  );
  expect(await mistake("run", "here", "--random", "0")).toBe(
    "error[E700]: cannot read `here`: its links lead back to itself",
  );
  const long = "x".repeat(300);
  expect(await mistake(...into("never", "--tokenizer", long))).toBe(
    `error[E700]: cannot read \`${long}\`: the path is too long`,
  );
  expect(existsSync("never")).toBe(false);
});

test("what is wrong with a text is said before what the model lacks for it", async () => {
  put("open.lmg", readFileSync("tiny.lmg", "utf8").replace("vocab = 28", "vocab"));
  put("cut.txt.gz", gzipSync("some text ".repeat(100)).subarray(0, -4));
  expect(await mistake("train", "open.lmg", "--data", "cut.txt.gz")).toBe(
    "error[E717]: cut.txt.gz: expected a gzip file, but it is damaged",
  );
  expect(await mistake("train", "open.lmg", "--data", "text.txt", "--data", "tiny.lmg")).toBe(
    "error[E754]: a text stands alone, but `text.txt` and `tiny.lmg` are two\n" +
      "  help: put them into one file, as with `cat`; --validation takes another",
  );
  put("short.txt", "fox");
  expect(await mistake(...into("never", "--validation", "short.txt"))).toBe(
    "error[E752]: short.txt: 3 tokens for validation cannot fill a window of 8 tokens and the one after it\n" +
      "  help: give a longer text or a shorter context",
  );
  expect(await mistake(...into("never", "--validation", "-1"))).toContain("found -1");
  put("one.txt", "x");
  expect((await lmg("train", "open.lmg", "--data", "one.txt")).notes).toBe(
    "vocab = 1, as the data has 1 character\n" +
      "error[E756]: one.txt: 1 token for validation would leave none of 1 to train on\n",
  );
});

test("the folder of a tokenizer stands for its files, and both go with the run", async () => {
  await done(...into("first"));
  const config = { clean_up_tokenization_spaces: false };
  put("given/tokenizer.json", readFileSync("first/tokenizer.json"));
  put("given/tokenizer_config.json", JSON.stringify(config));
  await done(...into("second", "--tokenizer", "given"));
  expect(JSON.parse(readFileSync("second/tokenizer_config.json", "utf8"))).toEqual(config);
  expect(readFileSync("second/tokenizer.json").equals(readFileSync("first/tokenizer.json"))).toBe(true);
  expect(await mistake(...into("never", "--tokenizer", "second/model"))).toBe(
    "error[E741]: --tokenizer expects characters, bpe:SIZE or a tokenizer.json, found `second/model`, a folder without one",
  );
});

test("arrays take no option of texts", async () => {
  put(
    "x.npy",
    writeNpy(
      hostTensor(
        "f32",
        [8, 2],
        Array.from({ length: 16 }, () => 0),
      ),
    ),
  );
  const arrays = ["train", "tiny.lmg", "--data", "tokens=x.npy"];
  expect(await mistake(...arrays, "--tokenizer", "bpe:300")).toBe(
    "error[E804]: --tokenizer is for a text, but `x.npy` is none",
  );
  expect(await mistake(...arrays, "--context", "3")).toBe(
    "error[E804]: --context is for a text, but `x.npy` is none",
  );
});

test("damaged lines of the metrics are left out, and no others", async () => {
  await done(...into("gaps", "--evaluate-every", "1"));
  const whole = readFileSync("gaps/metrics.jsonl", "utf8").split("\n");
  const damaged = whole.with(1, '{"step":1,"valid').with(2, "\0\0").with(3, '{"step":2}');
  put("gaps/metrics.jsonl", new Uint8Array([...Buffer.from(damaged.join("\n")), 0xff]));
  await done(...into("gaps", "--evaluate-every", "1"));
  expect(readFileSync("gaps/metrics.jsonl", "utf8").split("\n")).toEqual(whole.toSpliced(1, 3));
});

test("a folder where nothing was trained yet takes another attempt", async () => {
  put("wild.lmg", readFileSync("tiny.lmg", "utf8").replace("1e-2", "1e38"));
  // What an update made infinite is never the best, and no checkpoint.
  const wild = ["train", "wild.lmg", "--data", "text.txt", "-o", "attempt"];
  expect((await lmg(...wild)).notes).toContain("error[E856]");
  await done(...wild, "--lr", "1e-3");
  expect((await lmg(...wild, "--lr", "2e-3")).notes).toContain("error[E854]: attempt holds another run");
});

test("sizes that no memory holds are a mistake", async () => {
  expect(await mistake(...into("never", "--batch", "2147483647"))).toBe(
    "error[E756]: a batch of 2,147,483,647 windows of 8 tokens was asked for; it has at most 268,435,456 tokens",
  );
  expect(await attempt(() => new Float32Array(2 ** 40))).toMatchObject({
    code: "E835",
    message: "there is not enough memory for these sizes: Invalid typed array length: 1099511627776",
  });
  await expect(attempt(() => "".padEnd(2 ** 30))).rejects.toThrow(RangeError);
});
