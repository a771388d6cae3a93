/** The README: every command in it runs, what it names is there, and it fits the page. */
import { assert, assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { existsSync } from "node:fs";
import { commandHelp } from "../../src/cli/help.ts";
import { traceJson } from "../../src/format/path_json.ts";
import { NO_EXTENSIONS } from "../../src/packet/icmp_extension.ts";
import type { HopAnswer } from "../../src/trace/hop_prober.ts";
import { examplePath, report } from "../unit/format/path_reports.ts";
import { hopAnswer } from "../unit/trace/fake_path.ts";

const README = Deno.readTextFileSync("README.md");
const MOST_LINES = 350;
const MOST_COLUMNS = 100;
const MOST_SAMPLE_COLUMNS = 120;
/** In a network of its own the README's port is free; only root may have one. */
const OWN_NETWORK = Deno.uid() === 0 ? ["unshare", "--net"] : [];

/** The contents of the fenced blocks of a section, by its title. */
function blocks(title: string): string[] {
  const section = README.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
  return [...section.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, text]) => text);
}

/** What is neither code, table nor picture. */
function proseLines(): string[] {
  return README.replaceAll(/^```[\s\S]*?^```$/gm, "").split("\n")
    .filter((line) => !/^(\||!\[| {4})/.test(line));
}

Deno.test("the README's first two commands work as pasted, each in a terminal of its own", async () => {
  const [serve, session] = blocks("Two terminals");
  const probe = /^\$ (.*)$/m.exec(session)?.[1] ?? "";
  const listening = "for i in $(seq 300); do ss -Hltn | grep -q :9999 && break; sleep 0.1; done";
  const script =
    `ip link set lo up; ${serve.trim()} & ${listening}; ${probe}; code=$?; kill $!; exit $code`;
  const words = [...OWN_NETWORK, "sh", "-c", script];
  const { code, stdout, stderr } = await new Deno.Command(words[0], {
    args: words.slice(1),
    env: { PATH: `${Deno.cwd()}/dist:${Deno.env.get("PATH")}` },
  }).output();
  const [said, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, complaints);
  assertMatch(said, /5 sent, 5 answered, 0 lost/);
});

/** What is typed, in blocks and within lines, each once. */
function commands(): string[] {
  const typed = [
    ...README.matchAll(/^(?:\$ | {4})?((?:wire-probe|curl|\.\/scripts\/deno|deno) .*)$/gm),
  ];
  const within = [...README.matchAll(/`((?:wire-probe|gh|\.\/scripts\/deno|deno|sysctl) [^`]*)`/g)];
  return [...new Set([...typed, ...within].map(([, text]) => text.replace(/ +#.*/, "").trim()))];
}

/** A form, not a command. */
const FORMS = ["wire-probe HOST:PORT"];
/** Run by the gate in another place, or where a figure is made; each with the file that does it. */
const ELSEWHERE: readonly (readonly [begins: string, file: string])[] = [
  ["curl -fsSL", "tests/release/install_test.ts"],
  ["./scripts/deno task image", "tests/release/image_test.ts"],
  ["./scripts/deno task build", "scripts/gate/test.ts"],
  ["./scripts/deno task check", ".github/workflows/ci.yml"],
  ["./scripts/deno task test", "scripts/gate/test.ts"],
  ["./scripts/deno test", "scripts/gate/deno_test.ts"],
  ["deno task test", "scripts/gate/test.ts"],
  ["deno task footprint", "scripts/gate/suites.ts"],
  ["deno task bench", "scripts/bench/handshakes.ts"],
  ["deno doc", "tests/library/programs_test.ts"],
  ["deno run", "scripts/gate/footprint.ts"],
  ["sysctl -w", "tests/wan/compare_test.ts"],
  // What it verifies is made by the release's workflow.
  ["gh attestation verify", ".github/workflows/release.yml"],
];

const RUNNING = commands().filter((command) => command.startsWith("wire-probe"))
  .filter((command) => !FORMS.includes(command));

/**
 * The stage where the README's names exist: a database, a responder, a mesh of two on one machine.
 */
const STAGE = `
answered() { awk '/^(Tcp|Icmp): [0-9]/ { n += $1 == "Tcp:" ? $7 : $2 } END { exit n == 0 }' /proc/net/snmp; }
ip link set lo up
printf '127.0.0.1 localhost db\\n' >hosts
mount --bind hosts /etc/hosts
echo 'db1=127.0.0.1:5432 az=a rack=r1' >targets.txt
printf 'n1=127.0.0.1 az=a\\nn2=127.0.0.2 az=a\\n' >mesh.txt
wire-probe serve --bind 127.0.0.1 --port 5432 2>/dev/null &
case "$1" in
  *heatmap*)
    for name in n1 n2; do wire-probe mesh --nodes mesh.txt --name $name -i 0.2 -q 2>/dev/null & done
    for i in $(seq 50); do wire-probe heatmap --nodes mesh.txt >/dev/null 2>&1 && break; sleep 0.1; done ;;
  *mesh*) set -- "$1 --name n1" "$2" ;;
  *serve*) ;;
  *) wire-probe serve --bind 127.0.0.1 2>/dev/null & ;;
