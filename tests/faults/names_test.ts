/** Names that a name server does not answer hold nothing up: the compiled program, the system's resolver. */
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { NAME_SERVER, NamedHost, PORT } from "./harness/named_host.ts";
import { Stalls } from "../wan/harness/stalls.ts";
import { pause, Program, until } from "./harness/program.ts";

/** What a run may lag behind one without the fault. */
const LAG_MS = 5;
/** How long the system's resolver waits for a name server (resolv.conf(5), `timeout`). */
const LOOKUP_MS = 5000;

interface Probe {
  readonly target: string;
  readonly outcome: string;
  readonly time: string;
  readonly lag_ms: number | null;
}

interface Summary {
  readonly target: string;
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly skipped: number;
}

const HEALTHY = `healthy=127.0.0.1:${PORT}`;
const names = (count: number, kind: string) =>
  Array.from({ length: count }, (_, i) => `n${i}.${kind}.test:${PORT}`);

function probesOf(program: Program, target: string): Probe[] {
  return program.lines<Probe>("wire-probe.probe.v1").filter((probe) => probe.target === target);
}

function summaryOf(program: Program, target: string): Summary {
  const found = program.lines<Summary>("wire-probe.summary.v1").find((one) =>
    one.target === target
  );
  if (found === undefined) throw new Error(`no summary of ${target}: ${program.stderr}`);
  return found;
}

/**
 * The lag in ms that three of four probes of the healthy target keep to. The p99 of some 36 probes is
 * their maximum, which tells of the machine's longest stall, and a core that is taken away for 20 ms now and
 * then makes some more late. What waits for a look-up is late with all from then on.
 */
function lagOf(program: Program, fromMs = 0): number {
  const lags = probesOf(program, "healthy").filter(({ time }) => Date.parse(time) >= fromMs)
    .map(({ lag_ms }) => lag_ms ?? 0);
  return lags.sort((a, b) => a - b)[Math.ceil(0.75 * lags.length) - 1];
}

Deno.test("a name server that falls silent costs a healthy target nothing", async () => {
  // Reachable nowhere, so that each failure asks for the name again.
  await using host = await NamedHost.open({ "*": "198.51.100.1" });
  const intervalMs = 250;
  const often = [
    "-i",
    `${intervalMs}ms`,
    "-t",
    "1s",
    "--duration",
    "9s",
    "-o",
    "json",
    "--resolve-after",
    "2",
  ];
  const many = names(64, "moving");
  await using alone = host.start("probe", HEALTHY, ...often);
  await using plain = host.start("probe", HEALTHY, ...many, ...often);
  await using bound = host.start("probe", HEALTHY, ...many, ...often, "--source", "127.0.0.1");
  using stalls = new Stalls();
  stalls.watch(alone, plain, bound);
  await pause(3000);
  await host.say({ "*": "SILENT" });
  const silentMs = Date.now();
  for (const program of [alone, plain, bound]) await program.ended();
  const right = summaryOf(alone, "healthy");
  for (const program of [plain, bound]) {
    const { sent, answered, lost, skipped } = summaryOf(program, "healthy");
    assertEquals([lost, answered], [0, sent]);
    const missed = stalls.slots(intervalMs);
    assertLessOrEqual(skipped, right.skipped + missed);
    assert(Math.abs(sent - right.sent) <= 1 + missed, `${sent} sent, not ${right.sent}`);
    assertEquals(probesOf(program, "healthy").length, sent);
    assertLess(lagOf(program, silentMs), lagOf(alone, silentMs) + LAG_MS + stalls.ms);
  }
});

Deno.test("a literal and names that are known start at once beside 48 that are not answered", async () => {
  const zone = { "good.test": "127.0.0.1", "*": "SILENT" };
  await using host = await NamedHost.open(zone, "127.0.0.1 here.test\n");
  const [silent, quick] = [names(48, "dead"), [`good.test:${PORT}`, `here.test:${PORT}`]];
  // The members of an SRV name, and of a name whose addresses are targets each, are looked up first.
  const services = Array.from({ length: 40 }, (_, i) => `srv:_s${i}._tcp.dead.test`);
  const startMs = Date.now();
  using stalls = new Stalls();
  await using several = host.start(
    ...["probe", ...services, ...silent, "--all-addresses", HEALTHY],
    ...["-o", "json", "--duration", "9s"],
  );
  await using program = host.start(
    "probe",
    ...silent,
    ...quick,
    HEALTHY,
    "-o",
    "json",
    "--duration",
    "9s",
  );
  await using traced = host.start("trace", silent[0], `127.0.0.1:${PORT}`, "-o", "json");
  await until("the literal is traced", () => traced.stdout.includes("wire-probe.trace.v1"));
  traced.kill("SIGINT");
  const trace = await traced.ended();
  // The name is still looked up, which takes LOOKUP_MS and more.
  assertEquals(trace.code, 1, trace.stderr);
  await until("the healthy ones are probed", () => {
    return ["healthy", ...quick].every((name) => probesOf(program, name).length > 0);
  });
  const firstMs = (name: string) => Date.parse(probesOf(program, name)[0].time) - startMs;
  await until("it is probed beside SRV names", () => probesOf(several, "healthy").length > 0);
  // A target that waits for a look-up without an answer starts later than that.
  for (const name of ["healthy", ...quick]) {
    assertLess(firstMs(name), LOOKUP_MS + stalls.ms, name);
  }
  const besideMs = Date.parse(probesOf(several, "healthy")[0].time) - startMs;
  assertLess(besideMs, LOOKUP_MS + stalls.ms, "beside SRV names");
  const { code } = await program.ended();
  assertEquals(code, 2);
  assertEquals(summaryOf(program, "healthy").lost, 0);
  assert(summaryOf(program, "healthy").sent >= 8);
  for (const name of silent) summaryOf(program, name);
});

