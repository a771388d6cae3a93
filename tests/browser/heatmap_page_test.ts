/**
 * The heatmap's page as a browser meets it: the compiled binary makes it, headless Chromium opens
 * it. Screenshots stay in the folder that WIRE_PROBE_SCREENSHOTS names, else in none.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async/delay";
import { existsSync } from "node:fs";
import { freePort } from "../../scripts/gate/command.ts";
import { encodeRow } from "../../src/mesh/row_json.ts";
import { type Change, LOST, nodes, peer, quantiles, row } from "../unit/mesh/meshes.ts";
import { Browser } from "./webdriver.ts";

const BINARY = `${import.meta.dirname}/../../dist/wire-probe`;
const SCREENSHOTS = Deno.env.get("WIRE_PROBE_SCREENSHOTS") ?? null;
/** Keys by their code points in WebDriver. */
const RIGHT = "\ue014";
const DOWN = "\ue015";
const END = "\ue010";
const ENTER = "\ue007";

/** A name that becomes more than text wherever somebody forgets to escape it. */
const HOSTILE = "</script><img src=x onerror=console.error(1)>";

const lacking = ["chromium", "chromedriver"].find((command) =>
  !(Deno.env.get("PATH") ?? "").split(":").some((folder) => existsSync(`${folder}/${command}`))
);

/** a1 is slow, b2 is dead, one node has a hostile name. */
const change: Change = (from, to) =>
  to === "b2" ? LOST : {
    rtt: quantiles((from[0] === to[0] ? 300 : 1000) + (from === "a1" || to === "a1" ? 2000 : 0)),
  };

