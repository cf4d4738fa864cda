import { expect, test } from "vitest";
import { crc32c, eventFile } from "../../src/study/tensorboard.ts";

test("CRC-32C has its check value, and those of RFC 3720", () => {
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
});

test("an event is what TensorBoard's own writer writes of it", () => {
  // By `python test/golden/event_file.py`.
  const golden = "1b000000000000001a0d9e1309000000000000f83f10ac022a0d0a0b0a046c6f7373150000003f69f9315b";
  const bytes = Buffer.from(eventFile([{ step: 300, seconds: 1.5, values: { loss: 0.5 } }]));
  expect(bytes.toString("hex").endsWith(golden)).toBe(true);
});
