"""A bar chart as SVG, small and the same bytes for the same numbers, which plotting packages do not promise."""

from __future__ import annotations

import html

ROW, LABEL, WIDTH, NUMBER = 22, 190, 420, 60
MET, MISSED, PLAIN, LINE, TEXT = "#2a7f62", "#b5483a", "#5b7fa6", "#888888", "#333333"


def bars(title: str, rows: list[dict], line: float | None = None) -> str:
    """`rows`: {"label", "value", "color", "mark"}: mark, a goal, is a short line across the bar. `line`: a vertical one."""
    largest = max([r["value"] for r in rows] + [r.get("mark") or 0 for r in rows] + [line or 0])
    scale = WIDTH / (largest or 1)
    height = ROW * (len(rows) + 1) + 10
    total = LABEL + WIDTH + NUMBER
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{TEXT}">',
        f'<rect width="{total}" height="{height}" fill="#ffffff"/>',
        f'<text x="4" y="15" font-weight="bold">{html.escape(title)}</text>',
    ]
    for k, row in enumerate(rows, 1):
        y, length = ROW * k, row["value"] * scale
        out.append(
            f'<text x="{LABEL - 6}" y="{y + 15}" text-anchor="end">{html.escape(row["label"])}</text>'
            f'<rect x="{LABEL}" y="{y + 3}" width="{length:.1f}" height="{ROW - 6}" '
            f'fill="{row["color"]}"/>'
            f'<text x="{LABEL + length + 4:.1f}" y="{y + 15}">{row["value"]:.2f}</text>'
        )
        if row.get("mark"):
            x = LABEL + row["mark"] * scale
            out.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + ROW}" stroke="{TEXT}" '
                'stroke-width="2"/>'
            )
    if line is not None:
        x = LABEL + line * scale
        out.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{ROW}" y2="{height}" stroke="{LINE}" '
            'stroke-dasharray="4 3"/>'
        )
    return "\n".join([*out, "</svg>", ""])
