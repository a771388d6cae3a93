/** `trace --repeat` by the compiled binary, in a real terminal. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { isOnPath } from "../../scripts/gate/command.ts";
import { Pane } from "./harness/pane.ts";

const here = isOnPath("tmux");

/** Notes the terminal's modes before and after, and the exit code at the end. */
const SCRIPT = `echo before the table; stty -a >before
wire-probe trace -n -U -r 1000 -i 50ms 127.0.0.1
code=$?; stty -a >after; echo "exit code $code"; sleep 60
`;

/** How many probes the first hop has been sent. */
function sent(screen: string): number {
  return Number(/^ {2}1 {2}127\.0\.0\.1 +(\d+)/m.exec(screen)?.[1]);
}

for (const [how, key] of [["q", "q"], ["Ctrl-C", "C-c"]] as const) {
  Deno.test({
    name: `the table of hops redraws, and ${how} ends with it on the screen there was before`,
    ignore: !here,
    fn: async () => {
      await using pane = await Pane.open(SCRIPT, 110, 12);
      const early = await pane.until((text) => sent(text) >= 2);
      assert(!early.includes("before the table"), early);
      await pane.until((text) => sent(text) > sent(early));
      await pane.shows(
        /^trace to 127\.0\.0\.1 .*, \d+ rounds\nhop {2}address .*\n {2}1 {2}127\.0\.0\.1 /,
        /^round \d+ of 1000, q quits$/m,
      );
      await pane.press(key);
      const screen = await pane.until((text) => text.includes("exit code 0"));
      assertMatch(
        screen,
        /^before the table\ntrace to 127\.0\.0\.1 .*, \d+ rounds\nhop {2}address /,
      );
      assertMatch(screen, /^reached 127\.0\.0\.1 \(port unreachable\) in 1 hop, /m);
      assert(!screen.includes("quits"), screen);
      assertEquals(await pane.file("after"), await pane.file("before"));
    },
  });
}