esac
for i in $(seq 400); do ss -Hltn | grep -q :5432 && break; sleep 0.05; done
sh -c "$1" >said 2>complaints &
run=$!
# Those without an end are ended, once they have said something.
if [ "$2" ]; then
  for i in $(seq 150); do [ -s said ] || [ -s complaints ] && break; sleep 0.1; done
  # Its first words come before its first probe; the kernel counts what answers, in this network alone.
  case "$1" in *serve* | *mesh*) ;; *) for i in $(seq 300); do answered && break; sleep 0.1; done ;; esac
  case "$1" in *compare*) sleep 3 ;; *) sleep 1 ;; esac
  kill $run
fi
wait $run
code=$?
cat complaints >&2
exit $code
`;
/** Commands that are ended once they have said something; one behind which another stands ends by itself. */
const ENDLESS = /^wire-probe (?:probe|ping|serve|mesh|compare)\b(?!.*&&)/;
/** On a busy machine these may rightly fail. */
const JUDGES = /--fail-|--triage/;
/** No command of the README takes longer. */
const MOST_MS = 90_000;
/** Commands under way at once. */
const AT_ONCE = 4;

interface Ended {
  readonly command: string;
  readonly code: number;
  readonly complaints: string;
}

async function staged(command: string): Promise<Ended> {
  const cwd = await Deno.makeTempDir();
  const args = [
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
    "sh",
    "-c",
    STAGE,
    "sh",
    command.includes("&&") ? command : `exec ${command}`,
    ENDLESS.test(command) ? "endless" : "",
  ];
  const { code, stderr } = await new Deno.Command("unshare", {
    args,
    cwd,
    stdin: "null",
    stdout: "null",
    env: { PATH: `${Deno.cwd()}/dist:${Deno.env.get("PATH")}` },
    signal: AbortSignal.timeout(MOST_MS),
  }).output();
  await Deno.remove(cwd, { recursive: true });
  return { command, code, complaints: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "every command of the README runs as it stands",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const waiting = [...RUNNING];
    const ended: Ended[] = [];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        ended.push(await staged(next));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const isRight = ({ command, code }: Ended) => code === 0 || code === 1 && JUDGES.test(command);
    assertEquals(ended.filter((one) => !isRight(one)), []);
    assert(ended.length > 15, `${ended.length} commands`);
  },
});

Deno.test("what the README types beside this program is run by a file that is there", () => {
  for (const command of commands().filter((command) => !command.startsWith("wire-probe"))) {
    const found = ELSEWHERE.find(([begins]) => command.startsWith(begins));
    assert(found !== undefined, command);
    assert(existsSync(found[1]), found[1]);
  }
});

Deno.test("files, tasks and sections that the README names are there", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync("deno.json"));
  for (const [path] of README.matchAll(/\b(?:src|scripts|tests)\/[\w./]*\w/g)) {
    assert(existsSync(path), path);
  }
  for (const [, task] of README.matchAll(/deno task ([\w:]+)/g)) assert(task in tasks, task);
  const titles = [...README.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-")
  );
  for (const [, anchor] of README.matchAll(/\]\(#([^)]*)\)/g)) {
    assert(titles.includes(anchor), anchor);
  }
});

/** The fields of a schema as the README's table has them. */
function fieldsOf(schema: string): string[] {
  const row = README.split("\n").find((line) => line.startsWith(`| \`wire-probe.${schema}.v1\``));
  return row?.split("|")[2].match(/`([^`]*)`/)?.[1].split(" ") ?? [];
}

/** Goldens with a line of each schema. */
const GOLDENS = {
  probe: "probe.json.golden",
  summary: "summary-one.json.golden",
  compare: "compare.json.golden",
} as const;

Deno.test("the README's JSON fields are those that are written, in their order", () => {
  for (const [schema, golden] of Object.entries(GOLDENS)) {
    const lines = Deno.readTextFileSync(`tests/golden/${golden}`).trim().split("\n");
    const objects = lines.map((line) => JSON.parse(line));
    const { schema: _, ...fields } = objects.find((object) =>
      object.schema === `wire-probe.${schema}.v1`
    );
    assertEquals(fieldsOf(schema), Object.keys(fields), schema);
  }
});

/** The names of all fields of a value, however deep. */
function fieldNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldNames);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, of]) => [name, ...fieldNames(of)]);
}

Deno.test("the README and the help name every field of a trace's JSON", () => {
  const path = examplePath();
  const one = { role: "incoming", index: 1, address: null, name: null, mtuBytes: null } as const;
  const extensions = { ...NO_EXTENSIONS, interfaces: [one] };
  const translation = { source: "203.0.113.9", destination: null };
  const synAck = { maxSegmentBytes: 1460, windowBytes: 1, windowScale: 7 };
  const add = (hops: number, answer: HopAnswer) =>
    path.add({ round: 1, hops, flow: 0, query: 3, answer });
  add(1, hopAnswer("192.0.2.1", 1000, { extensions, translation }));
  add(5, hopAnswer("198.51.100.9", 5000, { kind: "end", detail: "open", synAck }));
  const address = "198.51.100.9";
  const steps = [{ hops: 2, address, sizeBytes: 1500, mtuBytes: 1400 }];
  const mtu = { address, hops: 5, steps, arrivedBytes: 1400, lostBytes: 1401, linkBytes: 1500 };
  const handshake = { port: 443, outcome: "timeout", rttUs: -1, rttSource: null } as const;
  const { schema: _, ...fields } = JSON.parse(traceJson(report(path, { mtu, handshake })));
  const names = fieldNames(fields);
  const row = /^\| `wire-probe\.trace\.v1`.*$/m.exec(README)?.[0] ?? "";
  const words = new Set(`${row} ${commandHelp("trace")}`.match(/\w+/g));
  assertEquals(names.filter((name) => !words.has(name)), []);
  assert(["syn_ack", "mtu_search", "interfaces", "nat"].every((name) => names.includes(name)));
});

Deno.test(`the README's prose fits ${MOST_COLUMNS} columns`, () => {
  assertEquals(proseLines().filter((line) => line.length > MOST_COLUMNS), []);
});

Deno.test(`the README has at most ${MOST_LINES} lines, its samples ${MOST_SAMPLE_COLUMNS} columns`, () => {
  assertLessOrEqual(README.trimEnd().split("\n").length, MOST_LINES);
  const samples = [...README.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].flatMap(([, text]) =>
    text.split("\n")
  );
  assertEquals(samples.filter((line) => line.length > MOST_SAMPLE_COLUMNS), []);
});
