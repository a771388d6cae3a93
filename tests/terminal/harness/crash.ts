/** A live screen in whose run something is thrown that nobody catches. */
import { LiveScreen } from "../../../src/sink/live_screen.ts";
import { messageOf } from "../../../src/text/quote.ts";
import { outbox } from "../../../src/run/outbox.ts";
import { SystemTerminal } from "../../../src/sink/terminal.ts";
import { systemClock } from "../../../src/time/clock.ts";

const [how] = Deno.args;
const { promise: ended, resolve: end } = Promise.withResolvers<void>();
const crash = () => {
  if (how === "exit") Deno.exit(9);
  const error = new Error("thrown by the test");
  if (how === "rejection") Promise.reject(error);
  else throw error;
};
const screen = new LiveScreen({
  lines: () => ["the screen is up"],
  // In a turn of its own, with nobody to catch it.
  key: () => void systemClock.wakeAt(systemClock.now(), crash),
}, {
  clock: systemClock,
  terminal: new SystemTerminal(null),
  onQuit: end,
  onBroken: end,
});
screen.start();
await ended;
await screen.stop();
try {
  screen.rethrow();
} catch (error) {
  outbox.sayNow(messageOf(error));
  await outbox.flush();
}
// The reader of the keyboard still waits for one.
Deno.exit(4);
