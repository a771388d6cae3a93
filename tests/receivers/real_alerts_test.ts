/**
 * The alerts: promtool's tests of the rules as they are shipped, and a Prometheus in which each real
 * cause makes its alert fire and resolve. There the spans are seconds instead of minutes.
 */
import { assertEquals } from "@std/assert";
import { createSocket, type Socket } from "node:dgram";
import { type Alert, Prometheus } from "./real/prometheus.ts";
import { Peers } from "./real/peers.ts";
import { BINARY } from "./real/probe.ts";
import { Folder, freePort, passing, Program, realTest, until, untilTrue } from "./real/receiver.ts";

const SHIPPED = new URL("../../scripts/prometheus/", import.meta.url);
const RULE_FILES = ["wire_probe_rules.yml", "wire_probe_alerts.yml"];
const FIRES_MS = 40_000;

/** The rules with spans of seconds; all else stays. */
function quickened(text: string): string {
  return text
    .replaceAll(/\[(\d+)m\]/g, (_, minutes) => `[${Number(minutes) * 2}s]`)
    .replaceAll(/for: \d+m/g, "for: 1s")
    .replaceAll("[1w] offset 15m", "[1m] offset 15s")
    .replaceAll(/^( {2}- name: wire-probe)$/gm, "$1\n    interval: 1s");
}

realTest("promtool finds nothing wrong with what is shipped, and each alert's test passes", [
  "promtool",
], async () => {
  using folder = new Folder();
  const files = ["alerts_test.yml", "week_test.yml"].map((name) => {
    const tests = Deno.readTextFileSync(`${import.meta.dirname}/prometheus_rules/${name}`);
    return folder.write(name, tests.replaceAll("RULES", SHIPPED.pathname));
  });
  for (const words of [["check", "config", "prometheus.yml"], ["test", "rules", ...files]]) {
    const { success, stdout, stderr } = await new Deno.Command("promtool", {
      args: words,
      cwd: SHIPPED,
    }).output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    assertEquals(success, true, said);
  }
});

/** Everything that is wrong at once, each for a target of its own. */
class Causes implements Disposable {
  readonly closedPort = freePort();
  readonly lossy: Deno.TcpListener;
  #fillers: Deno.TcpConn[] = [];
  #revived: Deno.TcpListener | null = null;
  /** An accept under way. */
  #accepting: Promise<boolean> | null = null;

  constructor() {
    this.lossy = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  }

  /** Fills the listener's queue, so that SYNs are dropped until somebody accepts. */
  async fill(): Promise<void> {
    const { port } = this.lossy.addr;
    for (let i = 0; i < 2; i++) {
      this.#fillers.push(await Deno.connect({ port, hostname: "127.0.0.1" }));
    }
  }

  /** Accepts what waits, fills again: each handshake takes a second SYN. */
  async loseSyns(forMs: number): Promise<void> {
    for (const endMs = performance.now() + forMs; performance.now() < endMs;) {
      await passing(700);
      await this.drain();
      await passing(500);
      await this.drain();
    }
  }

