/** Few descriptors, and what nobody caught: the compiled program. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { blackHole } from "../binary/harness/black_hole.ts";
import { BINARY } from "../wan/binary.ts";
import { Stalls } from "../wan/harness/stalls.ts";
import { Program, until } from "./harness/program.ts";

interface Summary {
  readonly target: string;
  readonly sent: number;
  readonly lost: number;
  readonly skipped: number;
}

/** The program with a soft limit of so many descriptors. */
function limited(soft: number, ...args: readonly string[]): Program {
  return new Program(
    new Deno.Command("sh", {
      args: ["-c", `ulimit -Sn ${soft}; exec "$0" "$@"`, BINARY, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

Deno.test("a reload from 1 to 301 targets, 300 silent, costs the healthy one nothing with few descriptors", async () => {
  const file = await Deno.makeTempFile();
  const [listener, silence] = [Deno.listen({ hostname: "127.0.0.1", port: 0 }), await blackHole()];
  const healthy = `healthy=127.0.0.1:${listener.addr.port}`;
  const silentTargets = Array.from({ length: 300 }, (_, i) => `s${i}=127.0.0.1:${silence.port}`);
  await Deno.writeTextFile(file, `${healthy}\n`);
  const args = ["probe", "--targets", file, "-i", "500ms", "-t", "2s", "-o", "json"];
  using stalls = new Stalls();
  await using program = limited(100, ...args, "--duration", "8s");
  stalls.watch(program);
  await until("it probes", () => program.stdout.includes("established"));
  await Deno.writeTextFile(file, [healthy, ...silentTargets].join("\n"));
  program.kill("SIGHUP");
  await until("it read the file", () => program.stderr.includes("301 targets"));
  await program.ended();
  const summaries = program.lines<Summary>("wire-probe.summary.v1");
  const found = summaries.find(({ target }) => target === "healthy");
  assert(found !== undefined);
  const missed = stalls.slots(500);
  assertEquals(found.lost, 0);
  assertLessOrEqual(found.skipped, missed);
  assert(found.sent >= 15 - missed, `${found.sent} sent`);
  const silent = summaries.filter(({ target }) => target !== "healthy");
  assertEquals(silent.length, 300);
  // With the soft limit's 36 places they would skip nine of ten.
  const sum = (of: "sent" | "skipped") => silent.reduce((total, each) => total + each[of], 0);
  assert(sum("skipped") < sum("sent"), `${sum("skipped")} skipped, ${sum("sent")} sent`);
  silence[Symbol.dispose]();
  listener.close();
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
    // The program's own entry, with something that fails beside it when it is told to.
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `Deno.addSignalListener("SIGUSR1", () => { ${thrown}; });\nawait import(${
        JSON.stringify(main)
      });\n`,
    );
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${folder}/main.ts`, "serve", "--port", "0"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    await using program = new Program(command.spawn());
    await until("it listens", () => program.stderr.includes("listening"));
    program.kill("SIGUSR1");
    const { code, stderr } = await program.ended();
    const lines = stderr.trimEnd().split("\n");
    assertEquals(code, 4, lines.join("\n"));
    assertEquals(lines.at(-1), "wire-probe: internal error: lost here");
    assertEquals(lines.filter((line) => line.includes("lost")).length, 1);
    await Deno.remove(folder, { recursive: true });
  }
});
