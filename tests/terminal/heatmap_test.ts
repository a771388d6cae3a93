/** `heatmap --watch` by the compiled binary, in a real terminal. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { isOnPath } from "../../scripts/gate/command.ts";
import { Pane } from "./harness/pane.ts";

/** Two nodes at whose ports nobody listens; the terminal's modes before and after. */
const SCRIPT = `echo before the matrix; stty -a >before
printf 'n1=127.0.0.1 http=1\\nn2=127.0.0.2 http=1\\n' >nodes
wire-probe heatmap --nodes nodes --watch 1s -t 500ms
code=$?; stty -a >after; echo "exit code $code"; sleep 60
`;

Deno.test({
  name:
    "a watched matrix redraws, shows another metric, and is left on the screen there was before",
  ignore: !isOnPath("tmux"),
  fn: async () => {
    await using pane = await Pane.open(SCRIPT, 100, 16);
    const early = await pane.shows(/0 of 2 rows/, /^handshake RTT, p50, ms: /m, /^--- .* ---$/m);
    assert(!early.includes("before the matrix"), early);
    const time = (text: string) => /^--- (.*) ---$/m.exec(text)?.[1];
    await pane.until((text) => time(text) !== undefined && time(text) !== time(early));
    await pane.press("m");
    await pane.shows(/^handshake RTT, p99, ms: /m);
    await pane.press("q");
    const screen = await pane.until((text) => text.includes("exit code 1"));
    assertMatch(screen, /^before the matrix\n--- .* ---\nhandshake RTT, p50, ms: /);
    assert(!screen.includes("quits"), screen);
    assertEquals(await pane.file("after"), await pane.file("before"));
  },
});
