import { assertEquals, assertThrows } from "@std/assert";
import { addressText } from "../../../src/domain/address.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { parsePeerPrefix } from "../../../src/input/peer_prefix.ts";

const ACCEPTED: readonly [text: string, address: string, bits: number, port: number | null][] = [
  ["10.0.0.5", "10.0.0.5", 32, null],
  ["10.0.0.0/24", "10.0.0.0", 24, null],
  ["10.0.0.0/24:5432", "10.0.0.0", 24, 5432],
  ["10.0.0.5:5432", "10.0.0.5", 32, 5432],
  ["0.0.0.0/0", "0.0.0.0", 0, null],
  ["2001:db8::1", "2001:db8::1", 128, null],
  ["2001:db8::/32", "2001:db8::", 32, null],
  ["[2001:db8::1]:443", "2001:db8::1", 128, 443],
  ["[2001:db8::/32]:443", "2001:db8::", 32, 443],
  ["[2001:db8::]/32:443", "2001:db8::", 32, 443],
  ["[2001:db8::]/32", "2001:db8::", 32, null],
  ["::ffff:10.0.0.5", "10.0.0.5", 32, null],
  ["[::ffff:10.0.0.0/120]:1", "10.0.0.0", 24, 1],
];

Deno.test("an address or a prefix, with a port or without", () => {
  for (const [text, address, bits, port] of ACCEPTED) {
    const parsed = parsePeerPrefix(text, "--to");
    assertEquals(
      [addressText(parsed.bytes), parsed.bits, parsed.port],
      [address, bits, port],
      text,
    );
  }
});

Deno.test("anything else is refused by name", () => {
  const refused = ["", "db", "10.0.0.0/33", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0", "10.0.0.5:x"];
  for (
    const text of [...refused, "[::1]:", "::1/129", "[::1/64]/64", "[10.0.0.5", ":5432", "1/2/3"]
  ) {
    assertThrows(
      () => parsePeerPrefix(text, "--to"),
      UsageError,
      `--to ${JSON.stringify(text)}: wants`,
    );
  }
});