Deno.test("why a name has no address is told apart", async () => {
  const zone = {
    "gone.test": "NXDOMAIN",
    "broken.test": "SERVFAIL",
    "mute.test": "SILENT",
    "closed.test": "REFUSED",
    "empty.test": "EMPTY",
    "long.test": "TRUNCATED",
    "short.first.test": "NXDOMAIN",
    "short.second.test": "SERVFAIL",
  };
  await using host = await NamedHost.open(zone);
  const reasons = (program: Program, name: string) =>
    new RegExp(`${name}: cannot resolve ${name.split(":")[0]}: (.*)`).exec(program.stderr)?.[1];
  const kinds = ["gone", "broken", "mute", "closed", "empty", "long"].map((name) =>
    `${name}.test:1`
  );
  await using program = host.start("probe", ...kinds, "-c", "1");
  assertEquals((await program.ended()).code, 2);
  await host.resolvConf(`search first.test second.test\nnameserver ${NAME_SERVER}\n`);
  await using short = host.start("probe", "short:1", "-c", "1");
  assertEquals((await short.ended()).code, 2);
  await host.resolvConf("nameserver 127.0.0.99\n");
  await using alone = host.start("probe", "gone.test:1", "-c", "1");
  assertEquals((await alone.ended()).code, 2);
  assertEquals(kinds.map((name) => reasons(program, name)), [
    "no such name",
    `the name server fails (${NAME_SERVER})`,
    `no name server answers (${NAME_SERVER}: silent, and its TCP port 53 is closed)`,
    `the name server refuses to answer (${NAME_SERVER})`,
    "no address",
    `the name server's answer is too long for UDP, and does not come by TCP (${NAME_SERVER})`,
  ]);
  assertEquals(reasons(short, "short:1"), `the name server fails (${NAME_SERVER})`);
  assertEquals(
    reasons(alone, "gone.test:1"),
    "no name server answers (127.0.0.99: silent, and its TCP port 53 is closed)",
  );
});

Deno.test("heatmap: nodes whose names are not answered have their reasons, and do not hold up the others", async () => {
  await using host = await NamedHost.open({
    "good.test": "127.0.0.1",
    "gone.test": "NXDOMAIN",
    "*": "SILENT",
  });
  const nodes = await Deno.makeTempFile();
  await Deno.chmod(nodes, 0o644);
  const silent = names(48, "dead").map((name, i) => `n${i}=${name}`);
  const known = [
    "me=127.0.0.1:9998 http=9997",
    "other=good.test:9998 http=9997",
    "gone=gone.test:1",
  ];
  await Deno.writeTextFile(nodes, [...silent, ...known].join("\n"));
  await using mesh = host.start(
    "mesh",
    "--nodes",
    nodes,
    "--name",
    "me",
    "--http-host",
    "good.test",
  );
  await until("the node listens", () => mesh.stderr.includes("row at port"));
  await using heatmap = host.start("heatmap", "--nodes", nodes, "--json", "--timeout", "4s");
  await heatmap.ended();
  const { nodes: found }: { nodes: readonly { name: string; row: string; reason: string }[] } = JSON
    .parse(heatmap.stdout);
  const reasons = new Map(found.map(({ name, row, reason }) => [name, `${row}: ${reason}`]));
  assertEquals(reasons.get("gone"), "missing: cannot resolve gone.test: no such name");
  // It was asked, by its name; both are one node here.
  assertEquals(reasons.get("other"), "missing: the row is another node's");
  assert(reasons.get("me")?.startsWith("missing") === false, reasons.get("me"));
  for (let i = 0; i < 48; i++) assertEquals(reasons.get(`n${i}`), "missing: no answer in time");
  assertEquals((await mesh.end()).code, 0);
  await Deno.remove(nodes);
});

Deno.test("after a reload a new literal starts at once, and a name when it resolves", async () => {
  await using host = await NamedHost.open({ "*": "SILENT" });
  const file = await Deno.makeTempFile();
  await Deno.chmod(file, 0o644);
  await Deno.writeTextFile(file, `a=127.0.0.1:${PORT}\n`);
  await using program = host.start("probe", "--targets", file, "-o", "json");
  await until("it probes", () => probesOf(program, "a").length > 0);
  const lines = [...names(20, "dead").map((name, i) => `n${i}=${name}`), `late=late.test:${PORT}`];
  await Deno.writeTextFile(
    file,
    [`a=127.0.0.1:${PORT}`, `b=127.0.0.1:${PORT}`, ...lines].join("\n"),
  );
  const reloadMs = Date.now();
  using stalls = new Stalls();
  program.kill("SIGHUP");
  await until("the new literal is probed", () => probesOf(program, "b").length > 0);
  assertLess(Date.parse(probesOf(program, "b")[0].time) - reloadMs, LOOKUP_MS + stalls.ms);
  await host.say({ "late.test": "127.0.0.1", "*": "SILENT" });
  const late = () => probesOf(program, "late").some(({ outcome }) => outcome === "established");
  await until("the name is probed once it resolves", late);
  const { code, tookMs } = await program.end();
  assertEquals([code, tookMs < LOOKUP_MS], [2, true]);
  await Deno.remove(file);
});
