import { assertEquals, assertThrows } from "@std/assert";
import { addressText } from "../../../src/domain/address.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { parsePeerPrefix, parsePeers } from "../../../src/input/peer_prefix.ts";

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

Deno.test("peers are said as targets are: names, services, URLs, several hosts, zones", () => {
  const said: readonly [text: string, prefixes: string[], names: string[]][] = [
    ["10.0.0.0/24:5432", ["10.0.0.0/24:5432"], []],
    ["db=10.0.0.5", ["10.0.0.5/32:*"], []],
    ["fe80::1%eth0", ["fe80::1/128:*"], []],
    ["[fe80::1%eth0]:22", ["fe80::1/128:22"], []],
    ["db", [], ["db:*"]],
    ["db.example:5432", [], ["db.example:5432"]],
    ["https://shop.example/x?y", [], ["shop.example:443"]],
    ["postgres://user:secret@10.0.0.5,b:77/app", ["10.0.0.5/32:5432"], ["b:77"]],
  ];
  for (const [text, prefixes, names] of said) {
    const peers = parsePeers(text, "--to");
    const shown = peers.prefixes.map(({ bytes, bits, port }) =>
      `${addressText(bytes)}/${bits}:${port ?? "*"}`
    );
    assertEquals(shown, prefixes, text);
    assertEquals(peers.names.map(({ host, port }) => `${host}:${port ?? "*"}`), names, text);
  }
});

Deno.test("what is no peer is refused by the option's name, and shows no password", () => {
  for (const text of ["", "10.0.0.0/33", "db/5:1", ":80", "db:0", "1.2.3", "srv:_a._tcp.x"]) {
    assertThrows(() => parsePeers(text, "--to"), UsageError, `--to ${JSON.stringify(text)}: `);
  }
  const error = assertThrows(() => parsePeers("postgres://u:sec@ret@no such/app", "--to"));
  assertEquals(/sec|ret@/.test((error as Error).message), false);
});
