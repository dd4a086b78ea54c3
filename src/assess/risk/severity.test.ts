import { describe, expect, it } from "vitest";
import { bandOf, NOT_ENOUGH, severityOf, shownSeverity } from "./severity.ts";

const COLUMNS = ["not observed", "unlikely", "possible", "likely", "very likely"] as const;

describe("severityOf", () => {
  // The matrix of CONTRACTS, by hand: rows are impacts, columns the bands above.
  it.each([
    [1, ["Info", "Info", "Low", "Low", "Medium"]],
    [2, ["Info", "Info", "Low", "Medium", "Medium"]],
    [3, ["Info", "Low", "Medium", "Medium", "High"]],
    [4, ["Low", "Medium", "Medium", "High", "Critical"]],
    [5, ["Low", "Medium", "High", "High", "Critical"]],
  ])("impact %i", (impact, expected) => {
    expect(COLUMNS.map((band) => severityOf(impact, band))).toEqual(expected);
    expect(severityOf(impact, "excluded within epsilon")).toBe("Info");
  });
});

describe("bandOf", () => {
  it.each([
    [1, "very likely"],
    [0.5, "very likely"],
    [0.4999, "likely"],
    [0.2, "likely"],
    [0.1999, "possible"],
    [0.05, "possible"],
    // 0.05 by hand; the product of doubles is a little less.
    [(1 / 14) * 0.7, "possible"],
    [0.0499, "unlikely"],
    [1e-9, "unlikely"],
    [0, "not observed"],
  ])("%f is %s", (likelihood, band) => {
    expect(bandOf(likelihood)).toBe(band);
    // A proof does not undo an observation.
    expect(bandOf(likelihood, true)).toBe(likelihood === 0 ? "excluded within epsilon" : band);
  });
});

describe("shownSeverity", () => {
  it.each([
    ["High", "High", true, "High"],
    ["Medium", "High", true, "Medium to High"],
    ["Info", "Low", true, "Info to Low"],
    ["Low", "Low", false, NOT_ENOUGH],
    ["Medium", "Critical", false, NOT_ENOUGH],
    ["High", "High", false, "High"],
    ["High", "Critical", false, "High to Critical"],
    ["Critical", "Critical", false, "Critical"],
  ] as const)("%s, at most %s, enough: %s: %s", (value, high, enough, shown) =>
    expect(shownSeverity(value, high, enough)).toBe(shown),
  );
});
