import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeFile } from "../../src/checkpoint/files.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { readText } from "../../src/checkpoint/files/read.ts";
import { places } from "../../src/checkpoint/places.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toFloat32, toStored } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { expectValue, fixture, messageOf } from "./fixtures.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lmg-test-"));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

const put = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const one = (name: string, value: number): Uint8Array =>
  writeSafetensors(new Map([[name, toStored(hostTensor("f32", [1], [value]))]]));

describe("a checkpoint on disk", () => {
  test("is opened by its file or its folder, and tensors are read when asked for", () => {
    put("model.safetensors", fixture("dtypes.safetensors"));
    for (const path of [folder, join(folder, "model.safetensors")]) {
      const checkpoint = expectValue(openCheckpoint(path));
      expect(toFloat32(checkpoint.tensors.get("scalar")!.read())).toStrictEqual(Float32Array.of(42));
      expect(checkpoint.tensors.size).toBe(13);
      checkpoint.close();
    }
  });

  test("may be cut into shards that an index lists", () => {
    put("one.safetensors", one("a", 1));
    put("two.safetensors", one("b", 2));
    put("model.safetensors.index.json", `{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}`);
    const checkpoint = expectValue(openCheckpoint(folder));
    expect(
      [...checkpoint.tensors].map(([name, tensor]) => [name, ...toFloat32(tensor.read())]),
    ).toStrictEqual([
      ["a", 1],
      ["b", 2],
    ]);
    checkpoint.close();
  });

  test("is refused if a shard lacks what the index promises", () => {
    put("one.safetensors", one("a", 1));
    const path = put(
      "model.safetensors.index.json",
      `{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}`,
    );
    expect(messageOf(openCheckpoint(folder))).toBe(`E709 ${path}: \`b\` is not in \`one.safetensors\``);
  });

  test("is refused with what is missing if a shard is not there", () => {
    put("one.safetensors", one("a", 1));
    const index = put(
      "model.safetensors.index.json",
      `{"weight_map":{"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"}}`,
    );
    const path = join(folder, "two.safetensors");
    for (const opened of [folder, index])
      expect(messageOf(openCheckpoint(opened))).toBe(
        `E700 cannot read \`${path}\`: there is no such file, and by \`${index}\` it has 2 tensors of the checkpoint, \`b\` first` +
          " | fetch `two.safetensors` again, and put it beside the index",
      );
  });

  test("is refused if its index is not there", () => {
    put("model-00001-of-00002.safetensors", one("a", 1));
    put("model-00002-of-00002.safetensors", one("b", 2));
    expect(messageOf(openCheckpoint(folder))).toBe(
      `E700 \`${folder}\` has 2 shards of a checkpoint, \`model-00001-of-00002.safetensors\` first, and no model.safetensors.index.json, which says what each shard has` +
        " | fetch model.safetensors.index.json from where the shards are from, and put it beside them",
    );
  });

  test("is refused if two shards hold one tensor", () => {
    put("one.safetensors", one("a", 1));
    const two = put("two.safetensors", one("a", 1));
    put("model.safetensors.index.json", `{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}`);
    expect(messageOf(openCheckpoint(folder))).toBe(
      `E709 ${two}: \`a\` is also in another file of the checkpoint`,
    );
  });

  test("is refused if it is not there, empty, or another folder", () => {
    const missing = join(folder, "no.safetensors");
    expect(messageOf(openCheckpoint(missing))).toBe(
      `E700 cannot read \`${missing}\`: there is no such file or folder`,
    );
    expect(messageOf(openCheckpoint(folder))).toBe(
      `E700 \`${folder}\` has neither model.safetensors nor model.safetensors.index.json | name the file: --weights FOLDER/FILE.safetensors`,
    );
    const empty = put("empty.safetensors", "");
    expect(messageOf(openCheckpoint(empty))).toBe(
      `E701 ${empty}: expected a safetensors file, which has at least 8 bytes, found 0`,
    );
  });
});

describe("writing a file", () => {
  test("replaces the old content and leaves nothing else behind", () => {
    const path = put("out.ts", "old");
    expect(writeFile(path, "new, größer")).toBeUndefined();
    expect(readText(path, places.text)).toBe("new, größer");
    expect(readdirSync(folder)).toStrictEqual(["out.ts"]);
  });

  test("that fails leaves the old content and nothing half-written", () => {
    const path = join(folder, "out");
    mkdirSync(path);
    put("out/keep", "kept");
    expect(messageOf(writeFile(path, "new"))).toBe(`E700 cannot write \`${path}\`: it is a folder`);
    expect(readFileSync(join(path, "keep"), "utf8")).toBe("kept");
    expect(readdirSync(folder)).toStrictEqual(["out"]);
  });

  test("into a folder that is not there is a problem", () => {
    const path = join(folder, "none", "out.ts");
    expect(messageOf(writeFile(path, "x"))).toBe(
      `E700 cannot write \`${path}\`: there is no such file or folder`,
    );
  });
});

test("a text that is not UTF-8 is a problem", () => {
  const path = put("model.lmg", Uint8Array.of(0x6d, 0xe9));
  expect(messageOf(readText(path, places.text))).toBe(
    `E703 ${path}: the text is not valid UTF-8: byte 1, in line 1, is e9`,
  );
});
