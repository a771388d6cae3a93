/**
 * A Debian package (deb(5)) whose bytes depend on nothing but its files: an ar archive of the format's
 * version, the control files and the files to install.
 */
import {
  DESCRIPTION,
  HOMEPAGE,
  installedFiles,
  joined,
  ON_SYSTEMD,
  packageVersion,
  type Place,
  SUMMARY,
  text,
  UNITS,
} from "./installed.ts";
import { type ArchiveFile, MODIFIED_S, tarGz } from "./tar.ts";
import type { Target } from "./targets.ts";

/** Where Debian wants what others keep elsewhere. */
const PLACES: readonly Place[] = [
  [/^completions\/_wire-probe$/, "usr/share/zsh/vendor-completions/_wire-probe"],
  [/^systemd\/(.*\.service)$/, "lib/systemd/system/$1"],
  [/^LICENSE$/, "usr/share/doc/wire-probe/copyright"],
];
const ARCHITECTURES: Readonly<Partial<Record<Target, string>>> = {
  "x86_64-unknown-linux-gnu": "amd64",
  "aarch64-unknown-linux-gnu": "arm64",
};

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
  const installed = installedFiles(files, PLACES);
  const bytes = installed.reduce((sum, { content }) => sum + content.length, 0);
  const control = `Package: wire-probe
Version: ${packageVersion(version)}
Architecture: ${architecture}
Maintainer: wire-probe <${HOMEPAGE}>
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.31), libgcc-s1
Section: net
Priority: optional
Homepage: ${HOMEPAGE}
Description: ${SUMMARY}
${DESCRIPTION.map((line) => ` ${line}\n`).join("")}`;
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
  return joined(parts);
}
