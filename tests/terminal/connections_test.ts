/** `connections --live` by the compiled binary, in a real terminal. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { isOnPath } from "../../scripts/gate/command.ts";
import { Pane } from "./harness/pane.ts";

const here = isOnPath("tmux");

/** Notes the terminal's modes before and after, and the exit code at the end. */
const SCRIPT = `echo before the table; stty -a >before
wire-probe connections --live -i 200ms --port PORT
code=$?; stty -a >after; echo "exit code $code"; sleep 60
`;

Deno.test({
  name: "the table of connections redraws, and q gives the terminal back as it was",
  ignore: !here,
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    using _first = await Deno.connect({ hostname: "127.0.0.1", port });
    await using pane = await Pane.open(SCRIPT.replace("PORT", String(port)), 90, 24);
    const early = await pane.shows(
      /^2 connections in 2 groups over \d+\.\ds; this machine opened \d+/,
      new RegExp(`^127\\.0\\.0\\.1:${port} +1 `, "m"),
      new RegExp(`^:${port} from 127\\.0\\.0\\.1 +1 `, "m"),
      /^q quits$/m,
    );
    assert(!early.includes("before the table"), early);
    using _second = await Deno.connect({ hostname: "127.0.0.1", port });
    await pane.shows(new RegExp(`^127\\.0\\.0\\.1:${port} +2 `, "m"));
    await pane.press("q");
    const screen = await pane.until((text) => text.includes("exit code 0"));
    // The last report stays.
    assertMatch(screen, /^before the table\n\d+ connections in 2 groups over /);
    assertMatch(screen, new RegExp(`^127\\.0\\.0\\.1:${port} +2 `, "m"));
    assert(!screen.includes("q quits"), screen);
    assertEquals(await pane.file("after"), await pane.file("before"));
  },
});
