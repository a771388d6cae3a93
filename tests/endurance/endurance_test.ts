/** The endurance task, one round of it: what takes an hour there is done here for a moment each. */
import { assert, assertMatch } from "@std/assert";
import { isOnPath } from "../../scripts/gate/command.ts";

const faketime = isOnPath("faketime");

Deno.test({
  name: "serve and probe outlast a round of all disturbances, and leak nothing" +
    (faketime ? "" : " (no faketime here: without steps of the wall clock)"),
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "scripts/bench/endurance.ts", "--minutes", "0"],
    }).output();
    const [said, wrong] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert(success, said + wrong);
    assertMatch(said, faketime ? /^11 disturbances of [\d.]+ s$/m : /^10 disturbances of /m);
  },
});
