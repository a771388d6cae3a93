/** The collectd plugin in Python: its own unit tests, then inside Debian's real collectd. */
// needs: collectd-core libpython3.11 (python.so of bookworm is linked with it, collectd-core only
//        suggests it) python3 util-linux (setpriv) coreutils (timeout)
//        apt-get install --no-install-recommends collectd-core libpython3.11 python3
import { existsSync } from "node:fs";
import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
} from "@std/assert";
import { end, WITH_PARENT } from "../wan/harness/process.ts";
import { until } from "./real/receiver.ts";

const COLLECTD = "/usr/sbin/collectd";
const PYTHON = "/usr/bin/python3";
const PLUGIN_FOLDER = new URL("../../scripts/collectd/", import.meta.url).pathname;
const UNIT_TESTS = new URL("collectd_python/test_wire_probe.py", import.meta.url).pathname;
const UNIT_TESTS_LIMIT_S = 120;
const COLLECTD_LIMIT_MS = 30_000;
const PLAUSIBLE_MS = 1_000;
const ROWS = 3;
const HOST = "collectd-test";

const inCi = Deno.env.get("CI") === "true";

/** A test that is ignored, with the reason in its name, where something is missing; CI fails. */
function receiver(name: string, missing: string | null, fn: () => Promise<void>): void {
  Deno.test({
    name: missing === null ? name : `${name} (${missing})`,
    ignore: missing !== null && !inCi,
    fn: async () => {
      if (missing !== null) throw new Error(`cannot test: ${missing}`);
      await fn();
    },
  });
}

function missingPython(): string | null {
  if (Deno.build.os !== "linux") return "Linux only";
  return existsSync(PYTHON) ? null : "no python3 (Debian: python3)";
}

function missingCollectd(): string | null {
  if (Deno.build.os !== "linux") return "Linux only";
  for (const path of [COLLECTD, "/usr/lib/collectd/python.so"]) {
    if (!existsSync(path)) return `no ${path} (Debian: collectd-core)`;
  }
  const linked = new Deno.Command("ldd", { args: ["/usr/lib/collectd/python.so"] }).outputSync();
  const lacks = /(libpython\S+) => not found/.exec(new TextDecoder().decode(linked.stdout));
  return lacks === null ? null : `no ${lacks[1]} (Debian: libpython3.11)`;
}

receiver("the Python plugin passes its unit tests", missingPython(), async () => {
  const output = await new Deno.Command("timeout", {
    args: [`${UNIT_TESTS_LIMIT_S}`, PYTHON, "-B", "-W", "error", UNIT_TESTS],
    stdout: "null",
    stderr: "piped",
  }).output();
  assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
});

/** A server on loopback that closes what it accepts; nothing answers on 127.0.0.2 at its port. */
class Server {
  readonly port: number;
  #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #ended: Promise<void>;

  constructor() {
    this.port = this.#listener.addr.port;
    this.#ended = this.#serve();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#ended;
  }
}

/** collectd in a folder of its own; ended by its process id. */
class Collectd {
  #folder: string;
  #child: Deno.ChildProcess;

  private constructor(folder: string, child: Deno.ChildProcess) {
    this.#folder = folder;
    this.#child = child;
  }

