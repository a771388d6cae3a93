/** The README: its first commands run as pasted, what it names is there, its prose fits the page. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync } from "node:fs";

const README = Deno.readTextFileSync("README.md");
const MOST_COLUMNS = 100;
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
  const [serve, session] = blocks("First run");
  const probe = /^\$ (.*)$/m.exec(session)?.[1] ?? "";
  const listening = "for i in $(seq 100); do ss -Hltn | grep -q :9999 && break; sleep 0.1; done";
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

Deno.test(`the README's prose fits ${MOST_COLUMNS} columns`, () => {
  assertEquals(proseLines().filter((line) => line.length > MOST_COLUMNS), []);
});
