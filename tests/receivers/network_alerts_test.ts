/** Alerts whose causes lie in the network, which is played: a path that changes, a target that becomes slow. */
import { wanAllowed } from "../wan/harness/allowed.ts";
import { PlayedNetwork, TARGET } from "../wan/played/network.ts";
import type { Scene } from "../wan/played/scene.ts";
import { firesAndResolves, nothingFires, quickRules } from "./real/alerts.ts";
import { Machine } from "./real/machine.ts";
import { type Place, Prometheus } from "./real/prometheus.ts";
import { Folder, passing, Program, realTest } from "./real/receiver.ts";

/** Between bounds of the histogram's buckets, so that a busy machine's delays of tens of ms are no alarm. */
const USUAL_MS = 200;
const SLOW_MS = 700;
/** Long enough for a past to compare with. */
const CALM_MS = 18_000;

function scene(rttMs: number, second: { v4: string; v6: string } | null): Scene {
  const hops = [{ rttMs: 2 }, { rttMs: 4, ...second }, { rttMs: 6 }];
  return { hops, target: { rttMs, tcp: "open" } };
}

/** In the namespace of the network's only host. */
function placeIn({ host }: PlayedNetwork): Place {
  const within = ["netns", "exec", host.namespace];
  return {
    start: (program, args) => new Program("ip", [...within, program, ...args]),
    get: async (url) => {
      const { code, stdout } = await host.run("curl", ["-sfg", url]);
      return code === 0 ? stdout : null;
    },
  };
}

realTest(
  "a path that changes and a target that is slower than before are told while they last",
  ["prometheus"],
  async () => {
    // Packets that are under way when the network ends have timers of their own.
    await using _underWay = { [Symbol.asyncDispose]: () => passing(2 * SLOW_MS) };
    using folder = new Folder();
    await using network = await PlayedNetwork.open(scene(USUAL_MS, null));
    const place = placeIn(network);
    const target = `db=${TARGET.v4}:5432`;
    const machine = new Machine(folder, "prober", place);
    const agent = (command: string, port: number, ...options: string[]) => {
      const exports = ["-o", "none", "--export", `prometheus://127.0.0.1:${port}`];
      return machine.run(command, ...exports, ...options, target);
    };
    await using _tracing = agent("trace", 9273, "-n", "-i", "500ms", "-t", "2s");
    await using _probing = agent("probe", 9274, "-i", "100ms");
    const pages = ["127.0.0.1:9273", "127.0.0.1:9274"];
    await using prometheus = new Prometheus(folder, pages, [], quickRules(folder), place);
    await prometheus.ready();
    await passing(CALM_MS);
    await nothingFires(prometheus);
    const labels = { target: "db" };
    let [rttMs, second] = [USUAL_MS, null as { v4: string; v6: string } | null];
    const play = () => void (network.scene = scene(rttMs, second));
    await Promise.all([
      firesAndResolves(prometheus, {
        alert: "WireProbePathChanged",
        labels,
        cause: () => {
          second = { v4: "10.92.7.7", v6: "fd92::7:7" };
          play();
        },
        // The path stays as it has become.
        end: () => {},
      }),
      firesAndResolves(prometheus, {
        alert: "WireProbeSlowerThanItsWeek",
        labels,
        cause: () => {
          rttMs = SLOW_MS;
          play();
        },
        end: () => {
          rttMs = USUAL_MS;
          play();
        },
      }),
    ]);
  },
  wanAllowed(),
);
