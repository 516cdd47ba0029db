/** How the page looks: light, dark as the reader's system is, and on paper; nothing is loaded for it. */
export const pageStyle = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2430; --dim: #5b6675; --line: #d5dbe3;
  --calm: #4878a8; --alarm: #c0392b; --mark: #b9770e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181e; --ink: #e3e8ee; --dim: #9aa6b4;
  --line: #353e4a; --calm: #6fa3d8; --alarm: #f0796b; --mark: #e6b450; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --dim: #444; --line: #bbb;
  --calm: #4878a8; --alarm: #b03024; --mark: #9a6206; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 0.95rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 0.25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p { margin: 0.25rem 0; }
.dim { color: var(--dim); }
dl { display: flex; flex-wrap: wrap; gap: 0.5rem 2.5rem; margin: 1.25rem 0 0; }
dl div { display: flex; flex-direction: column-reverse; }
dt { color: var(--dim); }
dd { margin: 0; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 0 2rem; }
section { break-inside: avoid; }
svg { display: block; width: 100%; height: auto; fill: var(--ink); font: 11px system-ui, sans-serif; }
svg .dim { fill: var(--dim); }
svg .calm { fill: var(--calm); }
svg .alarm { fill: var(--alarm); }
svg .mark { fill: var(--mark); }
svg .line { stroke: var(--line); }
svg .hit { fill: transparent; }
.wide svg { min-width: 40rem; }
svg .hit:hover { fill: var(--ink); fill-opacity: 0.12; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem 0.2rem 0; border-bottom: 1px solid var(--line); text-align: left;
  white-space: nowrap; }
th { color: var(--dim); font-weight: 600; }
.number { text-align: right; }
.text, td:not(.number) { min-width: 5rem; overflow-wrap: anywhere; white-space: normal; }
th:first-child { min-width: 10rem; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:hover, th button:focus-visible { color: var(--ink); text-decoration: underline; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
.filter { display: block; margin: 0.5rem 0; padding: 0.3rem 0.5rem; width: min(100%, 20rem); font: inherit;
  color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 0.25rem; }
tr { break-inside: avoid; }
thead { display: table-header-group; }
details { margin-top: 0.5rem; }
summary { color: var(--dim); cursor: pointer; }
@media print { body { max-width: none; padding: 0; font-size: 9pt; } .filter, details { display: none; }
  .scroll { overflow: visible; } section.long { break-inside: auto; } }
`;
