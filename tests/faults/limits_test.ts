/** Few descriptors, and what nobody caught: the compiled program. */
import { assert, assertEquals } from "@std/assert";
import { BINARY } from "../wan/binary.ts";
import { Program, until } from "./harness/program.ts";

interface Summary {
  readonly target: string;
  readonly sent: number;
  readonly lost: number;
  readonly skipped: number;
}

/** Addresses that nobody answers at. */
function silentTargets(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `s${i}=192.0.2.${1 + i % 250}:${1000 + i}`);
}

/** The program with a soft limit of so many descriptors, in a network that swallows what is for 192.0.2.0/24. */
function limited(soft: number, ...args: readonly string[]): Program {
  const script = `ip link set lo up; ip link add hole type dummy; ip link set hole up;
    ip addr add 10.9.9.1/24 dev hole; ip route add 192.0.2.0/24 dev hole;
    ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:02 dev hole;
    ip route replace 192.0.2.0/24 via 10.9.9.2 dev hole;
    setpriv --pdeathsig KILL "$0" serve --port 9999 --bind 127.0.0.1 >/dev/null 2>&1 & sleep 1;
    ulimit -Sn ${soft}; exec "$0" "$@"`;
  return new Program(
    new Deno.Command("unshare", {
      args: ["--net", "sh", "-c", script, BINARY, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

Deno.test("a reload from 1 to 301 targets, 300 silent, costs the healthy one nothing with few descriptors", async () => {
  const file = await Deno.makeTempFile();
  const healthy = "healthy=127.0.0.1:9999";
  await Deno.writeTextFile(file, `${healthy}\n`);
  const args = ["probe", "--targets", file, "-i", "500ms", "-t", "2s", "-o", "json"];
  await using program = limited(100, ...args, "--duration", "8s");
  await until("it probes", () => program.stdout.includes("established"));
  await Deno.writeTextFile(file, [healthy, ...silentTargets(300)].join("\n"));
  program.kill("SIGHUP");
  await until("it read the file", () => program.stderr.includes("301 targets"));
  await program.ended();
  const summaries = program.lines<Summary>("wire-probe.summary.v1");
  const found = summaries.find(({ target }) => target === "healthy");
  assert(found !== undefined);
  assertEquals([found.lost, found.skipped], [0, 0]);
  assert(found.sent >= 15, `${found.sent} sent`);
  const silent = summaries.filter(({ target }) => target !== "healthy");
  assertEquals(silent.length, 300);
  // With the soft limit's 36 places they would skip nine of ten.
  const sum = (of: "sent" | "skipped") => silent.reduce((total, each) => total + each[of], 0);
  assert(sum("skipped") < sum("sent"), `${sum("skipped")} skipped, ${sum("sent")} sent`);
  await Deno.remove(file);
});

Deno.test("a rejection that nobody awaits, and an error that nobody caught, are one line and exit code 4", async () => {
  for (
    const thrown of [
      "Promise.reject(new Error('lost\\nhere'))",
      "setTimeout(() => { throw new Error('lost here'); })",
    ]
  ) {
    const folder = await Deno.makeTempDir();
    const main = new URL("../../main.ts", import.meta.url).href;
    // The program's own entry, with something that fails beside it.
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `setTimeout(() => { ${thrown}; }, 300);\nawait import(${JSON.stringify(main)});\n`,
    );
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-net", `${folder}/main.ts`, "serve", "--port", "0"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
    assertEquals(code, 4, lines.join("\n"));
    assertEquals(lines.at(-1), "wire-probe: internal error: lost here");
    assertEquals(lines.filter((line) => line.includes("lost")).length, 1);
    await Deno.remove(folder, { recursive: true });
  }
});
