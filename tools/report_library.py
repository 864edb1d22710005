"""Bundles what the pages of runs are drawn with, for ``evoswarm/report/browser/library``: Apache ECharts, no more of it
than the pages use. Run where npm is; what it writes is committed, so nobody who installs evoswarm needs npm.

    python -m tools.report_library
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

ECHARTS, ESBUILD = "echarts@6.1.0", "esbuild@0.28.2"
LIBRARY = Path(__file__).parents[1] / "evoswarm" / "report" / "browser" / "library"
ENTRY = """
import * as echarts from "echarts/core";
import { LineChart, ScatterChart, BarChart, HeatmapChart, CustomChart } from "echarts/charts";
import { GridComponent, TooltipComponent, LegendScrollComponent, DataZoomInsideComponent, MarkLineComponent,
  MarkAreaComponent, AriaComponent, VisualMapContinuousComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";
echarts.use([LineChart, ScatterChart, BarChart, HeatmapChart, CustomChart, GridComponent, TooltipComponent,
  LegendScrollComponent, DataZoomInsideComponent, MarkLineComponent, MarkAreaComponent, AriaComponent,
  VisualMapContinuousComponent, LabelLayout, CanvasRenderer]);
export const { init, getInstanceByDom } = echarts;
"""


def main() -> None:
    """Fetch, bundle, and write the library beside its licence."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run(["npm", "install", "--prefix", folder, "--silent", ECHARTS, ESBUILD], check=True)
        modules = work / "node_modules"
        subprocess.run(["node", modules / "esbuild" / "install.js"], check=True)
        (work / "entry.js").write_text(ENTRY, encoding="utf-8")
        bundle = [
            "--bundle",
            "--minify",
            "--format=iife",
            "--global-name=echarts",
            "--target=es2020",
            "--outfile=out.js",
        ]
        subprocess.run([modules / ".bin" / "esbuild", "entry.js", *bundle], cwd=work, check=True)
        LIBRARY.mkdir(exist_ok=True)
        shutil.copy(work / "out.js", LIBRARY / "echarts.js")
        for name in ("LICENSE", "NOTICE"):
            shutil.copy(modules / "echarts" / name, LIBRARY / name)


if __name__ == "__main__":
    main()