async function makePage(folder: string, sizes: readonly number[]): Promise<string> {
  const all = nodes(...sizes).map(({ name }) => name === "a3" ? HOSTILE : name);
  const zoneOf = (name: string) => name === HOSTILE ? "a" : name[0];
  const rows = all.filter((name) => name !== "b2").map((name) => {
    const peers = all.filter((other) => other !== name).map((other) => {
      const [from, to] = [name, other].map((one) => one === HOSTILE ? "a3" : one);
      return peer(other, change(from, to) ?? {});
    });
    return encodeRow(row(name, { az: zoneOf(name), peers, wallMs: Date.now() }));
  });
  await Deno.writeTextFile(`${folder}/rows`, rows.join(""));
  const { code, stderr } = await new Deno.Command(BINARY, {
    args: ["heatmap", `${folder}/rows`, "--html", `${folder}/page.html`],
  }).output();
  // A row is missing, which is what 1 says.
  assertEquals(code, 1, new TextDecoder().decode(stderr));
  return `file://${folder}/page.html`;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The middle of a pair's cell in the window. */
function cellAt(browser: Browser, from: string, to: string): Promise<Place> {
  return browser.evaluate<Place>(`heatmap.cellAt(${JSON.stringify(from)}, ${JSON.stringify(to)})`);
}

/** What a canvas has drawn there: red, green, blue, alpha. Read from a copy that is made for it. */
function pixelOf(browser: Browser, canvas: "base" | "overlay", { x, y }: Place): Promise<number[]> {
  return browser.evaluate(`(() => {
    const canvas = document.getElementById("${canvas}");
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    const copy = document.createElement("canvas");
    copy.width = copy.height = 1;
    const context = copy.getContext("2d", { willReadFrequently: true });
    const at = [(${x} - box.left) * ratio, (${y} - box.top) * ratio].map(Math.floor);
    context.drawImage(canvas, at[0], at[1], 1, 1, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  })()`);
}

const text = (browser: Browser, selector: string) =>
  browser.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).innerText`);

async function hover(browser: Browser, from: string, to: string): Promise<Place> {
  const place = await cellAt(browser, from, to);
  await browser.point(place.x, place.y);
  return place;
}

/** The page works, whatever its size. */
async function exercise(browser: Browser, url: string, size: number): Promise<void> {
  await browser.go(url);
  assertEquals(await browser.evaluate("heatmap.nodes().length"), size);
  assertEquals(await browser.evaluate("document.querySelectorAll('img').length"), 0);
  const findings = await text(browser, "#findings");
  assertStringIncludes(findings, "node b2 does not answer");
  assertStringIncludes(findings, "node a1 is slow");

  await hover(browser, "a2", "b1");
  assertStringIncludes(await text(browser, "#tip"), "a2 → b1");
  assertStringIncludes(await text(browser, "#tip"), "1.00 ms");
  assertStringIncludes(await text(browser, "#details"), "a2 → b1");
  await hover(browser, "a2", "b2");
  assertStringIncludes(await text(browser, "#tip"), "no answer");
  await hover(browser, "b2", "a2");
  assertStringIncludes(await text(browser, "#tip"), "not measured");
  await hover(browser, HOSTILE, "a2");
  assertStringIncludes(await text(browser, "#details"), HOSTILE);

  await browser.click('[data-metric="loss"]');
  assertEquals(await text(browser, '[aria-checked="true"]'), "loss");
  const lost = await hover(browser, "a2", "b2");
  assertStringIncludes(await text(browser, "#tip"), "100%");
  const nothing = await cellAt(browser, "a2", "a4");
  const [none, all] = [
    await pixelOf(browser, "base", nothing),
    await pixelOf(browser, "base", lost),
  ];
  assert(none.join() !== all.join(), "what is lost and what is not look alike");
  await browser.click('[data-metric="p50"]');
  assert(
    (await pixelOf(browser, "base", nothing)).join() !== none.join(),
    "the metric was not switched",
  );
}

/** Keys do what the pointer does. */
async function exerciseKeys(browser: Browser): Promise<void> {
  await browser.type("#stage", RIGHT);
  assertStringIncludes(await text(browser, "#details"), "→");
  const pair = () => browser.evaluate<Record<"from" | "to", number>>("heatmap.pair()");
  const { from, to } = await pair();
  await browser.type("#stage", RIGHT + DOWN);
  assertEquals(await pair(), { from: from + 1, to: to + 1 });
  // The tip goes with its cell when the page is scrolled.
  const top = (selector: string) =>
    browser.evaluate<number>(`document.querySelector("${selector}").getBoundingClientRect().top`);
  const apart = async () => await top("#tip") - await top("#stage");
  const before = await apart();
  await browser.evaluate("document.body.style.paddingBottom = '200vh'");
  await browser.evaluate("scrollBy(0, 40)");
  await browser.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
  assertEquals(await apart(), before);
  assertEquals(await browser.evaluate("scrollY"), 40);
  await browser.evaluate("document.body.style.paddingBottom = ''");
  await browser.evaluate("scrollTo(0, 0)");
}

/** A finding that is chosen leaves its own cells as they are, and veils the others. */
async function exerciseFinding(browser: Browser): Promise<void> {
  const veil = async (from: string, to: string) =>
    (await pixelOf(browser, "overlay", await cellAt(browser, from, to)))[3];
  assertEquals(await veil("a2", "a4"), 0);
  await browser.click("#findings button");
  assertStringIncludes(await text(browser, '#findings [aria-pressed="true"]'), "node b2");
  assert(await veil("a2", "a4") > 100);
  assertEquals(await veil("a2", "b2"), 0);
  await browser.click("#findings button");
}

async function exerciseTheme(browser: Browser): Promise<void> {
  const background = () =>
    browser.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const before = await background();
  await browser.click("#theme");
  assert(await background() !== before);
  await browser.click("#theme");
  assertEquals(await background(), before);
}

/** On a wall all of the matrix is seen at once, and its cells and texts are larger. */
async function exerciseWall(browser: Browser, size: number): Promise<void> {
  const cell = async () =>
    (await cellAt(browser, "a1", "a2")).x - (await cellAt(browser, "a1", "a1")).x;
  const font = () =>
    browser.evaluate<number>(
      "parseFloat(getComputedStyle(document.getElementById('findings')).fontSize)",
    );
  const before = await font();
  await browser.resize(2560, 1440);
  await until("the cells fill the height", async () => size > 100 || await cell() > 54);
  const bottom = "document.getElementById('stage').getBoundingClientRect().bottom";
  await until(
    "all is seen",
    async () =>
      await browser.evaluate(
        `${bottom} <= innerHeight && document.body.scrollHeight <= innerHeight`,
      ),
  );
  assert(await font() > 1.5 * before);
}

/** Nothing on the console, and no request but for the page itself. */
async function assertQuiet(browser: Browser, url: string): Promise<void> {
  assertEquals(await browser.log("browser"), []);
  const requests = (await browser.log("performance"))
    .map(({ message }) => JSON.parse(message).message)
    .filter(({ method }) => method === "Network.requestWillBeSent")
    .map(({ params }) => params.request.url as string)
    .filter((asked) => !asked.startsWith("data:"));
  assertEquals(requests, [url]);
}

/** A file that is written again and again is loaded as often, and shown as it was left. */
async function exerciseWatch(browser: Browser, folder: string): Promise<void> {
  const path = `${folder}/watched.html`;
  const child = new Deno.Command(BINARY, {
    args: ["heatmap", `${folder}/rows`, "--watch", "1s", "--html", path],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  /** Null where the page is loaded anew meanwhile, and has no answer. */
  const ask = <T>(expression: string) => browser.evaluate<T>(expression).catch(() => null);
  try {
    await until("the file is written", () => Promise.resolve(existsSync(path)));
    await browser.go(`file://${path}`);
    let before = { time: "", theme: "" };
    await until("it is used", async () => {
      // Whatever was done the time before is not undone.
      const found = await ask<typeof before>(`(() => {
        const { dataset } = document.documentElement;
        if (dataset.theme === undefined) document.getElementById("theme").click();
        const finding = [...document.querySelectorAll("#findings button")]
          .find((one) => one.innerText.includes("node a1 is slow"));
        if (finding.getAttribute("aria-pressed") !== "true") finding.click();
        document.querySelector('[data-metric="p99"]').click();
        return { time: document.getElementById("coverage").innerText, theme: dataset.theme };
      })()`);
      if (found !== null) before = found;
      return found !== null;
    });
    const { time, theme } = before;
    await until("new data are shown as those before were left", async () =>
      await ask(`(() => {
        const finding = document.querySelector('#findings [aria-pressed="true"]');
        const metric = document.querySelector('[aria-checked="true"]');
        return document.getElementById("coverage").innerText !== ${JSON.stringify(time)} &&
          finding.innerText.includes("node a1 is slow") && metric.dataset.metric === "p99" &&
          document.documentElement.dataset.theme === ${JSON.stringify(theme)};
      })()`) === true);
  } finally {
    child.kill("SIGTERM");
    await child.status;
  }
}

