import type { Catalog } from "../corpus/catalog.ts";
import type { Entry } from "../corpus/entry.ts";
import { SHARDS } from "../corpus/layout.ts";
import type { Note, Notes } from "../corpus/notes.ts";
import { caseKey, REPLAYED } from "./case.ts";
import {
  type CaseCount,
  type CaseFacts,
  type CaseList,
  countOf,
  type Fits,
  factsOf,
  listOf,
  summed,
} from "./case-list.ts";
import { isWrong } from "./outcome.ts";
import type { GateCase } from "./schema.ts";

/** A case, and where its sample lies: its clean input under its threat. */
export interface Told {
  readonly told: GateCase;
  readonly place: string;
}

/** Answers that may be others the next time: time was over, or a file could not be read. */
const PASSING: ReadonlySet<string> = new Set(["skipped", "error", "incomparable"]);

/**
 * What became of the samples of a corpus: in this gate and, where the catalog keeps notes, in earlier ones of the same two versions with the same effort.
 * What did not change since is not even read again.
 */
export class Ledger {
  /** Samples that nothing is known of, about. */
  readonly pending: number;
  /** Answers of earlier gates that stand: two replays for each case, and an attack where there was one. */
  readonly remembered: number;
  private readonly catalog: Catalog;
  private readonly notes: Notes | null;
  /** Told by this gate and kept by nobody, by sample. */
  private readonly open = new Map<string, readonly GateCase[]>();
  /** Of these, samples that the candidate is wrong about: the last by place. */
  private readonly wrong = new Map<string, string>();

  /** @param purpose names versions and effort; null: nothing is kept, since a version may be another the next time */
  constructor(catalog: Catalog, purpose: string | null) {
    this.catalog = catalog;
    this.notes = purpose === null ? null : catalog.notes(purpose);
    const counts = notedCounts(this.notes);
    const samples = catalog.counts("trust").filter(({ name }) => (REPLAYED as readonly string[]).includes(name));
    this.pending = samples.reduce((sum, one) => sum + one.samples, 0) - countOf(counts);
    this.remembered = 2 * countOf(counts) + countOf(counts, ({ attacked }) => attacked);
  }

  /** Samples that nothing was told of, page by page. */
  *undecided(): Generator<readonly Entry[]> {
    if (this.notes === null && this.open.size > 0) return;
    for (const page of this.notes?.missing(REPLAYED) ?? [this.catalog.contents().entries]) {
      const entries = page.filter(({ id, trust }) => REPLAYED.includes(trust) && !this.open.has(id));
      if (entries.length > 0) yield entries;
    }
  }

  /** @param cases of each of their samples all */
  put(cases: readonly Told[]): void {
    const samples = new Map<string, Told[]>();
    for (const one of cases) samples.set(one.told.sample, [...(samples.get(one.told.sample) ?? []), one]);
    const lasting = this.notes === null ? [] : [...samples.values()].filter((own) => own.every(isLasting));
    const isKept = this.notes?.put(lasting.flat().map(noteOf)) ?? false;
    const kept = new Set(isKept ? lasting : []);
    for (const [sample, own] of samples) if (!kept.has(own)) this.hold(sample, own);
  }

  private hold(sample: string, own: readonly Told[]): void {
    this.open.set(
      sample,
      own.map(({ told }) => told),
    );
    for (const { told, place } of own)
      if (isWrong(told.candidate) && sample > (this.wrong.get(place) ?? "")) this.wrong.set(place, sample);
  }

  /** The last sample, by id, at a place where the candidate is wrong already; null where there is none. */
  wrongAt(place: string): string | null {
    const [one, other] = [this.wrong.get(place) ?? "", this.notes?.at(place) ?? ""];
    return (one > other ? one : other) || null;
  }

  /** All cases as they are now; nothing can be put any more. Null where some are undecided: another process may have changed their samples. */
  close(): CaseList | null {
    const open = [...this.open.values()].flat().sort(byKey);
    if (this.notes === null) return listOf(open);
    this.notes.freeze();
    if (!this.undecided().next().done) {
      this.notes.thaw();
      return null;
    }
    return joined(this.notes, open);
  }
}

function isLasting({ told: { base, candidate, attacked, waiver } }: Told): boolean {
  const ends = [base.state, candidate.state, attacked?.outcome ?? ""];
  // A waiver is a matter of the day.
  return waiver === undefined && !ends.some((end) => PASSING.has(end));
}

function noteOf({ told, place }: Told): Note {
  return {
    id: told.sample,
    part: told.threat ?? "",
    kind: JSON.stringify(factsOf(told)),
    place: isWrong(told.candidate) ? place : null,
    refers: told.attacked?.child ?? null,
    body: JSON.stringify(told),
  };
}

function notedCounts(notes: Notes | null): CaseCount[] {
  return (notes?.counts() ?? []).map(({ kind, notes: cases }) => ({ facts: JSON.parse(kind) as CaseFacts, cases }));
}

function byKey(a: GateCase, b: GateCase): number {
  return caseKey(a) < caseKey(b) ? -1 : 1;
}

/** Notes, and among them cases that are none. */
function joined(notes: Notes, open: readonly GateCase[]): CaseList {
  const counts = notedCounts(notes);
  const others = listOf(open);
  const all = summed([...counts, ...others.counts]);
  const kindsOf = (fits: Fits) => counts.flatMap(({ facts }) => (fits(facts) ? [JSON.stringify(facts)] : []));
  return {
    counts: all,
    count: (fits) => countOf(all, fits),
    *keys(fits) {
      for (const [sample, threat] of notes.keys(kindsOf(fits))) yield caseKey({ sample, threat: threat || null });
      yield* others.keys(fits);
    },
    *of(fits) {
      const kinds = kindsOf(fits);
      const left = [...others.of(fits)];
      for (const body of kinds.length === 0 ? [] : notes.bodies(kinds)) {
        const one = JSON.parse(body) as GateCase;
        while (left.length > 0 && byKey(left[0]!, one) < 0) yield left.shift()!;
        yield one;
      }
      yield* left;
    },
    *json(separator) {
      for (const shard of SHARDS) {
        const bodies = notes.joined(shard, separator);
        const left = open.filter(({ sample }) => sample.startsWith(shard));
        if (left.length === 0) {
          if (bodies !== null) yield bodies;
          continue;
        }
        const own = JSON.parse(`[${new TextDecoder().decode(bodies ?? undefined)}]`) as GateCase[];
        yield* listOf([...own, ...left].sort(byKey)).json(separator);
      }
    },
  };
}
