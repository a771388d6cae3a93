/** What the packages of Linux distributions have in common: where a release's files go, and their scripts. */
import { Buffer } from "node:buffer";
import type { ArchiveFile } from "./tar.ts";

export const HOMEPAGE = "https://github.com/wire-probe/wire-probe";
export const SUMMARY = "TCP latency prober that reports the kernel's round trip";
/** A line each of a description. */
export const DESCRIPTION = [
  "Measures how long the network takes as a TCP client meets it: handshakes timed by the kernel,",
  "with exporters, ping, knock, trace, compare and a mesh with a heatmap.",
];
export const UNITS = "wire-probe-serve wire-probe-probe wire-probe-connections";
/** systemd may not be there, as in a container. */
export const ON_SYSTEMD = "[ -d /run/systemd/system ] || exit 0";

/** A file's place in a release's archive, and its place on the system. */
export type Place = readonly [from: RegExp, to: string];

/** The same on every distribution. */
const COMMON_PLACES: readonly Place[] = [
  [/^wire-probe$/, "usr/bin/wire-probe"],
  [/^wire-probe\.1$/, "usr/share/man/man1/wire-probe.1"],
  [/^completions\/wire-probe\.bash$/, "usr/share/bash-completion/completions/wire-probe"],
  [/^completions\/wire-probe\.fish$/, "usr/share/fish/vendor_completions.d/wire-probe.fish"],
];

/** The release's files, their paths `./` and where they go; throws RangeError for one without a place. */
export function installedFiles(
  files: readonly ArchiveFile[],
  own: readonly Place[],
): ArchiveFile[] {
  return files.map(({ path, content, executable }) => {
    const place = [...COMMON_PLACES, ...own].find(([from]) => from.test(path));
    if (place === undefined) throw new RangeError(`no place in a package for ${path}`);
    const unit = path.endsWith(".service");
    return {
      path: `./${path.replace(place[0], place[1])}`,
      // The units name the program where the installer puts it; a package has its own place.
      content: unit ? text(decoded(content).replaceAll("/usr/local/bin/", "/usr/bin/")) : content,
      executable,
    };
  });
}

/** A version with a pre-release sorts before the version itself: `1.0.0-rc.1` is `1.0.0~rc.1`. */
export function packageVersion(version: string): string {
  return version.replace("-", "~");
}

/** The parts behind one another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

export function text(content: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(content);
}

function decoded(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}