  static async start(modules: string): Promise<Collectd> {
    const folder = await Deno.makeTempDir({ prefix: "wire-probe-collectd-" });
    await Deno.writeTextFile(`${folder}/collectd.conf`, configuration(folder, modules));
    const [command, ...args] = [...WITH_PARENT, COLLECTD, "-f", "-C", `${folder}/collectd.conf`];
    const child = new Deno.Command(command, {
      args,
      // A clean environment: the embedded Python must find Debian's library, not another.
      clearEnv: true,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new Collectd(folder, child);
  }

  /** The values of a series so far, oldest first; empty while it does not exist. */
  rows(plugin: string, series: string): number[] {
    const folder = `${this.#folder}/csv/${HOST}/${plugin}`;
    if (!existsSync(folder)) return [];
    const files = [...Deno.readDirSync(folder)].map((entry) => entry.name)
      .filter((name) => name.replace(/-\d{4}-\d{2}-\d{2}$/, "") === series).sort();
    return files.flatMap((file) => completeRows(Deno.readTextFileSync(`${folder}/${file}`)));
  }

  /** Waits until each series has that many rows; gives them by series. */
  async waitForRows(plugin: string, series: string[], count: number): Promise<number[][]> {
    const look = () => {
      const found = series.map((each) => this.rows(plugin, each));
      return found.every((rows) => rows.length >= count) ? found : null;
    };
    try {
      return await until(`${count} rows of ${plugin}/${series}`, look, COLLECTD_LIMIT_MS);
    } catch (error) {
      throw new Error(this.log().join("\n"), { cause: error });
    }
  }

  log(): string[] {
    const path = `${this.#folder}/log`;
    return existsSync(path) ? Deno.readTextFileSync(path).trimEnd().split("\n") : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function configuration(folder: string, modules: string): string {
  return `
Hostname "${HOST}"
FQDNLookup false
Interval 1
BaseDir "${folder}"
PIDFile "${folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "${folder}/log"
  PrintSeverity true
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "${folder}/csv"
</Plugin>
LoadPlugin python
<Plugin python>
  ModulePath "${PLUGIN_FOLDER}"
  Import "wire_probe"
  ${modules}
</Plugin>
`;
}

/** The values of a csv file without its heading and without a row that is still being written. */
function completeRows(csv: string): number[] {
  const lines = csv.split("\n").slice(1, -1);
  return lines.map((line) => {
    const value = line.split(",")[1];
    return value === "nan" || value === "-nan" ? NaN : Number(value);
  });
}

const seriesOf = (host: string) =>
  ["ping", "ping_stddev", "ping_droprate"].map((t) => `${t}-${host}`);

function assertPlausible(rtts: number[]): void {
  for (const rtt of rtts) {
    assertGreater(rtt, 0);
    assertLess(rtt, PLAUSIBLE_MS);
  }
}

const problems = (log: string[]) => log.filter((line) => /\[(warning|error)\]/.test(line));

receiver("collectd stores what the Python plugin measures", missingCollectd(), async () => {
  await using server = new Server();
  const { port } = server;
  await using collectd = await Collectd.start(`
  <Module wire_probe>
    Host "127.0.0.1"
    Host "127.0.0.2"
    Host "localhost:${port}"
    Port ${port}
    Timeout 0.5
  </Module>
  <Module wire_probe>
    Host "127.0.0.1:${port}"
    PingCount 5
    Timeout 0.2
    Aggregate median
    Interval 0.5
    Plugin "ping"
  </Module>`);

  const alive = await collectd.waitForRows("wire_probe", seriesOf("127.0.0.1"), ROWS);
  assertPlausible(alive[0]);
  assert(alive[1].every((deviation) => deviation === 0), "one answer a read deviates by 0");
  assert(alive[2].every((droprate) => droprate === 0));

  const dead = await collectd.waitForRows("wire_probe", seriesOf("127.0.0.2"), ROWS);
  assert([...dead[0], ...dead[1]].every(Number.isNaN), `values of no answer: ${dead}`);
  assert(dead[2].every((droprate) => droprate === 1));

  // Resolved on the plugin's own thread, in collectd's interpreter.
  await collectd.waitForRows("wire_probe", seriesOf(`localhost_${port}`), ROWS);

  const stock = await collectd.waitForRows("ping", seriesOf(`127.0.0.1_${port}`), ROWS);
  assertPlausible(stock[0]);
  assert(stock[1].every((deviation) => deviation >= 0 && deviation < PLAUSIBLE_MS));
  assert(stock[2].every((droprate) => droprate === 0));

  const own = /wire_probe: (127\.0\.0\.2|localhost_\d+): no handshake with /;
  assertEquals(problems(collectd.log()).filter((line) => !own.test(line)), []);
  const said = problems(collectd.log()).filter((line) => line.includes("127.0.0.2"));
  assertEquals(said.length, 1, "said once, not at every read");
  assertMatch(said[0], /port \d+: Connection refused$/);
});

receiver(
  "collectd's log names a wrong option of the Python plugin",
  missingCollectd(),
  async () => {
    await using server = new Server();
    await using collectd = await Collectd.start(`
  <Module wire_probe>
    Host "127.0.0.2"
    Timeout 90
    Prot 1
  </Module>
  <Module wire_probe>
    Host "127.0.0.1"
    Port ${server.port}
    Timeout 0.5
  </Module>`);
    await collectd.waitForRows("wire_probe", seriesOf("127.0.0.1"), 1);
    assertEquals(collectd.rows("wire_probe", "ping_droprate-127.0.0.2"), []);
    const errors = problems(collectd.log()).map((line) => line.replace(/^.*wire_probe: /, ""));
    assertArrayIncludes(errors, [
      "cannot configure: option Timeout 90; accepted: a number from 0.001 to 60",
      "this Module block is left out until it is corrected",
    ]);
    assertEquals(errors.length, 3);
  },
);
