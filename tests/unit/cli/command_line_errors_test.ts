import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { COMMANDS as TABLE } from "../../../src/cli/table.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { property } from "../random.ts";

const COUNT = "a whole number from 1 to 2147483647";
const PORT = "a whole number from 0 to 65535";
const INTERVAL =
  "a duration from 1ms to 24h, such as 250ms, 1.5s or 1m30s; a bare number is seconds";
const TIMEOUT = "a duration from 1ms to 1m, such as 250ms, 1.5s or 1m30s; a bare number is seconds";
const NAME = "a name wants 1 to 255 characters, none of them control characters";
const NO_TARGET = "probe wants a target, such as db-host:5432, or --targets FILE";
const COMMANDS =
  "probe, serve, connections, ping, knock, trace, compare, mesh, heatmap, selfcheck, completions, help, version";

const BAD: readonly [argv: string, message: string][] = [
  [
    "",
    `wants a target, HOST:PORT, to ask whether it is the network, or a command: ${COMMANDS}; see 'wire-probe help'`,
  ],
  ["prob db:1", "there is no command \"prob\"; did you mean 'probe'?"],
  ["Serve", "there is no command \"Serve\"; did you mean 'serve'?"],
  [
    "frobnicate",
    "there is no command \"frobnicate\"; a target is HOST:PORT; see 'wire-probe help'",
  ],
  [
    "constructor",
    "there is no command \"constructor\"; a target is HOST:PORT; see 'wire-probe help'",
  ],
  ["-c 5 a:1", "'HOST:PORT' has no option \"-c\"; a command may: 'wire-probe help compare'"],
  ["a:1 --count 5", "'HOST:PORT' has no option --count, which belongs to 'compare'"],
  ["a:1 b:2", "one target is asked about at a time; for several: wire-probe compare a:1 b:2"],
  ["db.example", 'target "db.example": wants a port too: db.example:PORT, or a service\'s name'],
  ["__proto__", "there is no command \"__proto__\"; a target is HOST:PORT; see 'wire-probe help'"],
  ["--count 5", "there is no option \"--count\"; see 'wire-probe help'"],
  ["-x", "there is no option \"-x\"; see 'wire-probe help'"],
  ["probe", NO_TARGET],
  ["probe -c 5", NO_TARGET],
  ["probe --", NO_TARGET],
  ["probe db", 'target "db": wants a port too: db:PORT, or a service\'s name'],
  ["probe db:1 ::1:80", 'target "::1:80": an IPv6 address goes in brackets: [::1]:80'],
  ["probe db:1 db:1", 'target "db:1" is given twice'],
  ["probe a=db:1 b=db:1 a=db:1", 'target "a" is given twice'],
  ["probe -4 -6 db:1", "-4 and -6 exclude each other"],
  ["probe -4 [::1]:80", '"[::1]:80" is not an IPv4 address, which is what is asked for'],
  ["probe -6 v4=127.0.0.1:80", '"v4" is not an IPv6 address, which is what is asked for'],
  [
    "probe --source nowhere db:1",
    '--source "nowhere": wants an IP address of this machine; an interface is --interface NAME',
  ],
  ["probe --source= db:1", '--source "": wants an IP address'],
  [
    "probe --source ::1 1.2.3.4:1",
    '"1.2.3.4:1" is not an IPv6 address, which is what is asked for',
  ],
  ["probe -4 --source ::1 db:1", '"::1" is not an IPv4 address, which is what is asked for'],
  ...["a/b", "http://db", "db:9998", "::1", "-db"].map((name): [string, string] => [
    `mesh --nodes f --http-host=${name}`,
    `--http-host "${name}": wants a host's name, without scheme and port`,
  ]),
  ["probe --count", `--count wants a value: ${COUNT}`],
  ["probe --count 0 db:1", `--count "0": wants ${COUNT}`],
  ["probe -c 2147483648 db:1", `--count "2147483648": wants ${COUNT}`],
  ["probe -c -5 db:1", `--count "-5": wants ${COUNT}`],
  ["probe -i 200 db:1", '--interval "200": say 200ms or 200s'],
  ["connections -i 200", '--interval "200": say 200ms or 200s'],
  ["probe -t 200 db:1", '--timeout "200": say 200ms'],
  [
    "probe a=db:1 a=db:2",
    'db:1 and db:2 are both "a", one series to every receiver: give one of them another name',
  ],
  [
    "probe --source fe80::a db:1",
    '--source "fe80::a": a link-local address wants its interface: fe80::a%eth0',
  ],
  [
    "probe [fe80::b]:9",
    'target "[fe80::b]:9": a link-local address wants its interface: fe80::b%eth0',
  ],
  ["ping db:5432", 'target "db:5432": an echo has no port: ping db, or probe "db:5432"'],
  [
    "probe -n 5 db:1",
    "'probe' has no option \"-n\"; a count is -c N, and addresses are never looked up backwards",
  ],
  ["probe postgres://u:secret@/x", 'target "postgres://…@/x": its URL names no host'],
  [
    "postgres://u:secret@h:0/x",
    'target "postgres://…@h:0/x": wants host or host:port behind the @',
  ],
  [
    "probe -q -o influx db:1",
    "--quiet: --output influx has no summary, so nothing would be printed",
  ],
  ["probe -i 0 db:1", `--interval "0": wants ${INTERVAL}`],
  ["probe -i 24.1h db:1", `--interval "24.1h": wants ${INTERVAL}`],
  ["probe -t 60001 db:1", `--timeout "60001": wants ${TIMEOUT}`],
  ["probe -t 61s db:1", `--timeout "61s": wants ${TIMEOUT}`],
  ["probe --burst 0 db:1", '--burst "0": wants a whole number from 1 to 1000000'],
  [
    "probe --output xml db:1",
    '--output "xml": wants one of text, json, csv, influx, collectd, none',
  ],
  ["probe --close abort db:1", '--close "abort": wants one of fin, rst'],
  ["probe --clock wall db:1", '--clock "wall": wants one of auto, kernel, userland'],
  ["probe --az= db:1", '--az "": wants a zone\'s name'],
  ["probe --az a\tb db:1", `"a\\tb": ${NAME}`],
  ["probe --fail-loss 101 db:1", '--fail-loss "101": wants a number from 0 to 100, in percent'],
  ["probe --fail-loss -1 db:1", '--fail-loss "-1": wants a number from 0 to 100, in percent'],
  [
    "probe --resolve-every 999ms db:1",
    '--resolve-every "999ms": wants a duration from 1s to 24h, such as 250ms, 1.5s or 1m30s; a bare number is seconds',
  ],
  ["probe --quiet=yes db:1", '--quiet takes no value, but got "yes"'],
  ["probe --port x db:1", '--port "x": wants a whole number from 1 to 65535'],
  ["probe --bind ::1 db:1", "'probe' has no option --bind, which belongs to 'serve'"],
  ["probe --cuont 5 db:1", "'probe' has no option \"--cuont\"; did you mean --count?"],
  ["probe -x db:1", "'probe' has no option \"-x\"; see 'wire-probe help probe'"],
  [
    "probe --constructor db:1",
    "'probe' has no option \"--constructor\"; see 'wire-probe help probe'",
  ],
  [
    "probe --__proto__=1 db:1",
    "'probe' has no option \"--__proto__\"; see 'wire-probe help probe'",
  ],
  ["serve --toString", "'serve' has no option \"--toString\"; see 'wire-probe help serve'"],
  ["serve --port", `--port wants a value: ${PORT}`],
  ["serve --port=", `--port "": wants ${PORT}`],
  ["serve --port -5", `--port "-5": wants ${PORT}`],
  ["serve --port 007", `--port "007": wants ${PORT}`],
  ["serve --port 65536", `--port "65536": wants ${PORT}`],
  ["serve --bind localhost", '--bind "localhost": wants an IP address of this machine'],
  ["serve --bind [::]", '--bind "[::]": wants an IP address of this machine'],
  ["serve --backlog 0", '--backlog "0": wants a whole number from 1 to 2147483647'],
  [
    "serve --stats-every 99ms",
    '--stats-every "99ms": wants a duration from 100ms to 24h, such as 250ms, 1.5s or 1m30s; a bare number is seconds',
  ],
  ["serve here", "'serve' takes a port from 1 to 65535, but got \"here\""],
  ["serve 70000", "'serve' takes a port from 1 to 65535, but got \"70000\""],
  ["serve 1 2", "'serve' takes one argument, but got also \"2\""],
  ["serve --target db:1", "'serve' has no option \"--target\"; see 'wire-probe help serve'"],
  ["serve --targets nodes", "'serve' has no option --targets, which belongs to 'probe'"],
  ["selfcheck now", "'selfcheck' takes no arguments, but got \"now\""],
  ["selfcheck -o csv", '--output "csv": wants one of text, json'],
  ["version 2", "'version' takes no arguments, but got \"2\""],
  ["help frob", "there is no command \"frob\"; see 'wire-probe help'"],
  ["help sevre", "there is no command \"sevre\"; did you mean 'serve'?"],
  ["help probe serve", "'help' takes one argument, but got also \"serve\""],
  ["completions", "completions wants one of bash, zsh, fish"],
  ["completions tcsh", "completions wants one of bash, zsh, fish"],
  ["completions bash zsh", "completions wants one of bash, zsh, fish"],
  ["--mode", "--mode wants a value: one of probe, server"],
  ["--mode=", '--mode "": wants one of probe, server'],
  ["ping a:b:c", 'target "a:b:c": wants a host name, an address or name=host'],
  ["ping db=1.2.3", 'target "1.2.3": "1.2.3" is no host name or address'],
  ["--mode serve", '--mode "serve": wants one of probe, server'],
  ["--mode probe", "--mode probe wants --target HOST:PORT"],
  ["--mode probe --target db", '--target "db": wants host:port, 1.2.3.4:port or [v6]:port'],
  ["--mode probe db:1", "'--mode probe' takes no arguments, but got \"db:1\""],
  ["--mode server db:1", "'--mode server' takes no arguments, but got \"db:1\""],
  ["--mode server --port x", `--port "x": wants ${PORT}`],
  [
    "--mode probe --target db:1 --frob",
    "'--mode probe' has no option \"--frob\"; see 'wire-probe help probe'",
  ],
  ["--mode server --frob", "'--mode server' has no option \"--frob\"; see 'wire-probe help serve'"],
];

