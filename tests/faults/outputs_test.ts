/** Windows of hundreds of targets, receivers that move, proxies: the compiled program, real sockets. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { createSocket } from "node:dgram";
import { NamedHost, PORT } from "./harness/named_host.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { pause, Program, until } from "./harness/program.ts";

const WINDOW_MS = 2000;

/** Targets of one listener, told apart by their names. */
function targets(count: number, port: number): string[] {
  return Array.from({ length: count }, (_, i) => `t${i}=127.0.0.1:${port}`);
}

/** How often each target stands in lines, by what follows `mark`. */
function countsOf(lines: readonly string[], mark: RegExp): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const name = mark.exec(line)?.[1];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function listen(): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const connection of listener) connection.close();
  })().catch(() => {});
  return listener;
}

/** Datagrams for a port on 127.0.0.1 that its socket had no room for (proc(5), /proc/net/udp). */
function droppedAt(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = Deno.readTextFileSync("/proc/net/udp").split("\n").map((line) =>
    line.trim().split(/\s+/)
  );
  return Number(lines.find((words) => words[1] === local)?.at(-1));
}

/** What collectd's unixsock plugin does, as far as PUTVAL goes: each line is answered, one after the other. */
function collectd(path: string, lines: string[]): Deno.UnixListener {
  const listener = Deno.listen({ transport: "unix", path });
  (async () => {
    for await (const connection of listener) {
      const decoder = new TextDecoder();
      let rest = "";
      for await (const chunk of connection.readable) {
        const whole = (rest + decoder.decode(chunk)).split("\n");
        rest = whole.pop() ?? "";
        lines.push(...whole);
        const writer = connection.writable.getWriter();
        await writer.write(new TextEncoder().encode("0 Success: 1 value\n".repeat(whole.length)));
        writer.releaseLock();
      }
    }
  })().catch(() => {});
  return listener;
}

/** An InfluxDB that stores what it is sent, unless `judge` has another answer. */
function influx(
  lines: string[],
  judge: (body: string) => Response | null,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = await request.text();
    const other = judge(body);
    if (other !== null) return other;
    lines.push(...body.trimEnd().split("\n"));
    return new Response(null, { status: 204 });
  });
}

