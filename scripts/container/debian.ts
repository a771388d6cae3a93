/**
 * Debian's packages for a kind of machine, fetched and verified by apt with lists of its own, so that the
 * machine at hand may be of another kind. It wants a Debian, from whose mirrors it takes them.
 */
import { run } from "../gate/command.ts";

const RELEASE = "bookworm";
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";
const PACKAGES = ["libc6", "libgcc-s1", "ca-certificates", "netbase"];
/** Where ca-certificates has its certificates, and where programs look for all of them. */
const CERTIFICATES = "usr/share/ca-certificates/mozilla";
const BUNDLE = "etc/ssl/certs/ca-certificates.crt";

/** Unpacks the packages below the folder, which is the root of a system then. Throws apt's own words. */
export async function debianFiles(architecture: string, folder: string): Promise<string> {
  const [apt, root] = [`${folder}/apt`, `${folder}/root`];
  for (const path of ["state/lists/partial", "cache/archives/partial"]) {
    await Deno.mkdir(`${apt}/${path}`, { recursive: true });
  }
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${apt}/sources.list`, await sources());
  const settings = {
    "Dir::State": `${apt}/state`,
    "Dir::State::status": "/dev/null",
    "Dir::Cache": `${apt}/cache`,
    "Dir::Etc::SourceList": `${apt}/sources.list`,
    "Dir::Etc::SourceParts": "-",
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  await Deno.writeTextFile(`${apt}/apt.conf`, lines.join(""));
  const env = { APT_CONFIG: `${apt}/apt.conf` };
  const script = `apt-get update -q && cd "${apt}" && apt-get download -q ${PACKAGES.join(" ")} &&
    for package in *.deb; do dpkg-deb -x "$package" "${root}" || exit; done`;
  const { success, output } = await run(["sh", "-c", script], { env });
  if (!success) throw new Error(output);
  await bundle(root);
  return root;
}

/** The mirrors of the release that this machine's own apt knows. */
async function sources(): Promise<string> {
  const format = "$(ORIGIN) $(CODENAME) $(REPO_URI)";
  const words = ["apt-get", "indextargets", "--format", format, "Created-By: Packages"];
  const { output } = await run(words);
  const lines = output.split("\n").flatMap((line) => {
    const [origin, suite, address] = line.split(" ");
    const wanted = origin === "Debian" && [RELEASE, `${RELEASE}-security`].includes(suite);
    return wanted ? [`deb [signed-by=${KEYS}] ${address} ${suite} main\n`] : [];
  });
  if (lines.length === 0) throw new Error(`apt knows no mirror of Debian ${RELEASE} here`);
  return [...new Set(lines)].join("");
}

/** What the package's own script does when it is installed: all certificates in one file. */
async function bundle(root: string): Promise<void> {
  const names = [...Deno.readDirSync(`${root}/${CERTIFICATES}`)].map(({ name }) => name).sort();
  const texts = await Promise.all(
    names.map((name) => Deno.readTextFile(`${root}/${CERTIFICATES}/${name}`)),
  );
  await Deno.mkdir(`${root}/etc/ssl/certs`, { recursive: true });
  await Deno.writeTextFile(
    `${root}/${BUNDLE}`,
    texts.map((text) => `${text.trimEnd()}\n`).join(""),
  );
}
