/**
 * An RPM package (rpm.org, "RPM V4 Package format") whose bytes depend on nothing but its files: a lead,
 * a header with digests, a header with the package's tags, and a gzipped cpio archive of the files.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
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
import { rpmHeader, type RpmValue } from "./rpm_header.ts";
import { type ArchiveFile, MODIFIED_S } from "./tar.ts";
import type { Target } from "./targets.ts";

/** Where Fedora, Red Hat and SUSE want what others keep elsewhere. */
const PLACES: readonly Place[] = [
  [/^completions\/_wire-probe$/, "usr/share/zsh/site-functions/_wire-probe"],
  [/^systemd\/(.*\.service)$/, "usr/lib/systemd/system/$1"],
  [/^LICENSE$/, "usr/share/licenses/wire-probe/LICENSE"],
];
/** The package's own folder; those above it and the others are the system's. */
const OWN_FOLDER = "./usr/share/licenses/wire-probe/";

/** Architectures and their numbers in the lead. */
const ARCHITECTURES = { x86_64: 1, aarch64: 19, noarch: 255 } as const;
export type RpmArchitecture = keyof typeof ARCHITECTURES;
const OF_TARGET: Readonly<Partial<Record<Target, RpmArchitecture>>> = {
  "x86_64-unknown-linux-gnu": "x86_64",
  "aarch64-unknown-linux-gnu": "aarch64",
};

/** $1 is how many of the package are there afterwards: 2 in an upgrade, 0 after a removal. */
const POSTIN = `${ON_SYSTEMD}
systemctl daemon-reload
`;
const PREUN = `${ON_SYSTEMD}
if [ "$1" -eq 0 ]; then systemctl disable --now ${UNITS}; fi
`;
const POSTUN = `${ON_SYSTEMD}
systemctl daemon-reload
# An upgrade goes on with the new program where the old one ran.
if [ "$1" -ge 1 ]; then systemctl try-restart ${UNITS}; fi
`;

const LEAD_BYTES = 96;
const RELEASE = "1";
/** Tags that cover all others of a header. */
const SIGNATURES = 62;
const IMMUTABLE = 63;
/** PGPHASHALGO_SHA256. */
const SHA256 = 8;
const FILE = 0o100644;
const PROGRAM = 0o100755;
const FOLDER = 0o040755;
/** rpmsenseFlags: less, equal, a pre-requirement of rpm itself. */
const AT_MOST = 0x02 | 0x08;
const AT_LEAST = 0x04 | 0x08;
const EXACTLY = 0x08;
const OF_RPM = 1 << 24;
/** The features of rpm that the package needs, and the libraries of the program. */
const REQUIRES: readonly (readonly [name: string, flags: number, version: string])[] = [
  ["/bin/sh", 0, ""],
  ["glibc", AT_LEAST, "2.31"],
  ["libgcc_s.so.1()(64bit)", 0, ""],
  ["rpmlib(CompressedFileNames)", OF_RPM | AT_MOST, "3.0.4-1"],
  ["rpmlib(FileDigests)", OF_RPM | AT_MOST, "4.6.0-1"],
  ["rpmlib(PayloadFilesHavePrefix)", OF_RPM | AT_MOST, "4.0-1"],
];

/** Null for what rpm has no package for. */
export function rpmArchitecture(target: Target): RpmArchitecture | null {
  return OF_TARGET[target] ?? null;
}

/** The package of a release's files, paths as in its archive, for an architecture. */
export function rpmOf(
  version: string,
  architecture: RpmArchitecture,
  files: readonly ArchiveFile[],
): Uint8Array {
  const folder = { path: OWN_FOLDER, content: new Uint8Array(), executable: true };
  const sorted = [folder, ...installedFiles(files, PLACES)]
    .sort((a, b) => a.path < b.path ? -1 : 1);
  const archive = cpioOf(sorted);
  const payload = gzipSync(archive);
  const header = rpmHeader(
    IMMUTABLE,
    new Map([
      ...packageTags(packageVersion(version), architecture, sorted),
      ...fileTags(sorted),
      // RPMTAG_PAYLOADDIGEST and its algorithm.
      [5092, strings([digestOf("sha256", payload)])],
      [5093, int32([SHA256])],
    ]),
  );
  const signature = signatureOf(header, payload, archive.length);
  // The header behind it starts at a multiple of 8.
  const padding = new Uint8Array((8 - signature.length % 8) % 8);
  const name = `wire-probe-${packageVersion(version)}-${RELEASE}`;
  return joined([leadOf(name, architecture), signature, padding, header, payload]);
}

/** No signature but digests: RPMSIGTAG_SHA1, _SHA256, _SIZE, _MD5, _PAYLOADSIZE. */
function signatureOf(header: Uint8Array, payload: Uint8Array, archiveBytes: number): Uint8Array {
  const md5 = createHash("md5").update(header).update(payload).digest();
  return rpmHeader(
    SIGNATURES,
    new Map<number, RpmValue>([
      [269, string(digestOf("sha1", header))],
      [273, string(digestOf("sha256", header))],
      [1000, int32([header.length + payload.length])],
      [1004, { type: "binary", values: Uint8Array.from(md5) }],
      [1007, int32([archiveBytes])],
    ]),
  );
}