Deno.test("each of 600 targets is in each window, in a file, by UDP, by HTTP, and 100 in collectd", async () => {
  const listener = listen();
  const { port } = listener.addr;
  const udpLines: string[] = [];
  const udp = createSocket("udp4");
  udp.on("message", (datagram: Uint8Array) => {
    udpLines.push(...new TextDecoder().decode(datagram).trimEnd().split("\n"));
  });
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const [httpLines, collectdLines]: string[][] = [[], []];
  const http = influx(httpLines, () => null);
  const folder = await Deno.makeTempDir();
  const socket = collectd(`${folder}/collectd.sock`, collectdLines);
  const windows = ["--window", `${WINDOW_MS}ms`, "--per-probe=false", "-i", "1s"];
  const udpPort = udp.address().port;
  await using many = Program.start([
    "probe",
    ...targets(600, port),
    ...windows,
    "-o",
    "json",
    "--duration",
    "6s",
    "--export",
    `telegraf-udp://127.0.0.1:${udpPort}`,
    "--export",
    `influx-http://127.0.0.1:${http.addr.port}/?db=x`,
  ]);
  await using some = Program.start([
    "probe",
    ...targets(100, port),
    ...windows,
    "--collectd-types",
    "ping",
    "-o",
    "none",
    "--duration",
    "6s",
    "--export",
    `collectd-uds://${folder}/collectd.sock`,
  ]);
  await Promise.all([many.ended(), some.ended()]);
  // What is in the socket is read now.
  await pause(200);
  const json = many.stdout.split("\n").filter((line) => line.includes(".window.v1"));
  // What a busy machine's kernel had no room for before this process read it is no fault of the sender's.
  const dropped = droppedAt(udpPort);
  const byUdp = countsOf(udpLines, /target=(t\d+)/);
  const arrived = [...byUdp.values()].reduce((sum, count) => sum + count, 0);
  assertEquals(arrived + dropped, json.length, "UDP");
  const all: readonly (readonly [string, Map<string, number>, number])[] = [
    ["file", countsOf(json, /"target":"(t\d+)"/), 600],
    ...(dropped === 0 ? [["UDP", byUdp, 600] as const] : []),
    ["HTTP", countsOf(httpLines, /target=(t\d+)/), 600],
    ["collectd", countsOf(collectdLines, /\/ping-(t\d+)/), 100],
  ];
  for (const [where, counts, size] of all) {
    assertEquals(counts.size, size, where);
    const times = new Set(counts.values());
    assertEquals(times.size, 1, `${where}: ${[...times]}`);
    assert([...times][0] >= 3, where);
  }
  assertEquals(many.stderr.includes("dropp"), false, many.stderr);
  listener.close();
  udp.close();
  socket.close();
  await http.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("InfluxDB: what can be stored is, whatever it refuses", async () => {
  const listener = listen();
  const lines: string[] = [];
  let partial = 0;
  const server = influx(lines, (body) => {
    const count = body.trimEnd().split("\n").length;
    if (count > 8) return new Response("too large", { status: 413 });
    if (body.includes("target=t3,") && partial++ < 3) {
      return new Response('{"error":"partial write: conflict dropped=1"}', { status: 500 });
    }
    if (body.includes("target=t5,")) return new Response("unable to parse", { status: 400 });
    return null;
  });
  await using program = Program.start([
    "probe",
    ...targets(10, listener.addr.port),
    "-i",
    "200ms",
    "-o",
    "json",
    "--duration",
    "4s",
    "--export",
    `influx-http://127.0.0.1:${server.addr.port}/?db=x`,
  ]);
  await program.ended();
  const counts = countsOf(lines, /target=(t\d+)/);
  assertEquals(counts.has("t5"), false);
  const summaries = program.lines<{ target: string; sent: number }>("wire-probe.summary.v1");
  assertEquals(summaries.length, 10);
  for (const { target, sent } of summaries) {
    // Of the third one three were refused as they came.
    if (target !== "t5") assert((counts.get(target) ?? 0) >= sent - 5, `${target}: ${sent} sent`);
  }
  assert(
    /lines that could not be exported: \d+ \(\d+ refused\)/.test(program.stderr),
    program.stderr,
  );
  listener.close();
  await server.shutdown();
});

Deno.test("a receiver whose name moves is followed within 10 s, by UDP and though its HTTP connection lives", async () => {
  await using host = await NamedHost.open({ "receiver.test": "127.0.0.2" });
  const [before, after] = ["127.0.0.2", "127.0.0.3"].map((address) => ({
    udp: host.receiveUdp(address, 8094),
    http: host.receiveHttp(address, 8086),
  }));
  await pause(500);
  await using program = host.start(
    "probe",
    `127.0.0.1:${PORT}`,
    "-i",
    "200ms",
    "-o",
    "none",
    "--window",
    "1s",
    "--export",
    "telegraf-udp://receiver.test:8094",
    "--export",
    "influx-http://receiver.test:8086/?db=x",
    "--export",
    "otlp-http://receiver.test:8086",
  );
  const arrived = ({ udp, http }: typeof before) => [
    udp.stdout.includes("tcp_latency"),
    http.stdout.includes("/write"),
    http.stdout.includes("/v1/metrics"),
  ];
  await until("all arrive", () => arrived(before).every(Boolean));
  await host.say({ "receiver.test": "127.0.0.3" });
  const movedMs = performance.now();
  await until("all arrive at the new address", () => arrived(after).every(Boolean));
  assertLess(performance.now() - movedMs, 10_000);
  const { code } = await program.end();
  assertEquals([code, program.stderr.includes("dropp")], [0, false], program.stderr);
});

Deno.test("proxies of the environment are asked for nothing", async () => {
  let asked = 0;
  const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const connection of proxy) {
      asked++;
      connection.close();
    }
  })().catch(() => {});
  const address = `http://127.0.0.1:${proxy.addr.port}`;
  const env = Object.fromEntries(
    ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [
      [name, address],
      [name.toUpperCase(), address],
    ]),
  );
  const lines: string[] = [];
  const server = influx(lines, () => null);
  const [probed, http] = [freePort(), freePort()];
  const nodes = await Deno.makeTempFile();
  await Deno.writeTextFile(nodes, `me=127.0.0.1:${probed} http=${http}\n`);
  await using mesh = Program.start(["mesh", "--nodes", nodes, "--name", "me"], env);
  await until("the node listens", () => mesh.stderr.includes("row at port"));
  const url = `influx-http://127.0.0.1:${server.addr.port}/?db=x`;
  const args = ["probe", `127.0.0.1:${probed}`, "-c", "3", "-i", "50ms", "--export", url];
  await using program = Program.start(args, env);
  await using heatmap = Program.start(["heatmap", "--nodes", nodes, "--json"], env);
  await Promise.all([program.ended(), heatmap.ended()]);
  assertEquals([lines.length, asked], [3, 0]);
  assert(heatmap.stdout.includes('"me"') && !heatmap.stdout.includes("no answer"), heatmap.stdout);
  await mesh.end();
  proxy.close();
  await server.shutdown();
  await Deno.remove(nodes);
});
