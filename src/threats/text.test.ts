import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EditSets } from "../attacks/text/sets.ts";
import { Rng } from "../base/rng.ts";
import type { Limits } from "../inputs/text/align.ts";
import { INVISIBLES, lookalikes, typedAlphabet } from "../inputs/text/characters.ts";
import { textOf, textPoint } from "../inputs/text/code-points.ts";
import { EditSpace } from "../inputs/text/edit-space.ts";
import { LIMIT_KINDS, type LimitKind } from "../inputs/text/edits.ts";
import { parseThreat, threatOfId } from "./parse.ts";
import { text } from "./text.ts";

const SIZE = 120;
const limits = (some: Partial<Limits>): Limits => ({
  ...(Object.fromEntries(LIMIT_KINDS.map((kind) => [kind, 0])) as Record<LimitKind, number>),
  ...some,
});
const at = (value: string) => textPoint(value, SIZE);
const violation = (some: Partial<Limits>, x: string, x0: string) => text(limits(some)).violation(at(x), at(x0));

/** Optimal string alignment: Levenshtein's distance with swaps of neighbors, written down independently. */
function stringAlignment(a: readonly string[], b: readonly string[]): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) => [i, ...new Array<number>(b.length).fill(0)]);
  for (let j = 0; j <= b.length; j++) d[0]![j] = j;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      d[i]![j] = Math.min(d[i - 1]![j]! + 1, d[i]![j - 1]! + 1, d[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d[i]![j] = Math.min(d[i]![j]!, d[i - 2]![j - 2]! + 1);
    }
  return d[a.length]![b.length]!;
}

const anyText = fc
  .array(
    fc.constantFrom(
      ..."aeioxyzAEO 01!.",
      "word ",
      "free",
      "e\u0301",
      "\u{1F468}\u200d\u{1F469}\u200d\u{1F467}",
      "\u0436",
      "\u200b",
    ),
    {
      maxLength: 14,
    },
  )
  .map((parts) => parts.join(""));
const anyLimits = fc
  .tuple(...LIMIT_KINDS.map(() => fc.integer({ min: 0, max: 2 })))
  .map((counts) => Object.fromEntries(LIMIT_KINDS.map((kind, i) => [kind, counts[i]!])) as unknown as Limits);

describe("text threats", () => {
  it("accept whatever the edits make, at their number", () => {
    fc.assert(
      fc.property(anyText, anyLimits, fc.integer({ min: 0, max: 1e6 }), (x0, some, seed) => {
        const space = new EditSpace(x0, some);
        const edits = space.random(Rng.of(seed));
        const spent = limits(
          Object.fromEntries(
            LIMIT_KINDS.map((kind) => [kind, edits.filter((edit) => kindOf(edit.kind) === kind).length]),
          ),
        );
        const x = space.text(edits);
        expect(text(spent).violation(at(x), at(x0))).toBeNull();
        expect(text(spent).distance(at(x), at(x0))).toBeLessThanOrEqual(edits.length);
      }),
      { numRuns: 300 },
    );
  });

  it("accept every single edit of every kind, and no text at a limit of none", () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(...LIMIT_KINDS), (x0, kind) => {
        const space = new EditSpace(x0, limits({ [kind]: 1 }));
        const [one, none] = [text(space.limits), text(limits({}))];
        const clean = at(x0);
        for (const edit of space.all()) {
          const x = space.text([edit]);
          if (x === x0) continue;
          expect([one.violation(at(x), clean), none.distance(at(x), clean)]).toEqual([null, Infinity]);
        }
      }),
      { numRuns: 10 },
    );
  });

  it.each(["invisible", "homoglyphs"] as const)("reject at one less: %s", (kind) => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 1e6 }), (x0, count, seed) => {
        const space = new EditSpace(x0, limits({ [kind]: count }));
        const edits = space.random(Rng.of(seed));
        fc.pre(edits.length > 0);
        expect(violation({ [kind]: edits.length }, space.text(edits), x0)).toBeNull();
        expect(violation({ [kind]: edits.length - 1 }, space.text(edits), x0)).toMatch(/differs by .*allowed/);
      }),
    );
  });

  it("count typed characters as optimal string alignment does", () => {
    const letters = fc.array(fc.constantFrom("a", "b", "c", " "), { maxLength: 9 });
    fc.assert(
      fc.property(letters, letters, (a, b) => {
        const cost = stringAlignment(a, b);
        expect(text(limits({ characters: 9 })).distance(at(b.join("")), at(a.join("")))).toBe(cost);
        if (cost > 0) expect(violation({ characters: cost - 1 }, b.join(""), a.join(""))).not.toBeNull();
      }),
      { numRuns: 400 },
    );
  });

  it.each<[string, Partial<Limits>]>([
    ["invisible=2", { invisible: 2 }],
    ["homoglyphs=1+invisible=1", { homoglyphs: 1, invisible: 1 }],
    ["characters=1+homoglyphs=1", { characters: 1, homoglyphs: 1 }],
    ["reorderings=1+invisible=1", { reorderings: 1, invisible: 1 }],
  ])("allow exactly the texts that lists of edits make: %s", (_, some) => {
    // Few characters, so that all texts of them can be tried.
    const alphabet = ["a", "b", "\u200b", "\u0430", "\u202e", "\u202c"];
    for (const x0 of ["ab", "b\u200b"]) {
      const space = new EditSpace(x0, limits(some));
      const within = (edit: { replacement: string }) => [...edit.replacement].every((one) => alphabet.includes(one));
      const sets = new EditSets(space, [...space.all()].filter(within));
      const made = new Set([x0]);
      for (let count = 1; count <= space.most; count++) for (const edits of sets.of(count)) made.add(space.text(edits));
      const threat = text(limits(some));
      const clean = textPoint(x0, 8);
      const allowed = new Set<string>();
      const grow = (prefix: string, length: number): void => {
        if (threat.distance(textPoint(prefix, 8), clean) < Infinity) allowed.add(prefix);
        if (length > 0) for (const one of alphabet) grow(prefix + one, length - 1);
      };
      grow("", 4);
      expect([...made].filter((value) => [...value].length <= 4).sort()).toEqual([...allowed].sort());
    }
  });

  it("change whole characters as people see them", () => {
    const family = "\u{1F468}\u200d\u{1F469}\u200d\u{1F467}";
    expect(violation({ invisible: 1 }, `${family}\u200b`, family)).toBeNull();
    expect(violation({ invisible: 1 }, "\u{1F468}\u200b\u200d\u{1F469}\u200d\u{1F467}", family)).not.toBeNull();
    expect(violation({ characters: 1 }, "\u{1F468}\u200d\u{1F469}\u200d", family)).not.toBeNull();
    expect(violation({ characters: 5 }, "cafe\u0301", "caf\u0301e")).not.toBeNull();
  });

  it("allow what can be typed, and nothing else, where characters are counted", () => {
    expect(violation({ characters: 1 }, "fr3e", "free")).toBeNull();
    expect(violation({ characters: 1 }, "fr\u0435e", "free")).not.toBeNull();
    expect(violation({ characters: 1 }, "free\u200b", "free")).not.toBeNull();
    expect(violation({ characters: 1 }, "\u00c9t\u00e9", "\u00e9t\u00e9")).toBeNull();
    expect(typedAlphabet("\u00e9\u0301\u200b\n").size).toBe(97);
  });

  it("turn letters around so that they are shown in their old order", () => {
    expect(violation({ reorderings: 1 }, "f\u202eer\u202ce", "free")).toBeNull();
    expect(violation({ reorderings: 1 }, "f\u202ere\u202ce", "free")).not.toBeNull();
    expect(violation({ reorderings: 1 }, "f\u202eer", "free")).not.toBeNull();
  });

  it("say by how much a text is outside", () => {
    expect(violation({ invisible: 1 }, "f\u200br\u200bee", "free")).toBe("differs by invisible=2, allowed invisible=1");
    expect(violation({ invisible: 1 }, "something else entirely, and much longer than that", "x".repeat(40))).toMatch(
      /is another text/,
    );
    expect(text(limits({ invisible: 1 })).violation(new Float32Array(SIZE).fill(0.5), at("free"))).not.toBeNull();
  });

  it("scale all limits together", () => {
    const threat = text(limits({ invisible: 4, words: 2 }));
    expect([threat.epsilon, threat.withEpsilon(3).text, threat.withEpsilon(12).text]).toEqual([
      6,
      limits({ invisible: 2, words: 1 }),
      limits({ invisible: 8, words: 4 }),
    ]);
  });

  it("draw texts that they allow, and drop what they do not", () => {
    const threat = text(limits({ characters: 2, homoglyphs: 1 }));
    const x0 = at("call me back, the prize is yours");
    for (let seed = 0; seed < 50; seed++) expect(threat.violation(threat.randomPoint(x0, Rng.of(seed)), x0)).toBeNull();
    expect(textOf(threat.project(at("something else"), x0))).toBe(textOf(x0));
  });
});

