import { describe, expect, it } from "vitest";
import type { Finding, Result } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { Rng } from "../../base/rng.ts";
import { plainPng } from "../../inputs/png.ts";
import { html } from "../markup.ts";
import { HOSTILE, RESULT, riskOf, storedRun, THREAT } from "../stored-run.test.fixture.ts";
import { allFindings } from "./findings.ts";
import { htmlReporter } from "./index.ts";
import { withLines } from "./lines.test.fixture.ts";
import { anchorsOf } from "./view.ts";

const render = (run: StoredRun, pictures?: number) =>
  htmlReporter.render(run, pictures === undefined ? {} : { pictures });
const MEGABYTE = 1_000_000;

describe("htmlReporter", () => {
  it("gives the same bytes each time", async () => {
    const made = () => render(withLines(storedRun({ findings: 5, result: { risk: riskOf({ assessed: false }) } })));
    expect(await made()).toBe(await made());
  });

  it.each([0, 1])("renders %i findings", async (findings) => {
    const text = await render(withLines(storedRun({ findings })));
    expect(text.startsWith("<!doctype html>")).toBe(true);
    expect(text.match(/<article/g)?.length ?? 0).toBe(findings);
    expect(text.includes("No finding")).toBe(findings === 0);
  });

  it("renders 1,000 findings: all in the table, pictures for 60, under 8 MB", async () => {
    const text = await render(withLines(storedRun({ findings: 1000 })));
    expect(text.length).toBeLessThan(8 * MEGABYTE);
    expect(text.match(/<article/g)).toHaveLength(60);
    expect(text.match(/<tr id="f-/g)).toHaveLength(940);
    expect(text).toContain("60 findings of 1,000");
    expect((await render(storedRun({ findings: 100 }), 7)).match(/<article/g)).toHaveLength(7);
  });

  it("stays under 8 MB with 1,000 findings on large images that don't compress", async () => {
    const rng = Rng.of(1);
    const noise = () => ({
      height: 160,
      width: 160,
      channels: 3,
      data: Uint8Array.from({ length: 160 * 160 * 3 }, () => rng.integer(256)),
    });
    const files = [await plainPng.encode(noise()), await plainPng.encode(noise())];
    const run = storedRun({ findings: 1000 });
    const originals = new Set(run.findings.map(({ perturbation }) => perturbation.blob!.original));
    const text = await render({ ...run, blob: async (path) => files[originals.has(path) ? 0 : 1]! });
    expect(text.length).toBeLessThan(8 * MEGABYTE);
    expect(/The pictures of (\d+) are reduced/.exec(text)?.[1]).toBe("60");
    expect(text.match(/reduced from 160x160/g)).toHaveLength(60);
  });

  it("names every finding once, also one that was made twice", () => {
    const [one, two] = storedRun({ findings: 2 }).findings as [Finding, Finding];
    const anchors = [...anchorsOf([one, two, { ...one }]).values()];
    expect(anchors).toEqual([`f-${one.id.slice(0, 12)}`, `f-${two.id.slice(0, 12)}`, `f-${one.id.slice(0, 12)}-2`]);
  });

  it("escapes names wherever they stand", async () => {
    const classes = [...HOSTILE];
    const model = { ...RESULT.model, name: HOSTILE[0], notes: [HOSTILE[1]], classes };
    const checks: Result["checks"] = [{ id: HOSTILE[1], status: "fail", detail: HOSTILE[0], try: HOSTILE[4] }];
    const run = storedRun({
      findings: 12,
      classes,
      sampleName: (i) => HOSTILE[i % HOSTILE.length]!,
      result: {
        data: { ...RESULT.data, spec: HOSTILE[1] },
        options: { model: HOSTILE[0], data: HOSTILE[1], out: HOSTILE[4] },
        notTested: [...HOSTILE],
        checks,
      },
    });
    const hostile = { ...run, result: { ...run.result, model }, problems: [...HOSTILE] };
    const text = await render(withLines(hostile));
    const body = text.slice(text.indexOf("<body>"));
    expect(body.match(/<script>/g)).toHaveLength(1);
    expect(body).not.toContain("<img src=x");
    expect(body).not.toMatch(/[\u202e\0\t]/);
    // Every tag that opens is one of ours.
    const tags = new Set(Array.from(body.matchAll(/<([a-zA-Z]+)/g), ([, name]) => name!));
    const plain = await render(withLines(storedRun({ findings: 3, result: { notTested: ["x"], checks } })));
    const ours = new Set(Array.from(plain.matchAll(/<([a-zA-Z]+)/g), ([, name]) => name!));
    expect([...tags].filter((tag) => !ours.has(tag))).toEqual([]);
  });

  it("tells what the corpus holds where the run stored something", async () => {
    const holds = {
      samples: 1200,
      kinds: [{ name: "adversarial", samples: 1200 }],
      coverage: [{ family: "class pair" as const, cells: 3, of: 6, samples: 1200, once: 1 }],
      models: [{ name: HOSTILE[0]!, samples: 1200, isNew: 1200, newCells: 3 }],
      lastNewCell: "2026-01-02T03:04:05.000Z",
    };
    const kept = {
      schema: "blindspot-run-corpus/1" as const,
      corpus: HOSTILE[1]!,
      findings: { stored: 7, isNew: 5 },
      naturalErrors: { stored: 1, isNew: 0 },
      holds,
    };
    const text = await htmlReporter.render(storedRun({ findings: 3 }), { corpus: kept });
    const body = text.slice(text.indexOf("<body>"));
    expect(body).toContain("7 findings (5 new) and 1 natural error (0 new)");
    expect(body).toContain("1,200 samples (1,200 adversarial), 3 boundary cells, the last new one on 2026-01-02");
    expect(body.match(/<script>/g)).toHaveLength(1);
    expect(body).not.toContain("<img src=x");
    expect(body).not.toMatch(/[\u202e\0\t]/);
    expect(await htmlReporter.render(storedRun({ findings: 3 }), {})).not.toContain("The corpus");
  });

  it("loads nothing, allows nothing but its own style and script, and needs neither for its text", async () => {
    const text = await render(storedRun());
    expect(text).not.toMatch(/(?:src|href)="(?!data:image\/png;base64,|#)/);
    expect(text).not.toMatch(/ (?:style|on[a-z]+)="/);
    expect(/Content-Security-Policy" content="([^"]+)"/.exec(text)![1]!.replaceAll("&#39;", "'")).toMatch(
      /^default-src 'none'; img-src data:; style-src 'sha256-[\w+/]{43}='; script-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'$/,
    );
  });

  it("strikes a withdrawn headline through, with the reason and what to try", async () => {
    const checks: Result["checks"] = [
      { id: "gradients-zero", status: "fail", detail: "all gradients are zero", try: "a score attack" },
    ];
    const text = await render(storedRun({ result: { checks, badge: "E0" } }));
    expect(text).toContain("<s><strong>15.0 %</strong> [10.7, 20.6]</s> (withdrawn)");
    expect(text).toContain("<strong>gradients-zero</strong>: all gradients are zero. <em>Try:</em> a score attack");
    expect(text).toContain('class="strong struck"');
  });

  it("says what is missing from the run", async () => {
    const run: StoredRun = { ...storedRun(), blob: async () => null, problems: ["result.json was changed"] };
    const text = await render(run);
    expect(text).toContain("<li>result.json was changed</li>");
    expect(text).toContain("The inputs of 3 were not stored or can&#39;t be read.");
  });

  it("shows vectors as a table of changed fields", async () => {
    const run = storedRun({ findings: 1 });
    const [finding] = run.findings as [Finding];
    const { perturbation, subject } = finding;
    const fields = [
      { index: 2, name: "income <net>", from: 0.25, to: 0.5 },
      { index: 7, from: 1, to: 0 },
    ];
    const location = { kind: "sparse" as const, support: 0.1, fields };
    const vector: Finding = {
      ...finding,
      subject: { ...subject, modality: "vector" },
      perturbation: { ...perturbation, location, magnitude: { ...perturbation.magnitude, l0: 5 } },
    };
    const text = await render({ ...run, findings: [vector] });
    expect(text).toContain(
      '<tr><th scope="row"><bdi>income &lt;net&gt;</bdi></th><td class="n">0.25</td><td class="n">0.5</td></tr>',
    );
    expect(text).toContain("And 3 smaller changes.");
    expect(text).not.toContain("<img");
    expect(text).not.toContain("were not stored");
  });

  it("lists the pairs of classes where a matrix would be too large", async () => {
    const classes = Array.from({ length: 30 }, (_, i) => `class ${i}`);
    const text = await render(withLines(storedRun({ findings: 30, classes })));
    expect(text).toContain("The 20 pairs of classes that occurred most, of 30.");
    expect(text).toContain('data-find="class 0 → class 1"');
  });

  it("renders what was not evaluated", async () => {
    const none = { ...THREAT, robustAccuracy: { ...THREAT.robustAccuracy, of: 0, unbroken: 0, value: 0 } };
    const clean = { accuracy: 0, correct: 0, of: 0, sampling95: { low: 0, high: 1 } };
    const text = await render(storedRun({ findings: 0, result: { status: "partial", threats: [none], clean } }));
    expect(text).toContain("Nothing was evaluated.");
  });

  it("has rows that sort by number, and link to cards", () => {
    const run = storedRun({ findings: 1 });
    const anchors = anchorsOf(run.findings);
    const album = { pictures: new Map(), unreadable: 0, noRoom: 0, reduced: 0 };
    const table = allFindings({ run, result: run.result, chosen: run.findings, album, texts: new Map(), anchors });
    expect(/<tbody>(.*)<\/tbody>/s.exec(html`${table}`.text)![1]).toMatchInlineSnapshot(`
      "<tr><td><a href="#f-4d3e9096a811">4d3e9096a811</a></td><td data-v="0"><bdi>img-0</bdi></td><td class="wider"><bdi>stop</bdi> → <bdi>yield</bdi></td><td class="n" data-v="0.88">88.0 %</td><td>linf:8/255</td><td>white-box</td><td>pgd</td><td class="n" data-v="12">12</td><td class="n" data-v="0.03137254901960784">8/255</td><td data-v="2">visible</td></tr>
      "
    `);
  });
});
