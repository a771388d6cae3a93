/** Names that stand for several targets: an SRV name and a name's addresses, followed as they change. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { overwrite } from "../../scripts/gate/command.ts";
import { Program, until } from "../faults/harness/program.ts";
import { Lab, PORT } from "../wan/lab.ts";
import { wan } from "../wan/harness/wan.ts";

const SERVER = new URL("../wan/harness/name_server.ts", import.meta.url).pathname;
const SRV = "_db._tcp.c.test";

/** A lab whose ends ask a name server at the far end; its zone is a file. */
async function named(lab: Lab, zone: string): Promise<void> {
  const server = lab.far.exec(Deno.execPath(), [
    "run",
    "-A",
    SERVER,
    lab.link.b.v4,
    "53",
    `@${zone}`,
  ]);
  const reader = server.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  const servers = `nameserver ${lab.link.b.v4}\noptions timeout:5 attempts:1\n`;
  for (const host of [lab.near, lab.far]) await host.etc("resolv.conf", servers);
}

wan("an SRV name's members are targets, and those that change are followed", async () => {
  await using lab = await Lab.open(2);
  const zone = await Deno.makeTempFile();
  const write = (members: string) =>
    overwrite(
      zone,
      JSON.stringify({
        [SRV]: { SRV: members },
        "a.test": { A: lab.link.b.v4 },
        "b.test": { A: lab.link.b.v4 },
      }),
    );
  write(`${PORT} a.test`);
  await named(lab, zone);
  const follow = ["--resolve-every", "1s", "-i", "200ms"];
  const words = ["probe", "--json", ...follow, `srv:${SRV}`];
  await using program = new Program(lab.near.exec(Lab.binary, words));
  const answered = (name: string) =>
    program.lines<{ target: string; outcome: string }>("wire-probe.probe.v1")
      .some(({ target, outcome }) => target === `${name}:${PORT}` && outcome === "established");
  await until("the first member answers", () => answered("a.test"));
  write(`${PORT} a.test,${PORT} b.test`);
  await until("the second member answers", () => answered("b.test"));
  const { code, stderr } = await program.end();
  const targets = program.lines<{ target: string }>("wire-probe.summary.v1").map((of) => of.target);
  assertEquals([code, targets], [0, [`a.test:${PORT}`, `b.test:${PORT}`]]);
  assertStringIncludes(stderr, `srv:${SRV}: now 2 members: +b.test:${PORT}`);
  await Deno.remove(zone);
});

wan("each address of a name is a target, and a name without members says so", async () => {
  await using lab = await Lab.open(2);
  const zone = await Deno.makeTempFile();
  await Deno.writeTextFile(zone, JSON.stringify({ "n.test": { A: `${lab.link.b.v4},10.77.1.9` } }));
  await named(lab, zone);
  const all = [
    "probe",
    "--json",
    "-4",
    "--all-addresses",
    "-c",
    "1",
    "-t",
    "300ms",
    `db=n.test:${PORT}`,
  ];
  const { stdout } = await lab.near.run(Lab.binary, all);
  const summaries = stdout.trim().split("\n").map((line) => JSON.parse(line))
    .filter(({ schema }) => schema === "wire-probe.summary.v1");
  assertEquals(
    summaries.map(({ target, labels }) => [target, labels.address]).sort(),
    ["10.77.1.9", lab.link.b.v4].map((address) => [`db@${address}`, address]).sort(),
  );
  const none = await lab.near.run(Lab.binary, ["probe", "-c", "1", "srv:_no._tcp.c.test"]);
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, "no such SRV name");
  await Deno.remove(zone);
});

wan("the nodes of a mesh are the members of an SRV name, which find themselves", async () => {
  await using lab = await Lab.open(2);
  const zone = await Deno.makeTempFile();
  const port = PORT + 1;
  const members = ["a.test", "b.test", "gone.test"];
  const records = {
    [SRV]: { SRV: members.map((name) => `${port} ${name}`).join() },
    "a.test": { A: lab.link.a.v4 },
    "b.test": { A: lab.link.b.v4 },
  };
  await Deno.writeTextFile(zone, JSON.stringify(records));
  await named(lab, zone);
  const place = ["--nodes", `srv:${SRV}`];
  const nodes = [[lab.near, "x"], [lab.far, "y"]] as const;
  for (const [host, az] of nodes) {
    const { stdout, stderr } = host.exec(Lab.binary, [
      ...["mesh", ...place, "--az", az, "-i", "200ms", "--quiet"],
    ]);
    await Promise.all([stdout.cancel(), stderr.cancel()]);
  }
  const endMs = Date.now() + 30_000;
  for (;;) {
    const { stdout } = await lab.near.run(Lab.binary, ["heatmap", "--json", "-t", "1s", ...place]);
    const { coverage, nodes } = stdout === "" ? { coverage: {}, nodes: [] } : JSON.parse(stdout);
    if (!(coverage.pairs >= 2) && Date.now() < endMs) continue;
    assertEquals([coverage.nodes, coverage.rows, coverage.pairs], [3, 2, 2]);
    const told = nodes.map((one: { name: string; labels: { az?: string }; row: string }) => [
      one.name,
      one.labels.az,
      one.row,
    ]);
    assertEquals(told.sort(), [
      ["a.test", "x", "fresh"],
      ["b.test", "y", "fresh"],
      ["gone.test", "default", "missing"],
    ]);
    break;
  }
  await Deno.remove(zone);
});