const kindOf = (kind: string): LimitKind =>
  (({ invisible: "invisible", homoglyph: "homoglyphs", reordering: "reorderings", word: "words" }) as const)[kind] ??
  "characters";

describe("the spelling of text threats", () => {
  const texts = { texts: true } as const;
  it("is kept in the id", () => {
    const threat = parseThreat("text:invisible=2+words=1", texts);
    expect([threat.id, threat.epsilon, threat.text]).toEqual([
      "text:invisible=2+words=1;none;untargeted",
      3,
      limits({ invisible: 2, words: 1 }),
    ]);
  });

  it.each([
    ["text:letters=2", /E_THREAT_EPSILON.*invisible=N.*got 'letters=2'/],
    ["text:invisible=0", /with N from 1 to 100/],
    ["text:invisible=1+invisible=2", /E_THREAT_TWICE/],
    ["text:", /E_THREAT_EPSILON/],
    ["linf:8/255", /E_THREAT_KIND.*the data are texts/],
  ])("%s is refused", (spec, message) => {
    expect(() => parseThreat(spec, texts)).toThrow(message);
  });

  it("is read back from the id", () => {
    const id = "text:invisible=2+words=1;none;targeted:1";
    const threat = threatOfId(id, { classes: 2 });
    expect([threat.id, threat.text]).toEqual([id, limits({ invisible: 2, words: 1 })]);
  });

  it("wants texts", () => {
    expect(() => parseThreat("text:invisible=1", { texts: false })).toThrow(/E_THREAT_KIND.*texts as data/);
  });
});

describe("the alphabets", () => {
  it("hold characters that show nothing, each once", () => {
    expect(new Set(INVISIBLES).size).toBe(INVISIBLES.length);
    for (const one of INVISIBLES) expect(one).toMatch(/^\p{Default_Ignorable_Code_Point}$/u);
  });

  it("know look-alikes of most letters, none of them ASCII, none that NFKC undoes", () => {
    const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    expect(letters.filter((letter) => lookalikes(letter).length === 0)).toEqual([..."kmtDQ"]);
    expect(lookalikes("a")[0]).toBe("\u0430");
    for (const other of letters.flatMap(lookalikes)) {
      expect(other.codePointAt(0)).toBeGreaterThan(127);
      expect(other.normalize("NFKC")).toBe(other);
    }
  });
});
