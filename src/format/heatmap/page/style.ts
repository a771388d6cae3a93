/** The page's style sheet: light and dark by variables; texts grow with the screen. */
import { WIDE } from "../page_data.ts";

const LIGHT = `
  --page: #f6f7f9; --card: #ffffff; --ink: #1a2130; --soft: #5b6576; --line: #dde1e7;
  --self: #f0f2f5; --silent: #10131a; --refused: #0b6e75; --accent: #2f5bd8; --accent-ink: #ffffff;
  --critical: #b3261e; --warning: #8a5a00; --notice: #4b5768; --hover: #eef2fb;`;
const DARK = `
  --page: #0d1117; --card: #141a22; --ink: #e6eaf0; --soft: #98a3b3; --line: #29313d;
  --self: #1b222c; --silent: #f5f7fa; --refused: #4fd1d9; --accent: #7da2ff; --accent-ink: #0d1117;
  --critical: #ff8a80; --warning: #f2c063; --notice: #a9b4c4; --hover: #1c2533;`;

export const PAGE_STYLE = `
:root { color-scheme: light; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; ${DARK} } }
:root[data-theme="light"] { color-scheme: light; ${LIGHT} }
:root[data-theme="dark"] { color-scheme: dark; ${DARK} }
* { box-sizing: border-box; }
html { font-size: max(14px, 7px + 0.55vw); }
body {
  margin: 0; padding: 20px 24px 32px; background: var(--page); color: var(--ink);
  font: 1rem/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.4rem; margin: 0; letter-spacing: -0.01em; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 14px; margin-bottom: 14px; }
header p { margin: 0; color: var(--soft); }
#state { color: var(--critical); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
#findings { margin: 0 0 14px; padding: 4px; list-style: none; }
#findings:empty { display: none; }
#findings button, #findings p {
  display: grid; grid-template-columns: 5.3em 7.9em 1fr; gap: 0.7em; width: 100%; margin: 0;
  padding: 0.5em 0.7em; border: 0; border-radius: 7px; background: none; color: inherit; font: inherit;
  text-align: left;
}
#findings button { cursor: pointer; }
#findings button:hover, #findings button[aria-pressed="true"] { background: var(--hover); }
#findings .severity { font-weight: 650; }
#findings .layer { color: var(--soft); }
#findings .critical .severity { color: var(--critical); }
#findings .warning .severity { color: var(--warning); }
#findings .notice .severity { color: var(--notice); }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 18px; margin-bottom: 12px; }
.switch { display: inline-flex; padding: 3px; gap: 2px; border: 1px solid var(--line);
  border-radius: 9px; background: var(--card); }
.switch button, #theme {
  padding: 0.36rem 0.86rem; border: 0; border-radius: 6px; background: none; color: var(--soft);
  font: inherit; cursor: pointer;
}
.switch button:hover, #theme:hover { color: var(--ink); background: var(--hover); }
.switch button[aria-checked="true"] { background: var(--accent); color: var(--accent-ink); }
#theme { border: 1px solid var(--line); background: var(--card); margin-left: auto; }
.legend { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 6px 22px; color: var(--soft); font-size: 0.86rem; }
.ramp { position: relative; width: 25em; height: 2.7em; margin-left: 18px; }
.ramp i { position: absolute; inset: 0 0 auto; height: 1em; border-radius: 3px; }
.ramp span { position: absolute; top: 1.25em; transform: translateX(-50%); white-space: nowrap; }
.ramp span::before { content: ""; position: absolute; left: 50%; top: -3px; height: 3px;
  border-left: 1px solid var(--soft); }
.swatch { display: inline-flex; align-items: center; gap: 6px; height: 1em; white-space: nowrap; }
.swatch i { width: 1em; height: 1em; border-radius: 2px; }
.swatch .silent { background: var(--silent); }
.swatch .refused { background: var(--refused); }
.swatch .missing { background: repeating-linear-gradient(45deg, var(--soft) 0 1.3px,
  transparent 1.3px 4px); outline: 1px solid var(--line); }
main { display: grid; grid-template-columns: minmax(0, 1fr) 24rem; gap: 14px; align-items: start; }
@media (max-width: 900px) { main { grid-template-columns: minmax(0, 1fr); } }
@media ${WIDE} {
  body { display: grid; grid-template: repeat(4, auto) 1fr / minmax(0, min(66%, 112vh)) minmax(0, 1fr); column-gap: 14px;
    padding-bottom: 12px; }
  header { grid-area: 1 / 1 / 2 / 3; }
  .bar { grid-area: 2 / 1; align-self: start; }
  main { display: contents; }
  #scroll { grid-area: 3 / 1 / 6 / 2; align-self: start; }
  #findings { grid-area: 2 / 2 / 4 / 3; align-self: start; max-height: 60vh; overflow: auto; font-size: 1.2rem; }
  #findings:has(li:nth-child(7)) { font-size: 1rem; }
  #findings:has(~ #day[hidden]) { max-height: 72vh; }
  .ramp { width: 19em; }
  #day { grid-area: 4 / 2; align-self: start; }
  #details { grid-area: 5 / 2; align-self: start; }
}
@media (max-width: 640px) {
  body { padding: 12px 12px 24px; }
  #findings button, #findings p { grid-template-columns: auto 1fr; gap: 2px 10px; }
  #findings span:last-child { grid-column: 1 / -1; }
  .switch { flex-wrap: wrap; }
  .legend { width: 100%; }
  .ramp { width: calc(100% - 44px); }
  #scroll { padding: 4px; }
}
#scroll { overflow: auto; padding: 10px; }
#stage { position: relative; outline: none; }
#stage:focus-visible { box-shadow: 0 0 0 2px var(--accent); border-radius: 4px; }
#stage canvas { position: absolute; left: 0; top: 0; display: block; }
#overlay { pointer-events: none; }
.frame { position: absolute; pointer-events: none; border: 1px solid var(--accent); opacity: 0.6; }
#cell-frame { border-width: 2px; opacity: 1; }
#details { position: sticky; top: 12px; padding: 14px 16px; min-height: 200px; }
#details h2 { font-size: 1.07rem; margin: 0 0 2px; overflow-wrap: anywhere; }
#details p { margin: 0 0 8px; color: var(--soft); overflow-wrap: anywhere; }
#details table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
#details th { font-weight: 500; color: var(--soft); text-align: right; padding: 4px 0 4px 8px;
  overflow-wrap: anywhere; vertical-align: bottom; }
#details th:first-child { text-align: left; padding-left: 0; white-space: nowrap; }
#details td { text-align: right; padding: 4px 0 4px 8px; border-top: 1px solid var(--line); }
#details tr th { border-top: 1px solid var(--line); }
#details thead th { border-top: 0; }
#details .hint { margin: 12px 0 0; font-size: 0.86rem; }
#day { margin: 0 0 14px; padding: 4px 14px 8px; }
#day p { margin: 4px 0 0; color: var(--soft); font-size: 0.86rem; }
.bars { display: flex; align-items: flex-end; height: 3.4rem; margin-top: 12px; }
.bars i { flex: 1; max-width: 12px; background: var(--accent); }
.ends { min-width: 13em; display: flex; justify-content: space-between; font-size: 0.86rem; }
.bars .lossy { background: var(--warning); min-height: 35%; }
.bars .down { background: var(--critical); }
#tip { position: fixed; z-index: 2; max-width: 30rem; padding: 5px 9px; border-radius: 7px;
  background: var(--ink); color: var(--page); font-size: 0.9rem; pointer-events: none;
  overflow-wrap: anywhere; }
#tip b { font-variant-numeric: tabular-nums; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; display: block; }
[hidden] { display: none !important; }
`;
