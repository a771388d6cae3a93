/**
 * A Debian package (deb(5)) whose bytes depend on nothing but its files: an ar archive of the format's
 * version, the control files and the files to install.
 */
import { type ArchiveFile, tarGz } from "./tar.ts";
import type { Target } from "./targets.ts";

/** Where things go on the system, by their place in a release's archive. */
const PLACES: readonly (readonly [from: RegExp, to: string])[] = [
  [/^wire-probe$/, "usr/bin/wire-probe"],
  [/^wire-probe\.1$/, "usr/share/man/man1/wire-probe.1"],
  [/^completions\/wire-probe\.bash$/, "usr/share/bash-completion/completions/wire-probe"],
  [/^completions\/_wire-probe$/, "usr/share/zsh/vendor-completions/_wire-probe"],
  [/^completions\/wire-probe\.fish$/, "usr/share/fish/vendor_completions.d/wire-probe.fish"],
  [/^systemd\/(.*\.service)$/, "lib/systemd/system/$1"],
  [/^LICENSE$/, "usr/share/doc/wire-probe/copyright"],
];
const ARCHITECTURES: Readonly<Partial<Record<Target, string>>> = {
  "x86_64-unknown-linux-gnu": "amd64",
  "aarch64-unknown-linux-gnu": "arm64",
};
/** 1980-01-01, as in the archives. */
const MODIFIED_S = 315_532_800;

const UNITS = "wire-probe-serve wire-probe-probe wire-probe-connections";
/** systemd may not be there, as in a container. */
const ON_SYSTEMD = "[ -d /run/systemd/system ] || exit 0";
const POSTINST = `#!/bin/sh
set -e
${ON_SYSTEMD}
systemctl daemon-reload
# An upgrade goes on with the new program where the old one ran.
if [ "$1" = configure ] && [ -n "$2" ]; then systemctl try-restart ${UNITS}; fi
`;
const PRERM = `#!/bin/sh
set -e
${ON_SYSTEMD}
if [ "$1" = remove ]; then systemctl disable --now ${UNITS}; fi
`;
const POSTRM = `#!/bin/sh
set -e
${ON_SYSTEMD}
systemctl daemon-reload
`;

/** `amd64` or `arm64`; null for what is no Debian machine. */
export function debArchitecture(target: Target): string | null {
  return ARCHITECTURES[target] ?? null;
}

/** The package of a release's files, paths as in its archive, for an architecture. */
export function debOf(
  version: string,
  architecture: string,
  files: readonly ArchiveFile[],
): Uint8Array {
  const installed = files.map(installedFile);
  const bytes = installed.reduce((sum, { content }) => sum + content.length, 0);
  const control = `Package: wire-probe
Version: ${debVersion(version)}
Architecture: ${architecture}
Maintainer: wire-probe <https://github.com/wire-probe/wire-probe>
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.31), libgcc-s1
Section: net
Priority: optional
Homepage: https://github.com/wire-probe/wire-probe
Description: TCP latency prober that reports the kernel's round trip
 Measures how long the network takes as a TCP client meets it: handshakes timed by the kernel,
 with exporters, ping, knock, trace, compare and a mesh with a heatmap.
`;
  return arOf([
    ["debian-binary", text("2.0\n")],
    [
      "control.tar.gz",
      tarGz([
        { path: "./control", content: text(control), executable: false },
        { path: "./postinst", content: text(POSTINST), executable: true },
        { path: "./postrm", content: text(POSTRM), executable: true },
        { path: "./prerm", content: text(PRERM), executable: true },
      ]),
    ],
    ["data.tar.gz", tarGz([...foldersOf(installed), ...installed])],
  ]);
}

function installedFile({ path, content, executable }: ArchiveFile): ArchiveFile {
  const place = PLACES.find(([from]) => from.test(path));
  if (place === undefined) throw new RangeError(`no place in a Debian package for ${path}`);
  const unit = path.endsWith(".service");
  return {
    path: `./${path.replace(place[0], place[1])}`,
    // The units name the program where the installer puts it; a package has its own place.
    content: unit ? text(decoded(content).replaceAll("/usr/local/bin/", "/usr/bin/")) : content,
    executable,
  };
}

/** The folders above the files, outer ones first: dpkg makes none by itself. */
function foldersOf(files: readonly ArchiveFile[]): ArchiveFile[] {
  const paths = new Set<string>(["./"]);
  for (const { path } of files) {
    const parts = path.split("/").slice(1, -1);
    for (let i = 1; i <= parts.length; i++) paths.add(`./${parts.slice(0, i).join("/")}/`);
  }
  const none = new Uint8Array();
  return [...paths].sort().map((path) => ({ path, content: none, executable: true }));
}

/** A version with a pre-release sorts before the version itself: `1.0.0-rc.1` is `1.0.0~rc.1`. */
function debVersion(version: string): string {
  return version.replace("-", "~");
}

/** The common format of ar(5): a head of 60 bytes a file, each at an even place. */
function arOf(files: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [text("!<arch>\n")];
  for (const [name, content] of files) {
    const fields = [
      name.padEnd(16),
      String(MODIFIED_S).padEnd(12),
      "0".padEnd(6),
      "0".padEnd(6),
      "100644".padEnd(8),
      String(content.length).padEnd(10),
    ];
    parts.push(text(`${fields.join("")}\`\n`), content);
    if (content.length % 2 === 1) parts.push(text("\n"));
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function text(content: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(content);
}

function decoded(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}
