/** A test that needs the network. */
import { isOnPath } from "../../../scripts/gate/command.ts";
import { wanAllowed } from "./allowed.ts";

const reason = wanAllowed();

/**
 * Where the network cannot be made, or a command is missing, the test is counted as ignored. What a
 * network leaves to the next one, a warm link process, outlives the test, and is no leak.
 */
export function wan(
  name: string,
  fn: (test: Deno.TestContext) => Promise<void>,
  needs: readonly string[] = [],
): void {
  const ignore = reason !== null || needs.some((command) => !isOnPath(command));
  Deno.test({ name, ignore, sanitizeOps: false, sanitizeResources: false, fn });
}
