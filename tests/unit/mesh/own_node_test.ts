import { assertEquals, assertThrows } from "@std/assert";
import { type Machine, ownNode } from "../../../src/mesh/own_node.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { parseNodes } from "../../../src/input/nodes_file.ts";

const NODES = parseNodes(
  "db1=10.0.0.1\ndb2=[2001:db8::2]\nweb1=web1.example.com\nsame=10.0.0.9\nalso=10.0.0.9:7000\n",
  "mesh",
);
const NOTHING: Machine = { node: null, addresses: [], hostName: "elsewhere" };
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const V6 = new Uint8Array(16);
V6.set([0x20, 0x01, 0x0d, 0xb8], 0);
V6[15] = 2;

const FOUND: readonly [what: string, machine: Partial<Machine>, name: string][] = [
  ["its name as given", { node: "web1" }, "web1"],
  ["its name, whatever its addresses", { node: "db1", addresses: [V6] }, "db1"],
  ["its IPv4 address", { addresses: [LOOPBACK, Uint8Array.of(10, 0, 0, 1)] }, "db1"],
  ["its IPv6 address", { addresses: [LOOPBACK, V6] }, "db2"],
  ["the host's name", { hostName: "db1" }, "db1"],
  ["the host's name with its domain", { hostName: "DB1.example.com." }, "db1"],
  ["the host's name as a node's address", { hostName: "web1.example.com" }, "web1"],
  [
    "the host's name among those with its address",
    { addresses: [Uint8Array.of(10, 0, 0, 9)], hostName: "also" },
    "also",
  ],
];

Deno.test("a node is known by its name, its address, or the host's name", () => {
  for (const [what, machine, name] of FOUND) {
    assertEquals(ownNode(NODES, { ...NOTHING, ...machine }, "mesh").target.name, name, what);
  }
});

const UNKNOWN: readonly [machine: Partial<Machine>, message: string][] = [
  [
    { node: "db3" },
    '--name "db3": no such node in mesh, which has "db1", "db2", "web1", "same", "also"',
  ],
  [
    { addresses: [LOOPBACK] },
    'mesh: no node has an address of this machine (127.0.0.1) or its name ("elsewhere"); ' +
    '--name wants one of "db1", "db2", "web1", "same", "also"',
  ],
  [
    {},
    'mesh: no node has an address of this machine (not known) or its name ("elsewhere"); ' +
    '--name wants one of "db1", "db2", "web1", "same", "also"',
  ],
  [
    { addresses: [Uint8Array.of(10, 0, 0, 9)] },
    'mesh: 2 nodes have an address of this machine; --name wants one of "same", "also"',
  ],
];

Deno.test("none or several is told in one line, with the names there are to choose from", () => {
  for (const [machine, message] of UNKNOWN) {
    const error = assertThrows(
      () => ownNode(NODES, { ...NOTHING, ...machine }, "mesh"),
      UsageError,
    );
    assertEquals(error.message, message);
  }
});

Deno.test("of many nodes only some are named", () => {
  const many = parseNodes(
    Array.from({ length: 30 }, (_, i) => `n${i}=10.0.1.${i}\n`).join(""),
    "m",
  );
  const { message } = assertThrows(() => ownNode(many, NOTHING, "m"), UsageError);
  assertEquals(message.endsWith('"n6", "n7" and 22 more'), true, message);
});

Deno.test("an empty file has nobody to be", () => {
  const { message } = assertThrows(() => ownNode([], { ...NOTHING, node: "a" }, "m"), UsageError);
  assertEquals(message, '--name "a": no such node in m, which has none');
});
