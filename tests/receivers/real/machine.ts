/** The compiled program on a machine of a test's own making: its names, how short its host is, its end. */
import { overwrite } from "../../../scripts/gate/command.ts";
import { BINARY } from "./probe.ts";
import { HERE, type Place } from "./prometheus.ts";
import type { Folder, Program } from "./receiver.ts";

const CALM_PERCENT = 1;
/** A control group that was never throttled, whatever versions of them there are here. */
const CGROUP = `mount -t tmpfs tmpfs /sys/fs/cgroup &&
  group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup) && mkdir -p "$group" &&
  echo throttled_usec 0 >"$group/cpu.stat" && `;
/** proc_stat(5): no time was stolen. */
const TICKS = "cpu  100 0 100 1000 0 0 0 0 0 0\n";

/** Runs programs whose kernel says what the test wants, in a mount namespace each. */
export class Machine {
  #files: Readonly<Record<string, string>>;
  #pressure: string;

  #place: Place;

  /** Time stolen from this machine is not the programs' to see, unless `stolen` says so. */
  constructor(folder: Folder, name: string, place = HERE, stolen = false) {
    this.#place = place;
    this.#pressure = folder.write(`${name}-cpu`, "");
    this.press(CALM_PERCENT);
    const calm = folder.write(`${name}-calm`, Deno.readTextFileSync(this.#pressure));
    this.#files = {
      "/etc/hosts": folder.write(`${name}-hosts`, "127.0.0.1 localhost\n"),
      // Where nobody answers.
      "/etc/resolv.conf": folder.write(`${name}-resolv`, "nameserver 127.0.0.1\n"),
      "/proc/pressure/cpu": this.#pressure,
      "/proc/pressure/memory": calm,
      "/proc/pressure/io": calm,
      ...(stolen ? {} : { "/proc/stat": folder.write(`${name}-stat`, TICKS) }),
    };
  }

  /** For so much of the last ten seconds some task of the host waited for a CPU. */
  press(percent: number): void {
    const line = (who: string) =>
      `${who} avg10=${percent.toFixed(2)} avg60=0.00 avg300=0.00 total=0\n`;
    overwrite(this.#pressure, line("some") + line("full"));
  }

  /** The hosts file has another name, with an address on loopback. */
  resolve(name: string): void {
    overwrite(this.#files["/etc/hosts"], `127.0.0.1 localhost ${name}\n`);
  }

  run(...args: string[]): Program {
    const mounts = Object.entries(this.#files)
      .filter(([place]) => exists(place))
      .map(([place, file]) => `mount --bind ${file} ${place} && `);
    const script = `${mounts.join("")}${CGROUP}exec setpriv --pdeathsig KILL -- "$@"`;
    const apart = ["--user", "--map-root-user", "--mount"];
    return this.#place.start("unshare", [...apart, "sh", "-c", script, "sh", BINARY, ...args]);
  }
}

/** Some kernels have no pressure information, some machines no name server. */
function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