Deno.test("a command line that cannot be used is refused with exactly one line", () => {
  for (const [argv, message] of BAD) {
    const words = argv === "" ? [] : argv.split(" ");
    const error = assertThrows(() => parseCommandLine(words, "1.2.3"), UsageError);
    assertEquals(error.message, message, argv);
  }
});

Deno.test("labels of one key given twice are refused, since JSON has one value a key", () => {
  const argv = ["probe", "--label", "a=1", "--label", "a=2", "db:1"];
  assertThrows(() => parseCommandLine(argv, "1.2.3"), UsageError);
});

property("any words give a command or one printable line, never another error", 2000, (random) => {
  const known = ["probe", "serve", "help", "completions", "--mode", "probe", "--target", "db:1"];
  const odd = [
    "-c",
    "5",
    "--",
    "-",
    "",
    "--count=",
    "--=x",
    "\u001b[2J",
    "a\nb",
    "[::1]:1",
    "=",
    "9".repeat(999),
  ];
  const argv = Array.from({ length: random.int(0, 6) }, () => random.pick([...known, ...odd]));
  try {
    parseCommandLine(argv, "1.2.3");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    assertEquals(/[\p{Cc}]/u.test(error.message), false, JSON.stringify(argv));
    assertEquals(error.message.length < 400, true, error.message);
  }
});

Deno.test("no option of any command has a message that holds the secret of a connection string", () => {
  const urls = [
    "postgres://app:s3cr3t@127.0.0.1:5432/shop",
    "postgres://127.0.0.1:5432/shop?user=app&password=s3cr3t",
    "host=db port=1 user=app password=s3cr3t",
  ];
  for (const [command, { options }] of Object.entries(TABLE)) {
    for (const name of Object.keys(options)) {
      for (const url of urls) {
        for (const words of [[`--${name}`, url], [`--${name}=${url}`], [`--${name}`, url, "x:1"]]) {
          try {
            parseCommandLine([command, ...words], "1.2.3");
          } catch (error) {
            if (!(error instanceof UsageError)) throw error;
            assertEquals(error.message.includes("s3cr3t"), false, error.message);
          }
        }
      }
    }
  }
});
