"""How pages look."""

from __future__ import annotations

from pdwatch.generate.dashboards.panels import COLUMNS

WIDTH = 1600
UNIT, GAP, PADDING = 30, 8, 10
"""Height of a row of the grid, distance between panels, space inside them, in pixels."""

STYLE = f"""
body {{ background: #111217; color: #ccccdc; font: 12px 'DejaVu Sans', Arial, sans-serif; margin: 12px;
  width: {WIDTH}px }}
h1 {{ font-size: 18px; font-weight: 500; margin: 4px 0 2px }}
p {{ margin: 0 0 8px; color: #8e8e9a }}
a {{ color: #6e9fff; text-decoration: none; margin-right: 14px }}
main {{ display: grid; grid-template-columns: repeat({COLUMNS}, 1fr); grid-auto-rows: {UNIT}px; gap: {GAP}px }}
section {{ background: #181b1f; border: 1px solid #25272b; border-radius: 3px; overflow: hidden;
  padding: 0 {PADDING}px; min-width: 0 }}
h2 {{ font-size: 12.5px; font-weight: 500; margin: 7px 0 5px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis }}
h3 {{ font-size: 14px; font-weight: 500; margin: 6px 0 0; grid-column: 1 / -1 }}
.legend {{ overflow: hidden; line-height: 17px; font-size: 11px }}
.legend span {{ margin-right: 12px; white-space: nowrap }}
.legend i {{ display: inline-block; width: 12px; height: 3px; margin: 0 5px 3px 0 }}
.legend b {{ font-weight: 400; color: #8e8e9a }}
.tiles {{ display: flex; gap: 6px; height: calc(100% - 40px); flex-wrap: wrap }}
.tile {{ flex: 1 1 120px; display: flex; flex-direction: column; justify-content: center; align-items: center;
  border-radius: 3px; overflow: hidden }}
.tile strong {{ font-size: 24px; font-weight: 500; white-space: nowrap }}
.tile small {{ font-size: 14px }}
.bars > div {{ display: grid; grid-template-columns: 34% 1fr 76px; gap: 8px; align-items: center; margin: 5px 0 }}
.bars .name {{ white-space: nowrap; overflow: hidden; text-overflow: ellipsis }}
.bars span:nth-child(2) {{ background: #25272b; height: 16px }}
.bars i {{ display: block; height: 100% }}
table {{ border-collapse: collapse; width: 100%; font-size: 12px }}
th {{ text-align: left; font-weight: 500; color: #6e9fff; padding: 3px 6px; white-space: nowrap }}
td {{ padding: 3px 6px; border-top: 1px solid #25272b; white-space: nowrap }}
.none {{ color: #8e8e9a; text-align: center; margin-top: 20px }}
.error {{ color: #f2495c }}
"""
