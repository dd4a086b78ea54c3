import type { GateResult, Outcome } from "../../regression/schema.ts";
import { grouped, plural, table } from "../format.ts";
import { visible } from "../visible.ts";
import { outcomeText, threatShort } from "./words.ts";

/** A sample under a threat that two gates tell apart. Null: that gate did not know it. */
export interface GateChange {
  readonly sample: string;
  readonly threat: string | null;
  readonly before: Outcome | null;
  readonly after: Outcome | null;
}

/** What became of each sample from one gate to another, where that is not the same. By sample, then by threat. */
export function gateChanges(before: GateResult, after: GateResult): GateChange[] {
  const keyOf = ({ sample, threat }: { sample: string; threat: string | null }) => `${sample} ${threat ?? ""}`;
  const [one, other] = [before, after].map(({ cases }) => new Map(cases.map((each) => [keyOf(each), each])));
  const keys = [...new Set([...one!.keys(), ...other!.keys()])].sort();
  return keys.flatMap((key) => {
    const [was, is] = [one!.get(key), other!.get(key)];
    const { sample, threat } = (was ?? is)!;
    if (was?.outcome === is?.outcome) return [];
    return [{ sample, threat, before: was?.outcome ?? null, after: is?.outcome ?? null }];
  });
}

/** Changes that a terminal names one by one. */
const NAMED = 12;

export function gateChangesText(before: GateResult, after: GateResult): string {
  const changes = gateChanges(before, after);
  const names = ({ base, candidate }: GateResult) => `${base.name} -> ${candidate.name}`;
  const word = (outcome: Outcome | null) => (outcome === null ? "not there" : outcomeText(outcome));
  const moves = new Map<string, number>();
  for (const change of changes) {
    const move = `${word(change.before)} -> ${word(change.after)}`;
    moves.set(move, (moves.get(move) ?? 0) + 1);
  }
  const rows = [...moves].sort(([, a], [, b]) => b - a).map(([move, count]) => [`  ${move}`, grouped(count)]);
  const named = changes.filter(({ before: was }) => was !== null);
  const lines = [
    `${names(before)}, then ${names(after)}: ${plural(changes.length, "case")} changed of ${grouped(Math.max(before.cases.length, after.cases.length))}`,
    ...table(rows, ["left", "right"]),
    ...named
      .slice(0, NAMED)
      .map(
        (one) => `${one.sample.slice(0, 12)}  ${threatShort(one.threat)}: ${word(one.before)} -> ${word(one.after)}`,
      ),
    ...(named.length > NAMED ? [`... and ${plural(named.length - NAMED, "more case")} (--json has all)`] : []),
  ];
  return `${lines.map(visible).join("\n")}\n`;
}
