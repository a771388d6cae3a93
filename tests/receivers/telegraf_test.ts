/**
 * The Telegraf snippets: TOML that says what Telegraf's documentation of these inputs names, and the lines
 * of the commands in them, which a real InfluxDB takes as they are. Debian has no Telegraf.
 */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import dgram from "node:dgram";
import { DATABASE, InfluxDb } from "./real/influxdb.ts";
import { Peers } from "./real/peers.ts";
import { BINARY } from "./real/probe.ts";
import { Folder, realTest, untilTrue } from "./real/receiver.ts";

const SNIPPET = new URL("../../scripts/telegraf/wire_probe.conf", import.meta.url);
/** Debian's own has the parser. */
const PYTHON = "/usr/bin/python3";
const PROGRAM =
  "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))";
const MEASUREMENT = "tcp_latency";
const ENOUGH = 20;

type Plugin = Readonly<Record<string, unknown>>;

function snippet(): Readonly<Record<string, readonly Plugin[]>> {
  const { success, stdout, stderr } = new Deno.Command(PYTHON, {
    args: ["-c", PROGRAM, SNIPPET.pathname],
  }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)).inputs;
}

realTest("the Telegraf snippets name inputs and options that Telegraf has", ["python3"], () => {
  const { execd, ...others } = snippet();
  assertEquals(others, {
    socket_listener: [{ service_address: "udp://127.0.0.1:8094", data_format: "influx" }],
    prometheus: [{
      urls: ["http://node1.example:9998/metrics", "http://node2.example:9998/metrics"],
      metric_version: 2,
    }],
  });
  const [{ command, ...rest }] = execd;
  assert(Array.isArray(command) && command[0] === "wire-probe");
  assertEquals(rest, { signal: "none", restart_delay: "10s", data_format: "influx" });
  return Promise.resolve();
});

realTest(
  "what the snippets have wire-probe send is stored by InfluxDB as it comes",
  ["influxd", "python3"],
  async () => {
    using folder = new Folder();
    using peers = new Peers();
    await using influx = new InfluxDb(folder);
    await influx.start();
    const targets = folder.write("targets", `db=${peers.live} az=a rack=r1\n`);
    const place = "/etc/wire-probe/targets";

    // execd reads standard output, line by line.
    const [{ command }] = snippet().execd as readonly { command: readonly string[] }[];
    const words = command.slice(1).map((word) => word === place ? targets : word);
    const started = new Deno.Command(BINARY, {
      args: [...words, "-i", "20ms"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let lines = "";
    const reading = (async () => {
      for await (const text of started.stdout.pipeThrough(new TextDecoderStream())) lines += text;
    })();
    await untilTrue("lines", () => lines.split("\n").length > ENOUGH);
    started.kill("SIGTERM");
    await started.stdin.close();
    await Promise.all([started.status, reading]);
    await influx.write(lines);
    const stored = await influx.count(DATABASE, MEASUREMENT, "success");
    assertEquals(stored, lines.trimEnd().split("\n").length);

    // socket_listener reads datagrams, several lines in each.
    const socket = dgram.createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const datagrams: string[] = [];
    socket.on("message", (bytes) => datagrams.push(bytes.toString()));
    const [, shown] = /^# +wire-probe (probe .*)$/m.exec(Deno.readTextFileSync(SNIPPET)) ?? [];
    assertMatch(shown, /telegraf-udp:\/\/127\.0\.0\.1:8094\?batch/);
    const args = shown.replaceAll("'", "").replace("8094", `${socket.address().port}`)
      .replace("FILE", targets).split(" ");
    const { success } = await new Deno.Command(BINARY, {
      args: [...args, "-i", "10ms", "-c", `${ENOUGH}`],
    }).output();
    assert(success);
    await untilTrue(
      "all datagrams",
      () => datagrams.join("").split("\n").length > ENOUGH,
    );
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    assertGreater(ENOUGH, datagrams.length);
    await influx.write(datagrams.join(""));
    const both = await influx.count(DATABASE, MEASUREMENT, "success");
    assertEquals(both, stored + ENOUGH);
  },
);
