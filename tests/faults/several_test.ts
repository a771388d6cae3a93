/** Many things go wrong at the same time: the compiled program, few descriptors, the system's resolver. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { quantile } from "../wan/lab.ts";
import { Stalls } from "../wan/harness/stalls.ts";
import { NamedHost, PORT } from "./harness/named_host.ts";
import { until } from "./harness/program.ts";

const INTERVAL_MS = 200;
/** A hard limit: 27 of them are for HTTP. */
const DESCRIPTORS = 110;
const METRICS_PORT = 9464;
const DAWDLERS = 400;
/** Half of the answers come within a second, see http_test.ts; what is wrong takes 5 s and more. */
const PROMPT_MS = 3000;

/** A port whose accept queue is full, so that it answers no SYN. */
const SILENT_PORT = 81;
const SILENCE = `const place = { hostname: "127.0.0.1", port: ${SILENT_PORT} };
  Deno.listen({ ...place, tcpBacklog: 1 });
  // A queue is full when it holds one more than its limit.
  for (let i = 0; i < 2; i++) await Deno.connect(place);
  console.log("silent");
  setInterval(() => {}, 1000);`;

/** Peers that send a byte and wait, then an asker: how long its answers take, in ms. */
const ASKER = `const place = { hostname: "127.0.0.1", port: ${METRICS_PORT} };
  const send = async (text) => {
    const connection = await Deno.connect(place);
    await connection.write(new TextEncoder().encode(text));
    return connection;
  };
  const took = [];
  for (let i = 0; i < 3; i++) {
    await Promise.all(Array.from({ length: ${DAWDLERS} }, () => send("G").catch(() => {})));
    const startMs = performance.now();
    const connection = await send("GET /healthz HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n");
    if (await connection.read(new Uint8Array(99)) === null) throw new Error("no answer");
    took.push(performance.now() - startMs);
  }
  console.log(JSON.stringify(took));
  Deno.exit();`;

interface Summary {
  readonly target: string;
  readonly sent: number;
  readonly answered: number;
  readonly skipped: number;
  readonly not_sent: number;
  readonly waiting: number;
}

Deno.test("dead names, silent targets and receivers, few descriptors and idle askers cost a healthy target nothing", async () => {
  await using host = await NamedHost.open({ "*": "SILENT" });
  await using silence = host.script(SILENCE);
  await until("a port is silent", () => silence.stdout.includes("silent"));
  const kinds = Array.from({ length: 60 }, (_, i) => [
    `n${i}.dead.test:${PORT}`,
    `s${i}=127.0.0.1:${SILENT_PORT}`,
  ]);
  const exports = [
    `influx-http://127.0.0.1:${SILENT_PORT}/?db=x`,
    `influx-http://receiver.test:${PORT}/?db=x`,
    `otlp-http://127.0.0.1:${SILENT_PORT}`,
    "telegraf-udp://receiver.test:8094",
    "collectd-uds:///nowhere",
    `prometheus://127.0.0.1:${METRICS_PORT}`,
  ];
  using stalls = new Stalls();
  await using program = host.limited(
    DESCRIPTORS,
    "probe",
    `healthy=127.0.0.1:${PORT}`,
    ...kinds.flat(),
    ...["-o", "json", "-i", `${INTERVAL_MS}ms`, "-t", "1s"],
    ...exports.flatMap((url) => ["--export", url]),
  );
  stalls.watch(program);
  await until("it probes", () => program.stdout.includes("established"));
  await using asker = host.script(ASKER);
  await asker.ended();
  await until("it has probed for a while", () => program.stdout.split('"healthy"').length > 15);
  const { code, stderr } = await program.end();
  const missed = stalls.slots(INTERVAL_MS);
  assertEquals(code, 2, stderr);
  const found = program.lines<Summary>("wire-probe.summary.v1")
    .find(({ target }) => target === "healthy");
  assert(found !== undefined, stderr);
  assertEquals([found.not_sent, found.answered], [0, found.sent - found.waiting]);
  // A busy machine has no time for some slots. Without a place of its own it has one in twenty.
  assertLess(found.skipped, found.sent / 2 + missed);
  const took: number[] = JSON.parse(asker.stdout);
  assertLess(quantile(took, 0.5), PROMPT_MS, String(took));
});
