/** The system packages that the tests need beyond Deno, and their installation on request. */
import { isOnPath, run } from "./command.ts";

/** A command, or a file by its whole path, and the Debian package that has it. */
export interface Need {
  readonly command: string;
  readonly package: string;
}

/** Where Debian keeps the shared libraries of this machine's own kind. */
const LIBRARIES = `/usr/lib/${Deno.build.arch}-linux-gnu`;

/** A library for Debian's python3. */
const PYTHON_YAML = "/usr/lib/python3/dist-packages/yaml/__init__.py";

/** Rules for packets, in namespaces. */
const RULES: readonly Need[] = [
  { command: "nft", package: "nftables" },
  { command: "ip", package: "iproute2" },
];

/** Networks of known behaviour, in namespaces. */
const NETWORKS: readonly Need[] = [
  ...RULES,
  { command: "perl", package: "perl" },
  { command: "setpriv", package: "util-linux" },
];

/** By suite. */
export const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  binary: [
    ...RULES,
    { command: "curl", package: "curl" },
    { command: "ss", package: "iproute2" },
    { command: "prlimit", package: "util-linux" },
    { command: "script", package: "bsdutils" },
    { command: "setpriv", package: "util-linux" },
    { command: "setsid", package: "util-linux" },
    { command: "fish", package: "fish" },
    { command: "man", package: "man-db" },
    { command: "mandoc", package: "mandoc" },
    { command: "zsh", package: "zsh" },
  ],
  endurance: [
    { command: "faketime", package: "faketime" },
    { command: "ip", package: "iproute2" },
    { command: "nsenter", package: "util-linux" },
    { command: "prlimit", package: "util-linux" },
  ],
  browser: [
    { command: "chromium", package: "chromium" },
    { command: "chromedriver", package: "chromium-driver" },
  ],
  receivers: [
    { command: "collectd", package: "collectd-core" },
    // What bookworm's python.so is linked with; collectd-core only recommends it.
    { command: `${LIBRARIES}/libpython3.11.so.1.0`, package: "libpython3.11" },
    { command: "curl", package: "curl" },
    { command: "influxd", package: "influxdb" },
    { command: "ip", package: "iproute2" },
    { command: "npm", package: "npm" },
    { command: "openssl", package: "openssl" },
    { command: "victoria-metrics", package: "victoria-metrics" },
    { command: "prometheus", package: "prometheus" },
    { command: "promtool", package: "prometheus" },
    { command: "python3", package: "python3" },
    { command: "setpriv", package: "util-linux" },
  ],
  release: [
    { command: "bash", package: "bash" },
    { command: "busybox", package: "busybox-static" },
    { command: "curl", package: "curl" },
    { command: "dash", package: "dash" },
    { command: "docker-registry", package: "docker-registry" },
    { command: "dpkg", package: "dpkg" },
    { command: "openssl", package: "openssl" },
    { command: "qemu-aarch64", package: "qemu-user" },
    { command: "/usr/aarch64-linux-gnu/lib/libc.so.6", package: "libc6-arm64-cross" },
    { command: "/usr/aarch64-linux-gnu/lib/libgcc_s.so.1", package: "libgcc-s1-arm64-cross" },
    { command: PYTHON_YAML, package: "python3-yaml" },
    { command: "rpm", package: "rpm" },
    { command: "setpriv", package: "util-linux" },
    { command: "shasum", package: "perl" },
    { command: "shellcheck", package: "shellcheck" },
    { command: "skopeo", package: "skopeo" },
    { command: "wget", package: "wget" },
  ],
  scenes: NETWORKS,
  systemd: [
    { command: "systemd-analyze", package: "systemd" },
    { command: "unshare", package: "util-linux" },
  ],
  terminal: [{ command: "tmux", package: "tmux" }],
  wan: [
    ...NETWORKS,
    { command: "fping", package: "fping" },
    { command: "mtr", package: "mtr-tiny" },
    { command: "nping", package: "nmap" },
    { command: "traceroute", package: "traceroute" },
  ],
  workflows: [
    { command: "npm", package: "npm" },
    { command: PYTHON_YAML, package: "python3-yaml" },
  ],
};

/** The needs of these suites that are not met. */
export function missing(suites: readonly string[]): Need[] {
  return suites.flatMap((suite) => NEEDS[suite] ?? [])
    .filter(({ command }, i, all) => all.findIndex((need) => need.command === command) === i)
    .filter(({ command }) => !isOnPath(command));
}

/** Installs the packages; null when that went well, else what the package manager said. */
export async function install(needs: readonly Need[]): Promise<string | null> {
  const packages = [...new Set(needs.map((need) => need.package))];
  const privileged = Deno.uid() === 0 ? [] : ["sudo", "-n"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const steps = [
    ["apt-get", "update", "-q"],
    ["apt-get", "install", "-q", "-y", "--no-install-recommends", ...packages],
  ];
  for (const step of steps) {
    try {
      const { success, output } = await run([...privileged, ...step], { env });
      if (!success) return output;
    } catch (error) {
      return `cannot run ${step.join(" ")}: ${error instanceof Error ? error.message : error}\n`;
    }
  }
  return null;
}
