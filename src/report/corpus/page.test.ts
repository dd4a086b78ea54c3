import { describe, expect, it } from "vitest";
import { statisticsOf } from "../../corpus/statistics.ts";
import { contentPolicy } from "../html/policy.ts";
import { type CorpusPage, corpusPage } from "./page.ts";

const HOSTILE = '"><script>alert(1)</script>\u202e';
const counts: Record<string, { name: string; samples: number }[]> = {
  kind: [{ name: "adversarial", samples: 40 }],
  trust: [{ name: "trusted", samples: 41 }],
  pair: Array.from({ length: 50 }, (_, i) => ({ name: `class ${i} as ${HOSTILE}`, samples: 50 - i })),
  threat: [{ name: "linf:8/255;uint8;untargeted", samples: 40 }],
  attack: [{ name: "pgd", samples: 30 }],
  "class pair": [
    { name: "a", samples: 3 },
    { name: "b", samples: 1 },
  ],
};
const statistics = statisticsOf(
  {
    samples: 41,
    counts: (name) => counts[name] ?? [],
    models: Array.from({ length: 30 }, (_, i) => ({ digest: String(i), name: `v${i}${HOSTILE}` })),
    firsts: [{ since: "2026-01-02T00:00:00.000Z", firstModel: "3" }],
    damaged: 0,
    notUnderstood: 0,
  },
  3,
);
const page: CorpusPage = {
  name: HOSTILE,
  tool: "blindspot 1.2.3",
  statistics,
  alike: { groups: 30, samples: 70, suspicious: { groups: 1, samples: 26 } },
  pairsByAttack: [
    { pair: counts["pair"]![0]!.name, attack: "pgd", samples: 12 },
    { pair: counts["pair"]![0]!.name, attack: null, samples: 3 },
    ...Array.from({ length: 12 }, (_, i) => ({ pair: counts["pair"]![1]!.name, attack: `attack ${i}`, samples: 1 })),
  ],
  leaders: [
    { id: "a".repeat(64), members: 4, label: HOSTILE, predicted: "b", facts: ["natural"], shown: null },
    {
      id: "b".repeat(64),
      members: 2,
      label: "ham",
      predicted: "spam",
      facts: ["text:characters=2", "2 words"],
      shown: { kind: "texts", before: `free ${HOSTILE}`, after: `fre ${HOSTILE}` },
    },
  ],
};

/** What a reader sees. */
const words = (text: string) => text.replaceAll(/<style>[\s\S]*?<\/style>/g, "").replaceAll(/<[^>]*>/g, "\n");

describe("the page of a corpus", () => {
  const text = corpusPage(page);

  it("loads nothing, runs nothing, and shows hostile names as text", () => {
    expect(text).not.toMatch(/<script|<link|\son\w+=|\sstyle=|https?:|\u202e/);
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)![1]!;
    const policy = contentPolicy(style);
    expect(policy).toMatch(/^default-src 'none'/);
    expect(text.replaceAll("&#39;", "'")).toContain(`content="${policy}"`);
  });

  it("has counts, and nothing that looks like a rate", () => {
    expect(words(text)).not.toMatch(/%|\b0\.\d/);
    expect(words(text)).toMatch(/41[\s\S]*40 adversarial[\s\S]*in 30 groups/);
  });

  it("says what it leaves out", () => {
    expect(words(text)).toContain("And 10 pairs more");
    expect(words(text)).toContain("And 28 smaller groups");
    expect(words(text)).toContain("26 samples look alike in 1 group too large to be believed");
    expect(words(text)).toContain("others");
    expect(words(text)).toContain("no attack");
  });

  it("has no empty sections: an empty corpus has none but its counts", () => {
    const empty = statisticsOf(
      { samples: 0, counts: () => [], models: [], firsts: [], damaged: 0, notUnderstood: 0 },
      null,
    );
    const alike = { groups: 0, samples: 0, suspicious: { groups: 0, samples: 0 } };
    const none = corpusPage({ ...page, statistics: empty, alike, pairsByAttack: [], leaders: [] });
    expect([...none.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id)).toEqual(["holds"]);
  });
});
