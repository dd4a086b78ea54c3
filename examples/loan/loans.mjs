/**
 * Loans that nobody asked for: rows drawn by a seeded generator, decided by rules that are stated here, with noise. Any likeness to a bank is invented.
 *
 * The rules: a loan is accepted where what is left of the income after its installment (`amount / months`) and the other debts is more than half of it, raised by savings, by a home of one's own and by
 * years in the job, lowered by missed payments. One decision in twenty is drawn by lot.
 */
import { Rng } from "../../dist/index.js";

export const PURPOSES = ["car", "house", "education", "business"];
export const HOMES = ["rent", "own", "family"];
export const COLUMNS = [
  "income",
  "debts",
  "amount",
  "months",
  "installment",
  "savings",
  "years",
  "missed",
  "purpose",
  "home",
  "decision",
];

/** Loan number `index` of a seed, whatever was drawn before it. */
export function drawLoan(seed, index) {
  const rng = Rng.of(seed).fold("loan").fold(index);
  const step = (value, size) => Math.round(value / size) * size;
  const between = (low, high) => low + (high - low) * rng.uniform();
  const income = step(between(1000, 8000), 50);
  const debts = step(rng.uniform() < 0.4 ? 0 : income * between(0, 0.5), 50);
  const months = 12 * (1 + rng.integer(8));
  // Such that the installment is a whole number of tens.
  const installment = step(between(50, 1500), 10);
  const amount = installment * months;
  const savings = step(rng.uniform() < 0.3 ? 0 : between(0, 20_000), 100);
  const years = rng.integer(31);
  const missed = rng.uniform() < 0.7 ? 0 : 1 + rng.integer(5);
  const purpose = PURPOSES[rng.integer(PURPOSES.length)];
  const home = HOMES[rng.integer(HOMES.length)];
  const left = 1 - (debts + installment) / income;
  const score = left - 0.5 + savings / 80_000 + (home === "own" ? 0.08 : 0) + 0.004 * years - 0.09 * missed;
  const lot = rng.uniform() < 0.05;
  const accepted = lot ? rng.uniform() < 0.5 : score + 0.03 * rng.normal() > 0;
  return {
    income,
    debts,
    amount,
    months,
    installment,
    savings,
    years,
    missed,
    purpose,
    home,
    decision: accepted ? "accept" : "reject",
  };
}

/** The lines of a CSV file. */
export function loansAsCsv(seed, count) {
  const rows = Array.from({ length: count }, (_, index) => drawLoan(seed, index));
  return `${[COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))].map((cells) => cells.join(",")).join("\n")}\n`;
}
