import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { MESH_HTTP_PORT, MESH_PORT, parseNodes } from "../../../src/input/nodes_file.ts";

const read = (text: string) => parseNodes(text, "nodes");

Deno.test("a node's line has its address, the port where it is not the usual one, and labels", () => {
  const text = `# the mesh
db1=10.0.0.1 az=a rack=r1
db2=db2.example.com:7000 az=b http=7001 # an odd one
db3=[2001:db8::3]
db4=[2001:db8::4]:7000
host5
`;
  assertEquals(
    read(text).map(({ target: { name, host, port, az, labels }, httpPort }) => [
      name,
      host,
      port,
      az,
      labels,
      httpPort,
    ]),
    [
      ["db1", "10.0.0.1", MESH_PORT, "a", [["rack", "r1"]], MESH_HTTP_PORT],
      ["db2", "db2.example.com", 7000, "b", [], 7001],
      ["db3", "2001:db8::3", MESH_PORT, "default", [], MESH_HTTP_PORT],
      ["db4", "2001:db8::4", 7000, "default", [], MESH_HTTP_PORT],
      ["host5:9999", "host5", MESH_PORT, "default", [], MESH_HTTP_PORT],
    ],
  );
});

Deno.test("where rows are offered can be said for all nodes that do not say it themselves", () => {
  const [a, b] = parseNodes("a=h1\nb=h2 http=1", "nodes", 8080);
  assertEquals([a.httpPort, b.httpPort], [8080, 1]);
});

const BAD: readonly [text: string, message: string][] = [
  ["a=h1\na=h2", 'nodes:2: node "a" is there twice'],
  ["a=h1 http=0", 'nodes:1: node "a": its http= is no port'],
  ["a=h1 http=65536", 'nodes:1: node "a": its http= is no port'],
  ["a=h1 http=x", 'nodes:1: node "a": its http= is no port'],
  ["a=::1", "nodes:1: node: an IPv6 address goes in brackets: [address]:port"],
  ["a=", "nodes:1: node: wants host, host:port, 1.2.3.4, [v6]:port or name=host:port"],
  ["a=h1:0", "nodes:1: node: port is not from 1 to 65535"],
  ["a=1.2.3", "nodes:1: node: is no host name or address"],
  ["", "nodes: no node in it"],
];

Deno.test("a bad line is refused with the file and the reason", () => {
  for (const [text, message] of BAD) {
    assertEquals(assertThrows(() => read(text), UsageError).message, message);
  }
});
