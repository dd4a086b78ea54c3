import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { confidenceBars, share } from "./confidence.ts";
import { countsChart } from "./counts.ts";
import { curveChart } from "./curve.ts";
import { effortChart, median } from "./effort.ts";
import { at, tableOf } from "./figure.ts";
import { intervalsChart } from "./intervals.ts";
import { LOOKS, spread } from "./series.ts";

const CHART = { id: "c", title: "A <title>", description: "What it shows." };
const paths = (svg: string) => Array.from(svg.matchAll(/ d="([^"]*)"/g), ([, path]) => path!);

describe("charts", () => {
  it("are pictures with a name, a description and a table", () => {
    const { text } = countsChart(CHART, [
      { label: "subtle", count: 3 },
      { label: "obvious", count: 1 },
    ]);
    expect(text).toMatchInlineSnapshot(`
      "<figure class="chart" id="c"><figcaption>A &lt;title&gt;</figcaption>
      <svg viewBox="0 0 400 72" role="img" aria-labelledby="c-t c-d"><title id="c-t">A &lt;title&gt;</title><desc id="c-d">What it shows.</desc><text x="0" y="28">subtle</text><rect class="track" x="118" y="17" width="212" height="14" rx="2"/><rect class="c-score fill" x="118" y="17" width="159" height="14" rx="2"/>
      <text class="strong" text-anchor="end" x="400" y="28">3</text><text x="0" y="60">obvious</text><rect class="track" x="118" y="49" width="212" height="14" rx="2"/><rect class="c-score fill" x="118" y="49" width="53" height="14" rx="2"/>
      <text class="strong" text-anchor="end" x="400" y="60">1</text></svg>
      <details><summary>The figures as a table</summary><div class="scroll" role="region" aria-label="A &lt;title&gt;" tabindex="0"><table><thead><tr><th scope="col"></th><th scope="col" class="n">findings</th><th scope="col" class="n">share</th></tr></thead>
      <tbody><tr><th scope="row">subtle</th><td class="n">3</td><td class="n">75.0 %</td></tr>
      <tr><th scope="row">obvious</th><td class="n">1</td><td class="n">25.0 %</td></tr>
      </tbody></table></div></details></figure>
      "
    `);
  });

  it("draw the same without anything to count", () => {
    expect(countsChart(CHART, [{ label: "subtle", count: 0 }]).text).not.toContain("NaN");
    expect(effortChart(CHART, [{ name: "score", look: LOOKS.score, queries: [], attacked: 0 }]).text).not.toContain(
      "NaN",
    );
  });

  it("show a share and its interval on one scale", () => {
    const row = {
      label: "score",
      look: LOOKS.score,
      count: 50,
      of: 100,
      value: 0.5,
      interval: { low: 0.25, high: 0.75 },
    };
    const { text } = intervalsChart(CHART, [row, { ...row, withdrawn: true }]);
    // 118 + 212 times the share.
    expect(paths(text)).toContain("M171 24H277");
    expect(text).toContain('<text class="strong struck"');
    expect(text).toContain('<th scope="row">score (withdrawn)</th>');
  });

  it("mark the threat's own size on the curve, and label only what has room", () => {
    const points = [0, 1, 8, 16].map((level) => ({
      epsilon: level / 255,
      accuracy: 1 - level / 16,
      unbroken: 16 - level,
      of: 16,
    }));
    const { text } = curveChart(CHART, points, { epsilon: 8 / 255, axis: "L-inf" });
    expect(text).toContain(">this threat: 8/255</text>");
    const labels = Array.from(text.matchAll(/y="199">([^<]*)</g), ([, label]) => label);
    expect(labels).toEqual(["16/255", "8/255", "1/255"]);
    expect(paths(text)).toContain("M44 16L65.5 26.38L216 99L388 182");
  });

  it("climb one step for each value that fooled a sample, and stop where the rest stood", () => {
    const series = { name: "score", look: LOOKS.score, queries: [1, 10, 10, 100], attacked: 8 };
    const { text } = effortChart(CHART, [series]);
    // Two decades on 278 pixels: 44, 183, 322; heights in eighths of 178.
    expect(paths(text)).toContain("M44 190H44V167.75H183V123.25H322V101H322");
    expect(median(series)).toBe(100);
    expect(median({ ...series, attacked: 9 })).toBeNull();
    expect(text).toContain('<td class="n">not reached</td>');
  });

  it("show a belief as text and as a bar, and never round to certainty", () => {
    const bars = confidenceBars([{ label: "a<b", confidence: 0.99999, right: false }]).text;
    expect(bars).toContain('<bdi>a&lt;b</bdi></span><span class="n">&gt; 99.9 %</span>');
    expect([share(1), share(0), share(1e-9), share(0.5)]).toEqual(["100.0 %", "0.0 %", "< 0.1 %", "50.0 %"]);
  });
});

describe("spread", () => {
  it("keeps labels apart, in order and inside", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 180, noNaN: true }), { minLength: 1, maxLength: 6 }), (wanted) => {
        const heights = spread(wanted, 14, 180);
        const sorted = [...heights].sort((a, b) => a - b);
        for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThan(14 - 1e-9);
        expect(Math.max(...heights)).toBeLessThanOrEqual(180);
        wanted.forEach((one, i) => {
          wanted.forEach((other, k) => {
            if (one < other) expect(heights[i]!).toBeLessThan(heights[k]!);
          });
        });
      }),
    );
  });
  it("leaves alone what stands apart", () => expect(spread([100, 20], 14, 180)).toEqual([100, 20]));
});

describe("figures", () => {
  it.each([
    [1 / 3, "0.33"],
    [2, "2"],
    [-0.004, "0"],
    [1e-9, "0"],
  ])("%f is written %s", (value, text) => expect(at(value)).toBe(text));

  it("a table scrolls in its own box, by keyboard too", () => {
    const columns = [{ name: "a" }, { name: "b", numeric: true }];
    expect(tableOf({ columns, rows: [["<x>", "1"]] }, "A table").text).toMatchInlineSnapshot(`
      "<div class="scroll" role="region" aria-label="A table" tabindex="0"><table><thead><tr><th scope="col">a</th><th scope="col" class="n">b</th></tr></thead>
      <tbody><tr><th scope="row">&lt;x&gt;</th><td class="n">1</td></tr>
      </tbody></table></div>"
    `);
  });
});
