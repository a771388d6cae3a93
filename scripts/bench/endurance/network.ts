/** Two network namespaces with a cable between them: this process's own is the near end. */
import { finish } from "../child.ts";

export const NEAR = "10.77.0.1";
export const FAR = "10.77.0.2";
const CABLE = "near";
/**
 * Of both ends, which need no ARP for that reason: a request whose answer is lost while the cable is being
 * mended is repeated after a second only, and until then all SYNs wait for it, each with a true RTT that long.
 */
const MAC = "02:00:00:00:00:01";

/** The far namespace lasts as long as the process that holds it. */
export class Network implements AsyncDisposable {
  #holder: Deno.ChildProcess;

  private constructor(holder: Deno.ChildProcess) {
    this.#holder = holder;
  }

  static async create(): Promise<Network> {
    const holder = new Deno.Command("unshare", {
      args: ["--net", "sh", "-c", "echo ready; exec sleep infinity"],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const network = new Network(holder);
    // Its first words come from inside.
    const reader = holder.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const pid = String(holder.pid);
    const end = ["address", MAC, "arp", "off"];
    const peer = ["peer", "name", "far", ...end, "netns", pid];
    await ip("link", "add", "name", CABLE, ...end, "type", "veth", ...peer);
    await ip("addr", "add", `${NEAR}/24`, "dev", CABLE);
    await ip("link", "set", CABLE, "up");
    for (const words of ["addr add 10.77.0.2/24 dev far", "link set far up", "link set lo up"]) {
      await finish(network.atFar(["ip", ...words.split(" ")]));
    }
    return network;
  }

  /** The command line that runs a command at the far end. */
  atFar(command: readonly string[]): readonly string[] {
    return ["nsenter", "--target", String(this.#holder.pid), "--net", ...command];
  }

  /** Cuts the cable, or mends it. */
  async cable(state: "up" | "down"): Promise<void> {
    await ip("link", "set", CABLE, state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.kill("SIGKILL");
    await this.#holder.status;
  }
}

async function ip(...words: string[]): Promise<void> {
  await finish(["ip", ...words]);
}
