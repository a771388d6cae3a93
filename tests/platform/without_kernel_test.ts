/** The tool where there is no libc to call: FFI denied, or another system. It works by the clock and says so. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PERMISSIONS, RUNNABLE } from "../../scripts/release/build.ts";

const BUNDLE = await Deno.realPath(RUNNABLE);
const SAID = "this platform or its permissions offer no TCP_INFO";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Deno's words before the module. */
type Way = readonly string[];

const allowed = (permissions: readonly string[]): Way => [
  ...["run", "--quiet", "--no-config", "--no-check"],
  ...permissions,
];

/** A module that says it is on another system, then runs the tool. */
async function pretending(os: string): Promise<string> {
  const file = await Deno.makeTempFile({ prefix: `wire-probe-${os}-`, suffix: ".js" });
  const build = `Object.defineProperty(Deno, "build", { value: { ...Deno.build, os: "${os}" } });`;
  await Deno.writeTextFile(file, `${build}\nawait import("file://${BUNDLE}");\n`);
  return file;
}

const WAYS: readonly (readonly [name: string, way: Way, module: () => Promise<string>])[] = [
  [
    "without FFI",
    allowed(PERMISSIONS.filter((word) => word !== "--allow-ffi")),
    () => Promise.resolve(BUNDLE),
  ],
  ["on macOS", allowed(PERMISSIONS), () => pretending("darwin")],
  ["on Windows", allowed(PERMISSIONS), () => pretending("windows")],
];

/** Bodies get a way to start the tool. */
type Start = (...args: string[]) => Deno.ChildProcess;

function inEveryWay(what: string, body: (start: Start) => Promise<void>): void {
  for (const [name, way, module] of WAYS) {
    Deno.test(`${name} ${what}`, async () => {
      const file = await module();
      try {
        await body((...args) =>
          new Deno.Command(Deno.execPath(), {
            args: [...way, file, ...args],
            stdin: "null",
            stdout: "piped",
            stderr: "piped",
          }).spawn()
        );
      } finally {
        if (file !== BUNDLE) await Deno.remove(file);
      }
    });
  }
}

async function ended(child: Deno.ChildProcess): Promise<Ended> {
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Accepts and closes until it is closed itself. */
async function answer(listener: Deno.TcpListener): Promise<void> {
  for await (const connection of listener) connection.close();
}

inEveryWay("probe measures by the clock, and says so once", async (start) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = answer(listener);
  const target = `127.0.0.1:${listener.addr.port}`;
  const { code, stdout, stderr } = await ended(
    start("probe", "-c", "3", "-i", "20ms", "-o", "json", target),
  );
  listener.close();
  await answering;
  assertEquals(stderr, `wire-probe: ${SAID}: rtt is the clock's, scheduling included\n`);
  assertEquals(code, 0);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const summary = lines.pop();
  assertEquals(lines.length, 3);
  for (const { outcome, rtt_source, rtt_ms, connect_ms, syn_retransmits } of lines) {
    assertEquals([outcome, rtt_source, syn_retransmits], ["established", "clock", null]);
    assertEquals(rtt_ms, connect_ms);
    assert(rtt_ms > 0);
  }
  // The distribution called rtt is the kernel's alone.
  assertEquals([summary.answered, summary.rtt_ms.count, summary.connect_ms.count], [3, 0, 3]);
});

inEveryWay("serve answers, and does not claim to know its backlog", async (start) => {
  const child = start("serve", "--bind", "127.0.0.1", "--port", "0", "--backlog", "77");
  let said = "";
  for await (const chunk of child.stderr.values({ preventCancel: true })) {
    said += new TextDecoder().decode(chunk);
    if (said.includes("\n")) break;
  }
  assertStringIncludes(said, "backlog 77 asked for\n");
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  assertEquals(await connection.read(new Uint8Array(1)), null);
  connection.close();
  child.kill("SIGTERM");
  const stdout = await new Response(child.stdout).text();
  await child.stderr.cancel();
  assertEquals((await child.status).code, 0);
  assertStringIncludes(stdout, "accepted 1 in ");
});

inEveryWay("selfcheck says what is not to be had", async (start) => {
  const { code, stdout, stderr } = await ended(start("selfcheck"));
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "  kernel RTT     not available\n");
  assertStringIncludes(
    stdout,
    "  no   kernel RTT       rtt is the clock's and holds this machine's",
  );
});

inEveryWay("what only the kernel can do is refused in one line", async (start) => {
  for (const option of ["--clock kernel", "--close rst", "--source 127.0.0.1"]) {
    const words = ["probe", "-c", "1", ...option.split(" "), "127.0.0.1:1"];
    const { code, stdout, stderr } = await ended(start(...words));
    assertEquals([code, stdout], [4, ""], option);
    assertStringIncludes(stderr, `wire-probe: ${option.split(" ")[0]}`);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});
