"""A golden run as one HTML file: figures, four plots and every lost answer; nothing is fetched.

```python
from qa.report import html
Path("report.html").write_text(html(report), encoding="utf-8")
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from qa import charts
from qa.diagnosis import STAGES
from qa.evaluate import Measure, calibration_bins
from qa.golden import GoldenReport, Record
from qa.golden_summary import RECALL_AT, label

SCORES = (
    ("exact_match", "exact match", "of the answered pairs"),
    ("f1", "F1", "word overlap, answered pairs"),
    ("refused", "refused", "of the unanswerable pairs"),
    ("recall_at_5", "recall at 5", "right passage among five"),
    ("calibration_error", "calibration error", "confidence against truth"),
    ("coverage_at_90", "coverage at 90 %", "answered at 90 % accuracy"),
)

STYLE = """
:root { color-scheme: light dark;
  --page: #f7f7f5; --card: #fff; --ink: #1d2129; --soft: #62697a; --rule: #e2e3e6;
  --accent: #2757c9; --tint: #d9e3fa; --good: #19713b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14161a; --card: #1d2025; --ink: #e7e9ee; --soft: #9aa2b1; --rule: #32363e;
  --accent: #8db0ff; --tint: #2a3a5e; --good: #6fd08f; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.1rem; margin: 40px 0 12px; }
h3 { font-size: .95rem; margin: 0 0 4px; }
p { margin: 4px 0; } .soft, small { color: var(--soft); }
.cards { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
  margin-top: 24px; }
.card, figure, details { background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
.card { padding: 14px 16px; } .card b { display: block; font-size: 1.7rem; line-height: 1.2; }
.plots { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
figure { margin: 0; padding: 14px 16px; } figcaption { color: var(--soft); font-size: .85rem; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .label { font-size: 12px; }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); }
.ideal { stroke: var(--soft); stroke-dasharray: 4 4; }
.mark { stroke: var(--soft); stroke-dasharray: 2 4; }
.mark.solid { stroke: var(--accent); stroke-dasharray: none; opacity: .55; stroke-width: 2; }
.line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--accent); stroke: var(--card); stroke-width: 1.5; } .bar { fill: var(--tint); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; } th { font-weight: 600; } td.n, th.n { text-align: right; }
.scroll { overflow-x: auto; }
details { margin: 8px 0; padding: 10px 14px; } summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.5 ui-monospace, monospace;
  margin: 10px 0 0; }
.tag { font-size: .8rem; border: 1px solid currentColor; border-radius: 99px; padding: 0 8px;
  margin-right: 8px; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); }