  /** Accepts for a moment whatever has come. */
  async drain(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      this.#accepting ??= this.#accept();
      if (await Promise.race([this.#accepting, passing(50)]) === undefined) return;
      this.#accepting = null;
    }
  }

  /** True when one was accepted, false when the listener is closed. */
  async #accept(): Promise<boolean> {
    try {
      (await this.lossy.accept()).close();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return false;
      throw error;
    }
  }

  /** The closed port has a service again. */
  revive(): void {
    this.#revived = Deno.listen({ hostname: "127.0.0.1", port: this.closedPort });
    (async (listener) => {
      for await (const connection of listener) connection.close();
    })(this.#revived);
  }

  [Symbol.dispose](): void {
    for (const filler of this.#fillers) filler.close();
    this.#revived?.close();
    this.lossy.close();
  }
}

/** A receiver of datagrams. */
class Datagrams implements AsyncDisposable {
  #socket: Socket;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
  }

  readonly port: number;

  /** On loopback; 0 picks a port. */
  static bind(port: number): Promise<Datagrams> {
    return new Promise((resolve) => {
      const socket = createSocket("udp4");
      socket.bind(port, "127.0.0.1", () => resolve(new Datagrams(socket)));
    });
  }

  /** From now on the kernel answers that nobody listens there. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Waits for an alert with these labels to fire. */
async function fires(
  prometheus: Prometheus,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const is = ({ state, labels: of }: Alert) =>
    state === "firing" && of.alertname === name &&
    Object.entries(labels).every(([key, value]) => of[key] === value);
  await untilTrue(`${name} fires`, async () => (await prometheus.alerts()).some(is), FIRES_MS);
}

async function resolves(prometheus: Prometheus, name: string): Promise<void> {
  const is = ({ labels }: Alert) => labels.alertname === name;
  await untilTrue(`${name} resolves`, async () => !(await prometheus.alerts()).some(is), FIRES_MS);
}

realTest("each alert fires when its cause is made, not before, and resolves", [
  "prometheus",
], async () => {
  using folder = new Folder();
  using peers = new Peers();
  using causes = new Causes();
  const port = freePort();
  const rules = RULE_FILES.map((name) =>
    folder.write(name, quickened(Deno.readTextFileSync(new URL(name, SHIPPED))))
  );
  const targets = folder.write("targets", `well=${peers.live}\n`);
  const options = ["-o", "none", "-i", "200ms", "-t", "2500ms", "--targets", targets];
  const exports = ["--export", `prometheus://127.0.0.1:${port}`];
  await using receiver = await Datagrams.bind(0);
  const telegraf = ["--export", `telegraf-udp://127.0.0.1:${receiver.port}`];
  await using prober = new Program(BINARY, ["probe", ...options, ...exports, ...telegraf]);
  await using prometheus = new Prometheus(folder, `127.0.0.1:${port}`, [], rules);
  await prometheus.ready();
  await until(
    "a scrape",
    async () => (await prometheus.series("wire_probe_success")).at(0) ?? null,
  );
  await passing(3000);
  assertEquals((await prometheus.alerts()).filter(({ state }) => state === "firing"), []);

  // A silent target, a closed port, a name that is none: all told by a reload.
  const silent = await peers.silent();
  const bad = [`silent=${silent}`, `closed=127.0.0.1:${causes.closedPort}`, "none=name.invalid:1"];
  Deno.writeTextFileSync(targets, [`well=${peers.live}`, ...bad, ""].join("\n"));
  Deno.kill(prober.pid, "SIGHUP");
  await Promise.all([
    fires(prometheus, "WireProbeTargetDown", { target: "silent" }),
    fires(prometheus, "WireProbeTargetRefuses", { target: "closed" }),
    fires(prometheus, "WireProbeProbesNotSent", { target: "none" }),
  ]);
  causes.revive();
  await receiver.close();
  await Promise.all([
    resolves(prometheus, "WireProbeTargetRefuses"),
    fires(prometheus, "WireProbeReceiverDropped", { instance: `127.0.0.1:${port}` }),
  ]);
  await using again = await Datagrams.bind(receiver.port);
  assertEquals(again.port, receiver.port);

  // SYNs that are dropped, since a listener's queue is full.
  await causes.fill();
  const lossy = `lossy=127.0.0.1:${causes.lossy.addr.port}`;
  Deno.writeTextFileSync(targets, [`well=${peers.live}`, lossy, ""].join("\n"));
  Deno.kill(prober.pid, "SIGHUP");
  await Promise.all([
    causes.loseSyns(15_000),
    fires(prometheus, "WireProbeSynLoss", { target: "lossy" }),
  ]);

  await resolves(prometheus, "WireProbeReceiverDropped");

  // A prober that is stopped again and again.
  const late = fires(prometheus, "WireProbeProberLate", {});
  for (let i = 0; i < 20; i++) {
    prober.freeze();
    await passing(300);
    prober.thaw();
    await passing(200);
  }
  await late;
  prober.freeze();
  await fires(prometheus, "WireProbeGone", { instance: `127.0.0.1:${port}` });
  prober.thaw();
  await resolves(prometheus, "WireProbeGone");
});