function packageTags(
  version: string,
  architecture: RpmArchitecture,
  files: readonly ArchiveFile[],
): Map<number, RpmValue> {
  const i18n = (value: string): RpmValue => ({ type: "i18n", values: [value] });
  const scripts = [POSTIN, PREUN, POSTUN].map(string);
  const shell = string("/bin/sh");
  return new Map([
    [100, strings(["C"])],
    [1000, string("wire-probe")],
    [1001, string(version)],
    [1002, string(RELEASE)],
    [1004, i18n(SUMMARY)],
    [1005, i18n(DESCRIPTION.join("\n"))],
    [1006, int32([MODIFIED_S])],
    [1007, string("localhost")],
    [1009, int32([files.reduce((sum, { content }) => sum + content.length, 0)])],
    [1014, string("MIT")],
    [1015, string(`wire-probe <${HOMEPAGE}>`)],
    [1016, i18n("Applications/Internet")],
    [1020, string(HOMEPAGE)],
    [1021, string("linux")],
    [1022, string(architecture)],
    // What runs after installing, before and after removing, and by what.
    ...[1024, 1025, 1026].map((tag, i): [number, RpmValue] => [tag, scripts[i]]),
    ...[1086, 1087, 1088].map((tag): [number, RpmValue] => [tag, shell]),
    // A package with this tag is not one of sources.
    [1044, string(`wire-probe-${version}-${RELEASE}.src.rpm`)],
    [1047, strings(["wire-probe"])],
    [1112, int32([EXACTLY])],
    [1113, strings([`${version}-${RELEASE}`])],
    [1048, int32(REQUIRES.map(([, flags]) => flags))],
    [1049, strings(REQUIRES.map(([name]) => name))],
    [1050, strings(REQUIRES.map(([, , least]) => least))],
    [1064, string("4.14.0")],
    [1124, string("cpio")],
    [1125, string("gzip")],
    [1126, string("9")],
    [5062, string("utf-8")],
  ]);
}

/** A value a file in each: RPMTAG_FILESIZES and its like. */
function fileTags(files: readonly ArchiveFile[]): Map<number, RpmValue> {
  const folders = [...new Set(files.map(({ path }) => folderOf(path)))];
  const each = <T>(value: (file: ArchiveFile, i: number) => T): T[] => files.map(value);
  const none = each(() => 0);
  return new Map([
    [1028, int32(each(({ content }) => content.length))],
    [1030, int16(each(modeOf))],
    [1033, int16(none)],
    [1034, int32(each(() => MODIFIED_S))],
    [1035, strings(each(({ path, content }) => isFolder(path) ? "" : digestOf("sha256", content)))],
    [1036, strings(each(() => ""))],
    [1037, int32(none)],
    [1039, strings(each(() => "root"))],
    [1040, strings(each(() => "root"))],
    [1045, int32(each(() => 0xffffffff))],
    [1095, int32(each(() => 1))],
    [1096, int32(each((_, i) => i + 1))],
    [1097, strings(each(() => ""))],
    [1116, int32(each(({ path }) => folders.indexOf(folderOf(path))))],
    [1117, strings(each(({ path }) => nameOf(path)))],
    [1118, strings(folders)],
    [5011, int32([SHA256])],
  ]);
}

/** The format that cpio calls newc: a head of 13 numbers in hexadecimal, a name, the content, a file each. */
function cpioOf(files: readonly ArchiveFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const padded = (bytes: Uint8Array) =>
    parts.push(bytes, new Uint8Array((4 - bytes.length % 4) % 4));
  const put = (path: string, i: number, mode: number, content: Uint8Array) => {
    const links = mode === 0 ? 1 : mode === FOLDER ? 2 : 1;
    const size = content.length;
    const numbers = [i, mode, 0, 0, links, mode === 0 ? 0 : MODIFIED_S, size, 0, 0, 0, 0];
    const fields = [...numbers, path.length + 1, 0].map((n) => n.toString(16).padStart(8, "0"));
    padded(text(`070701${fields.join("")}${path}\0`));
    padded(content);
  };
  for (const [i, file] of files.entries()) {
    put(file.path.replace(/\/$/, ""), i + 1, modeOf(file), file.content);
  }
  put("TRAILER!!!", 0, 0, new Uint8Array());
  return joined(parts);
}

/** 96 bytes that only file(1) and very old programs read. */
function leadOf(name: string, architecture: RpmArchitecture): Uint8Array {
  const lead = new Uint8Array(LEAD_BYTES);
  const view = new DataView(lead.buffer);
  lead.set([0xed, 0xab, 0xee, 0xdb, 3, 0]);
  view.setUint16(8, ARCHITECTURES[architecture]);
  lead.set(text(name.slice(0, 65)), 10);
  // Linux; a signature in the form of a header.
  view.setUint16(76, 1);
  view.setUint16(78, 5);
  return lead;
}

function modeOf({ path, executable }: ArchiveFile): number {
  if (isFolder(path)) return FOLDER;
  return executable ? PROGRAM : FILE;
}

function isFolder(path: string): boolean {
  return path.endsWith("/");
}

/** `/usr/bin/` of `./usr/bin/wire-probe`. */
function folderOf(path: string): string {
  return path.replace(/\/$/, "").replace(/^\.|[^/]*$/g, "");
}

function nameOf(path: string): string {
  return path.replace(/\/$/, "").replace(/^.*\//, "");
}

function digestOf(algorithm: "sha1" | "sha256", bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest("hex");
}

function string(value: string): RpmValue {
  return { type: "string", values: [value] };
}

function strings(values: readonly string[]): RpmValue {
  return { type: "strings", values };
}

function int16(values: readonly number[]): RpmValue {
  return { type: "int16", values };
}

function int32(values: readonly number[]): RpmValue {
  return { type: "int32", values };
}
