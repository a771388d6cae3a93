/** A network namespace of the benchmark's own: nobody else's TIME_WAIT, counters that start at 0. */

const INSIDE = "--in-namespace";
/** From 1024 on: room for 32,000 handshakes with an address before the search for a port is long. */
const PORTS = "1024 65535";

export function isInside(): boolean {
  return Deno.args.includes(INSIDE);
}

/** Runs this script again in a fresh namespace; null where none can be made. */
export async function runInside(script: string): Promise<number | null> {
  for (const options of [["-n"], ["-rn"]]) {
    if (!await succeeds("unshare", [...options, "ip", "link", "set", "lo", "up"])) continue;
    const child = new Deno.Command("unshare", {
      args: [...options, Deno.execPath(), "run", "-A", script, ...Deno.args, INSIDE],
      stdin: "null",
    }).spawn();
    return (await child.status).code;
  }
  return null;
}

/**
 * Returns inside a fresh namespace that is fit for measurements. Outside of one this process runs the
 * script again inside, and ends with its exit code, or with 1 where no namespace can be made.
 */
export async function enterNamespace(script: string): Promise<void> {
  if (isInside()) return await furnish();
  const code = await runInside(new URL(script).pathname);
  if (code === null) console.error("no network namespace can be made here");
  Deno.exit(code ?? 1);
}

/** Makes a namespace fit for measurements; call first thing inside. */
export async function furnish(): Promise<void> {
  await succeeds("ip", ["link", "set", "lo", "up"]);
  await Deno.writeTextFile("/proc/sys/net/ipv4/ip_local_port_range", PORTS);
}

export async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
