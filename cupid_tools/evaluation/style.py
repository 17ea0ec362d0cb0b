"""The look of the report: one style sheet without anything from a network."""

CSS = """\
:root { --ink: #111827; --quiet: #5b6472; --line: #e2e6ec; --wash: #f6f8fa; --model: #0b5fa5; --other: #b65309;
  --good: #15703c; --warn: #8a5a00; --bad: #a61b1b; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--ink); background: #fff; line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 36px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.4rem; margin: 48px 0 12px; padding-top: 14px; border-top: 2px solid var(--ink); overflow-wrap:
  anywhere; }
h3 { font-size: 1.08rem; margin: 30px 0 8px; }
p, ul, dl { max-width: 74ch; margin: 8px 0; }
li { margin: 4px 0; }
a { color: var(--model); }
.quiet, figcaption { color: var(--quiet); font-size: .9rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0; margin: 14px 0 0; list-style: none;
  max-width: none; }
.cards { display: grid; gap: 18px; margin: 22px 0; }
.card { border: 1px solid var(--line); border-left: 6px solid var(--quiet); border-radius: 8px; padding: 16px
  22px 18px; }
.card.good { border-left-color: var(--good); } .card.weak { border-left-color: #d99a16; }
.card.bad { border-left-color: var(--bad); }
.card h2 { border: 0; margin: 0 0 2px; padding: 0; font-size: 1.2rem; }
.verdict { font-size: 1.14rem; font-weight: 600; margin: 4px 0 10px; }
.good .verdict { color: var(--good); } .weak .verdict { color: var(--warn); } .bad .verdict { color: var(--bad);
  }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 14px;
  margin: 14px 0 4px; }
.panel { background: var(--wash); border-radius: 6px; padding: 12px 16px; }
.panel h3 { margin: 0 0 6px; font-size: .95rem; }
.pair { display: flex; flex-wrap: wrap; gap: 6px 30px; }
.big { font-size: 1.85rem; font-weight: 650; line-height: 1.15; font-variant-numeric: tabular-nums; color:
  var(--model); }
.big small { display: block; font-size: .82rem; font-weight: 400; color: var(--quiet); }
.panel p { margin: 8px 0 0; font-size: .93rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 26px
  28px; }
figure { margin: 0; break-inside: avoid; }
figure h3 { margin: 0 0 4px; font-size: 1rem; }
figure svg { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: 8px 0 6px; }
th, td { padding: 5px 0 5px 16px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap;
  vertical-align: top; }
th { font-weight: 600; } thead th { border-bottom: 2px solid var(--ink); vertical-align: bottom; white-space:
  normal; }
th[scope="row"], thead th:first-child, thead th.text, td.text { text-align: left; }
th:first-child { padding-left: 8px; } th:last-child, td:last-child { padding-right: 8px; }
td.text { white-space: normal; min-width: 15em; overflow-wrap: anywhere; }
td.short { white-space: nowrap; min-width: 0; }
tr.model td, tr.model th { background: #eaf2fa; } tr.best td, tr.best th { background: #fdf1e6; }
.none { color: var(--quiet); }
td small { display: block; color: var(--quiet); }
dt { font-weight: 600; margin-top: 10px; } dd { margin: 2px 0 0; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
details > summary { cursor: pointer; font-weight: 600; margin: 14px 0 4px; }
footer { margin: 56px auto 40px; color: var(--quiet); font-size: .88rem; }
@media (max-width: 560px) { header, main, footer { padding-left: 16px; padding-right: 16px; } .card { padding:
  12px 14px; }
  h1 { font-size: 1.55rem; } .big { font-size: 1.6rem; } }
@media print { body { font-size: 10.5pt; } nav { display: none; } h2 { break-after: avoid; } .card, figure, tr {
  break-inside: avoid; }
  .scroll { overflow: visible; } table { font-size: 7.5pt; } .figures { grid-template-columns: 1fr 1fr; }
  a { color: inherit; text-decoration: none; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact;
  } }
"""