"""


def html(report: GoldenReport) -> str:
    """Return the report as a page that needs nothing else."""
    summary = report.summary()
    passed = sum(record.passed for record in report.records)
    name = escape(report.golden.replace("\\", "/").rsplit("/", 1)[-1])
    body = [
        f"<h1>{name}: {passed} of {len(report.records)} right</h1>",
        f'<p class="soft">{_about(report)}</p>',
        _cards(summary),
        "<h2>Plots</h2>",
        _plots(report.records, summary),
        f"<h2>Lost answers: {len(report.lost)}</h2>",
        _stages(report.lost),
        *(_lost(record) for record in report.lost),
        "<h2>Every figure</h2>",
        _figures(summary),
        "<h2>Every question</h2>",
        _questions(report.records),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Citespan: {name}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(body)}\n</main></body></html>\n"
    )


def _about(report: GoldenReport) -> str:
    answerable = sum(not record.unanswerable for record in report.records)
    parts = [
        f"{answerable} answered and {len(report.records) - answerable} unanswerable questions",
        f"asked {report.created[:16].replace('T', ' ')} UTC",
    ]
    parts += [
        f"{report.about[key]} {key}" for key in ("documents", "chunks") if key in report.about
    ]
    if "calibration" in report.about:
        parts.append(f"confidence fitted on {report.about['calibration']}")
    return escape(" · ".join(parts))


def _cards(summary: Mapping[str, Measure]) -> str:
    cards = [
        f'<div class="card"><small>{title}</small><b>{summary[name].value:.3f}</b>'
        f"<small>{summary[name].low:.3f} – {summary[name].high:.3f}<br>{note}</small></div>"
        for name, title, note in SCORES
        if name in summary
    ]
    return f'<div class="cards">{"".join(cards)}</div>'


def _plots(records: Sequence[Record], summary: Mapping[str, Measure]) -> str:
    confidence = [record.confidence for record in records]
    right = [record.best_right for record in records]
    recalls = [(k, summary[f"recall_at_{k}"]) for k in RECALL_AT if f"recall_at_{k}" in summary]
    plots = (
        ("Reliability", charts.reliability(calibration_bins(confidence, right)),
         "On the dashed line, confidence is what it says. Bars: questions of that confidence."),
        ("Risk and coverage", charts.risk_and_coverage(confidence, right),
         "Answering the surest questions first; the dots keep 90 and 80 % accuracy."),
        ("Retrieval", charts.recall(recalls),
         "How often the right passage is among the first k, with 95 % intervals."),
        ("Latency", charts.latency([record.seconds for record in records if record.asked]),
         "Share of the questions answered within a time; dots at 50, 90 and 99 %."),
    )  # fmt: skip
    figures = [
        f"<figure><h3>{title}</h3>{svg}<figcaption>{note}</figcaption></figure>"
        for title, svg, note in plots
    ]
    return f'<div class="plots">{"".join(figures)}</div>'


def _stages(lost: Sequence[Record]) -> str:
    if not lost:
        return "<p>None: every question got the answer, or the refusal, that it should get.</p>"
    counts = Counter(record.stage for record in lost)
    tags = [
        f'<span class="tag bad">{counts[stage]} {stage.replace("_", " ")}</span>'
        for stage in STAGES
        if counts[stage]
    ]
    return f"<p>{''.join(tags)}</p>"


def _lost(record: Record) -> str:
    stage = (record.stage or "lost").replace("_", " ")
    known = record.known_failure
    remark = (
        f" <small>known since {escape(known['since'])}: {escape(known['reason'])}</small>"
        if known
        else ""
    )
    return (
        f'<details><summary><span class="tag bad">{stage}</span>{escape(record.question)}'
        f"{remark}</summary><pre>{escape(record.review())}</pre></details>"
    )


def _figures(summary: Mapping[str, Measure]) -> str:
    rows = [
        f'<tr><td>{escape(label(name))}</td><td class="n">{m.value:.3f}</td>'
        f'<td class="n">{m.low:.3f} – {m.high:.3f}</td><td class="n">{m.n}</td></tr>'
        for name, m in summary.items()
        if not name.startswith("lost_at_")
    ]
    head = (
        '<tr><th></th><th class="n">value</th><th class="n">95 % interval</th>'
        '<th class="n">n</th></tr>'
    )
    return f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def _questions(records: Sequence[Record]) -> str:
    rows = []
    for record in records:
        nothing = "refused" if record.asked else "not asked"
        got = (
            escape(record.got) if record.got is not None else f'<span class="soft">{nothing}</span>'
        )
        expected = (
            escape(record.expected[0]) if record.expected else '<span class="soft">a refusal</span>'
        )
        mark = (
            '<span class="good">right</span>' if record.passed else '<span class="bad">lost</span>'
        )
        rows.append(
            f"<tr><td>{escape(record.key)}</td><td>{expected}</td><td>{got}</td>"
            f'<td class="n">{record.confidence:.2f}</td><td class="n">{record.rank or "–"}</td>'
            f"<td>{mark}</td></tr>"
        )
    head = (
        '<tr><th>question</th><th>expected</th><th>got</th><th class="n">confidence</th>'
        '<th class="n">rank</th><th></th></tr>'
    )
    return f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>'