for (const [sizes, dark] of [[[4, 4, 4], false], [[60, 60, 40, 40], true]] as const) {
  const size = sizes.reduce<number>((sum, of) => sum + of, 0);
  Deno.test({
    name: `a page of ${size} nodes shows its pairs, switches, and asks the network for nothing` +
      (lacking === undefined ? "" : ` (no ${lacking} here)`),
    ignore: lacking !== undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir({ prefix: "wire-probe-page-" });
      const browser = await Browser.open(1400, 1500, dark);
      try {
        const url = await makePage(folder, sizes);
        await exercise(browser, url, size);
        if (SCREENSHOTS !== null) await browser.screenshot(`${SCREENSHOTS}/heatmap-${size}.png`);
        await exerciseKeys(browser);
        await exerciseFinding(browser);
        await exerciseTheme(browser);
        await exerciseWall(browser, size);
        await assertQuiet(browser, url);
        if (!dark) await exerciseWatch(browser, folder);
      } finally {
        await browser.close();
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Waits until something is so. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 60_000;
  while (!await isSo()) {
    assert(Date.now() < endMs, what);
    await delay(200);
  }
}

/** Waits until the page says so. */
async function shows(browser: Browser, selector: string, words: string): Promise<void> {
  const says = async () => (await text(browser, selector)).includes(words);
  await until(`${selector} says ${words}`, says);
}

Deno.test({
  name: "a node's own page refreshes itself and survives the death of a node, at any width" +
    (lacking === undefined ? "" : ` (no ${lacking} here)`),
  ignore: lacking !== undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "wire-probe-live-" });
    const names = ["n1", "n2", "n3", "n4"];
    const [port, http] = [freePort(), freePort()];
    const lines = names.map((name, i) => `${name}=127.0.5.${i + 1}:${port} az=${i % 2}\n`);
    await Deno.writeTextFile(`${folder}/nodes`, lines.join(""));
    const nodes = names.map((name) =>
      new Deno.Command(BINARY, {
        args: ["mesh", "--nodes", `${folder}/nodes`, "--name", name, "--http-port", `${http}`]
          .concat(["-i", "1s", "--quiet"]),
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn()
    );
    const browser = await Browser.open(360, 700, true);
    try {
      await until("n4 has measured somebody", async () => {
        const row = await fetch(`http://127.0.5.4:${http}/row`).then((of) => of.text(), () => "");
        return row.includes('"rtt_ms":{');
      });
      await browser.go(`http://127.0.5.1:${http}/`);
      await shows(browser, "#coverage", "4 of 4 rows");
      const width = await browser.evaluate<number>("document.documentElement.scrollWidth");
      assertEquals(width, await browser.evaluate("innerWidth"));
      assertEquals(await browser.evaluate("document.querySelectorAll('#table tr').length"), 5);
      await shows(browser, "#day", "the last day as n1 saw it");
      await browser.type("#stage", RIGHT + END + ENTER);
      await shows(browser, "#details", "the last day: 1 window of five minutes");
      // A whole day of windows is seen, however narrow the screen.
      assert(
        await browser.evaluate(`(() => {
        const bars = document.querySelector(".bars").cloneNode(true);
        bars.append(...Array.from({ length: 287 }, () => bars.firstChild.cloneNode()));
        document.getElementById("day").append(bars);
        const widths = [...bars.children].map((bar) => bar.getBoundingClientRect().width);
        bars.remove();
        return Math.min(...widths) >= 0.9;
      })()`),
      );
      nodes[3].kill("SIGKILL");
      await shows(browser, "#findings", "n4 refuses connections");
      if (SCREENSHOTS !== null) await browser.screenshot(`${SCREENSHOTS}/live-360.png`);
      await shows(browser, "#coverage", "3 of 4 rows");
      // What was chosen by the keyboard follows the new data.
      await shows(browser, "#tip", "refused");
      await shows(browser, "#details", "the last day: 1 window of five minutes");
      // The node whose page it is: what was there stays, and is said to be old.
      nodes[0].kill("SIGKILL");
      await shows(browser, "#state", "no new figures");
      assertStringIncludes(await text(browser, "#coverage"), "3 of 4 rows");
    } finally {
      await browser.close();
      for (const node of nodes) {
        try {
          node.kill("SIGKILL");
        } catch {
          // Killed before.
        }
      }
      await Promise.all(nodes.map((node) => node.status));
      await Deno.remove(folder, { recursive: true });
    }
  },
});
