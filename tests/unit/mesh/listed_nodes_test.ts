import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { parseIpv4, parseIpv6 } from "../../../src/domain/address.ts";
import { parseNodesPlace } from "../../../src/input/nodes_place.ts";
import { listedNodes } from "../../../src/mesh/listed_nodes.ts";
import { ownListedNode } from "../../../src/mesh/own_listed_node.ts";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "mesh.svc": ["10.0.0.2", "fd00::1", "10.0.0.1", "10.0.0.2"],
  six: ["fd00::2", "fd00::1"],
  "n2.mesh": ["10.0.0.2"],
};
const resolver = {
  resolve: (host: string) =>
    host in NAMES ? Promise.resolve([...NAMES[host]]) : Promise.reject(new Error("no such name")),
};
const srv = () =>
  Promise.resolve([
    { host: "n2.mesh", port: 7000 },
    { host: "n1.mesh", port: 7000 },
    { host: "two.mesh", port: 1 },
    { host: "two.mesh", port: 2 },
  ]);

async function listed(place: string): Promise<string[]> {
  const entries = await listedNodes(parseNodesPlace(place), 80, { resolver, srv });
  return entries.map(({ target: { name, host, port }, httpPort }) =>
    `${name} ${host} ${port} ${httpPort}`
  );
}

Deno.test("a name's addresses are nodes, of one family, and so are the members of an SRV name", async () => {
  assertEquals(await listed("dns:mesh.svc"), [
    "10.0.0.1 10.0.0.1 9999 80",
    "10.0.0.2 10.0.0.2 9999 80",
  ]);
  assertEquals(await listed("DNS:six:7000"), await listed("dns:six:7000"));
  assertEquals(await listed("Srv:_x._tcp.mesh"), await listed("srv:_x._tcp.mesh"));
  assertEquals(await listed("dns:six:7000"), [
    "fd00::1 fd00::1 7000 80",
    "fd00::2 fd00::2 7000 80",
  ]);
  assertEquals(await listed("srv:_x._tcp.mesh"), [
    "n1.mesh n1.mesh 7000 80",
    "n2.mesh n2.mesh 7000 80",
    "two.mesh:1 two.mesh 1 80",
    "two.mesh:2 two.mesh 2 80",
  ]);
  await assertRejects(() => listed("dns:other"), Error, "--nodes dns:other: no such name");
});

async function own(
  place: string,
  addresses: readonly string[],
  node: string | null = null,
): Promise<string> {
  const where = parseNodesPlace(place);
  if (where.kind === "file") throw new Error("no name");
  const bytes = addresses.map((text) => parseIpv4(text) ?? parseIpv6(text) ?? new Uint8Array());
  const entries = await listedNodes(where, 80, { resolver, srv }).catch(() => []);
  const machine = { node, addresses: bytes, hostName: "elsewhere" };
  const found = await ownListedNode(entries, { place: where, httpPort: 80, machine, resolver });
  return found.target.name;
}

Deno.test("what is no SRV name is no place of nodes, and no file either", () => {
  for (const text of ["srv:", "srv:mesh", "SRV:5432", "srv:_db..example"]) {
    assertThrows(
      () => parseNodesPlace(text),
      UsageError,
      "wants FILE, dns:NAME[:PORT] or srv:NAME",
    );
  }
});

Deno.test("a node finds itself by its address, listed yet or not, and by the name of a member", async () => {
  assertEquals(await own("dns:mesh.svc", ["127.0.0.1", "10.0.0.2", "172.17.0.1"]), "10.0.0.2");
  // Not listed yet, as one that is not ready: at its only address of the nodes' family.
  assertEquals(
    await own("dns:mesh.svc", ["127.0.0.1", "10.0.0.9", "fe80::1", "fd00::9"]),
    "10.0.0.9",
  );
  assertEquals(await own("dns:mesh.svc", [], "10.0.0.7"), "10.0.0.7");
  assertEquals(await own("srv:_x._tcp.mesh", ["10.0.0.2"]), "n2.mesh");
  assertEquals(await own("srv:_x._tcp.mesh", [], "n1.mesh"), "n1.mesh");
});

Deno.test("a machine that may be any of them is told to name itself", async () => {
  await assertRejects(
    () => own("dns:mesh.svc", ["10.0.0.8", "10.0.0.9"]),
    UsageError,
    "dns:mesh.svc: no node has an address of this machine",
  );
  await assertRejects(
    () => own("srv:_x._tcp.mesh", ["10.9.9.9"]),
    UsageError,
    "--name wants one of",
  );
  await assertRejects(() => own("srv:_x._tcp.mesh", [], "n9"), UsageError, "no such node");
});
