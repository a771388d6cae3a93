/** `probe --live` by the compiled binary, in a real terminal. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async/delay";
import { World } from "../binary/harness/world.ts";
import { isOnPath } from "../../scripts/gate/command.ts";
import { until } from "../faults/harness/program.ts";
import { Pane } from "./harness/pane.ts";

const here = isOnPath("tmux");
/** No run outlives a test that failed to end it. */
const BOUND = "--duration 60s";
const CRASH = `${import.meta.dirname}/harness/crash.ts`;

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Answers handshakes on every loopback address. */
class Responder implements Disposable {
  #listener = Deno.listen({ hostname: "0.0.0.0", port: 0, tcpBacklog: 4096 });
  readonly port = this.#listener.addr.port;

  constructor() {
    this.#serve();
  }

  async #serve(): Promise<void> {
    try {
      for await (const connection of this.#listener) connection.close();
    } catch {
      // Closed.
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

function terminalTest(name: string, body: (port: number) => Promise<void>): void {
  Deno.test({
    name: here ? name : `${name} (no tmux here)`,
    ignore: !here,
    fn: async () => {
      using responder = new Responder();
      await body(responder.port);
    },
  });
}

/** A script that notes the terminal's modes before and after, and the exit code at the end. */
function noting(command: string): string {
  return `stty -a >before
bash -c 'echo $$ >pid; exec ${command}'
code=$?
stty -a >after
echo "exit code $code"
sleep 60
`;
}

const probe = (words: string) => noting(`wire-probe probe --live ${BOUND} ${words}`);

/** The names in the first column, below the titles. */
function names(screen: string): string[] {
  const lines = screen.split("\n");
  const from = lines.findIndex((line) => line.startsWith("target ")) + 1;
  const rows = lines.slice(from, lines.indexOf("", from));
  return rows.map((line) => line.split(" ")[0]);
}

/** The summary is on the user's own screen, whose modes are as they were. */
async function assertRestored(pane: Pane, code: number): Promise<string> {
  const screen = await pane.until((text) => text.includes(`exit code ${code}`));
  assertEquals(await pane.file("after"), await pane.file("before"));
  assert(!screen.includes("history"), screen);
  return screen;
}

terminalTest("the table shows every target, the worst first, and q ends it", async (port) => {
  using world = await World.open();
  const { CLOSED, BLACK_HOLE } = world.names();
  const silent = `silent=127.0.0.1:${BLACK_HOLE}`;
  const targets = `b=127.0.0.2:${port} gone=127.0.0.1:${CLOSED} ${silent}`;
  await using pane = await Pane.open(probe(`-i 50ms -t 100ms ${targets}`), 120, 20);
  // Slots that a busy machine skips are marks between the others.
  const screen = await pane.shows(
    /^probing 3 targets, every 50ms, timeout 100ms +\d+s of 1m, \d+%\n3 targets /,
    /^target .*\nsilent .* lost .* 100.0% .*×{5}/m,
    /^gone .* refused .*r{5}/m,
    /^b .* 0\.0% .*[▁▂▃▄▅▆▇█]{5}/m,
  );
  assertEquals(names(screen)[0], "silent", screen);
  await pane.press("q");
  const after = await assertRestored(pane, 1);
  assertMatch(after, /^target +sent +answered/m);
});

terminalTest("keys choose the order and the page, and show help", async (port) => {
  const targets = Array.from({ length: 30 }, (_, i) => `n${30 - i}=127.0.0.${i + 1}:${port}`);
  await using pane = await Pane.open(probe(`-i 100ms ${targets.join(" ")}`), 100, 14);
  await pane.until((text) => text.includes("1-10 of 30, worst first"));
  await pane.press("n");
  await pane.shows(/1-10 of 30, by name/, /^n1 .*\nn2 (.*\n)*n10 /m);
  await pane.press("NPage");
  await pane.shows(/11-20 of 30/, /^n11 (.*\n)*n20 /m);
  await pane.press("End", "Up");
  await pane.shows(/20-29 of 30/, /^n20 (.*\n)*n29 /m);
  await pane.press("o", "Home");
  await pane.shows(/1-10 of 30, as given/, /^n30 .*\nn29 /m);
  await pane.press("?");
  await pane.shows(/q quit {2}w worst/, /× lost/);
  await pane.press("?", "q");
  await assertRestored(pane, 0);
});

terminalTest("the table fits the terminal after each change of its size", async (port) => {
  const script = probe(`-i 50ms db=127.0.0.1:${port}`);
  await using pane = await Pane.open(script, 120, 20);
  await pane.until((text) => /sent.*p99.*max ms.*retr.*▁/s.test(text));
  await pane.resize(40, 6);
  const titles = "\ntarget      last       p99   loss  retr\ndb ";
  await pane.until((text) => text.includes(titles) && text.includes("\nall 1, worst first"));
  await pane.resize(12, 2);
  await pane.until((text) => text.startsWith("target\ndb"));
  await pane.resize(120, 20);
  await pane.until((text) => /sent.*p99.*max ms.*retr.*▁/s.test(text));
  await pane.press("q");
  await assertRestored(pane, 0);
});

for (const [how, end] of [["Ctrl-C", "C-c"], ["SIGTERM", null], ["SIGINT", null]] as const) {
  terminalTest(`${how} ends with the summary on the screen there was before`, async (port) => {
    const script = `echo before the table\n${probe(`-i 50ms 127.0.0.1:${port}`)}`;
    await using pane = await Pane.open(script, 110, 24);
    const table = await pane.until((text) => text.includes("▁"));
    assert(!table.includes("before the table"), table);
    if (end === null) await pane.signal(how as Deno.Signal);
    else await pane.press(end);
    const screen = await assertRestored(pane, 0);
    assertMatch(screen, /^before the table\n(.*\n)*--- 127.0.0.1:\d+ ---\n\d+ sent/m);
  });
}

terminalTest("a run with an end shows how near it is, and ends by itself", async (port) => {
  const script = noting(`wire-probe probe --live -c 60 -i 50ms 127.0.0.1:${port}`);
  await using pane = await Pane.open(script, 110, 24);
  await pane.until((text) => /\d+s, \d+%/.test(text));
  assertMatch(await assertRestored(pane, 0), /^60 sent, 60 answered/m);
});

terminalTest("Ctrl-Z gives the terminal back, and fg the table", async (port) => {
  const run = `wire-probe probe --live ${BOUND} -i 50ms 127.0.0.1:${port}`;
  const script = `set -m; stty -a >before; ${run}
stty -a >stopped; echo stopped; read; fg; echo "exit code $?"; stty -a >after; sleep 60\n`;
  await using pane = await Pane.open(script, 110, 24);
  await pane.until((text) => text.includes("▁"));
  await pane.press("C-z");
  await pane.until((text) => text.includes("stopped") && !text.includes("history"));
  assertEquals(await pane.file("stopped"), await pane.file("before"));
  await pane.press("Enter");
  await pane.until((text) => text.includes("history"));
  await pane.press("q");
  await pane.until((text) => text.includes("exit code 0"));
});

terminalTest("who was stopped by another draws anew, and SIGQUIT prints nothing", async (port) => {
  await using pane = await Pane.open(probe(`-i 50ms 127.0.0.1:${port}`), 110, 24);
  await pane.until((text) => text.includes("▁"));
  await pane.signal("SIGSTOP");
  await pane.signal("SIGCONT");
  await pane.signal("SIGQUIT");
  await pane.until((text) => /^probing (.*\n){2}target/.test(text) && /▁{2}/.test(text));
  await pane.press("q");
  await assertRestored(pane, 0);
});

terminalTest("notices wait in the table's last lines, and are printed at the end", async (port) => {
  const script = `echo db=127.0.0.1:${port} >targets\n${probe("-i 50ms --targets targets")}`;
  await using pane = await Pane.open(script, 150, 24);
  await pane.until((text) => text.includes("▁"));
  await Deno.writeTextFile(`${pane.folder}/targets`, "db=\n");
  await pane.signal("SIGHUP");
  await pane.shows(
    /^probing (.*\n)*targets:1: .*going on with the targets there were\nall 1, worst first/,
  );
  await pane.press("q");
  assertMatch(await assertRestored(pane, 0), /^wire-probe: targets:1: .*there were$/m);
});

const CRASHES = { error: "thrown", rejection: "rejected", exit: "exit without leave" };

for (const [how, what] of Object.entries(CRASHES)) {
  terminalTest(`the terminal is given back when nobody cares: ${what}`, async () => {
    const command = `${Deno.execPath()} run --quiet --no-check --allow-all ${CRASH} ${how}`;
    await using pane = await Pane.open(noting(command), 110, 24);
    await pane.until((text) => text.startsWith("the screen is up"));
    await pane.press("x");
    const screen = await assertRestored(pane, how === "exit" ? 9 : 4);
    assert(!screen.includes("the screen is up"), screen);
    if (how !== "exit") assertStringIncludes(screen, "wire-probe: thrown by the test\n");
  });
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  terminalTest(
    `${signal}: a terminal that was stopped by Ctrl-S does not hold the end up`,
    async (port) => {
      // The table takes Ctrl-S as a key: the terminal is made to obey it again.
      const script = `stty -a >before
(until [ -e go ]; do sleep 0.02; done; stty ixon </dev/tty; touch gone) &
bash -c 'echo $$ >pid; exec wire-probe probe --live ${BOUND} -i 50ms 127.0.0.1:${port}'
echo $? >code
sleep 60
`;
      await using pane = await Pane.open(script, 80, 20);
      await pane.until((text) => text.includes("▁"));
      await Deno.writeTextFile(`${pane.folder}/go`, "");
      await until("Ctrl-S stops the terminal", () => exists(`${pane.folder}/gone`));
      await pane.press("C-s");
      // Until a frame is stuck.
      await delay(1000);
      await pane.signal(signal);
      // For 2 s at most, which the outbox's test holds on a clock of its own; here, that it does end.
      await until("it has ended", () => exists(`${pane.folder}/code`));
    },
  );
}
