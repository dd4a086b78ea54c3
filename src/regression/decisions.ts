import type { Entry } from "../corpus/entry.ts";
import { samplePath } from "../corpus/layout.ts";
import { type Case, casesOf } from "./case.ts";
import type { CaseList } from "./case-list.ts";
import type { Ledger, Told } from "./ledger.ts";
import { noMemory } from "./memory.ts";
import { type Replayed, type ReplayedAll, replayAll } from "./observe.ts";
import type { GateOptions, ReplayOptions } from "./options.ts";
import { answered, compare, type Question } from "./outcome.ts";
import type { Attacked, GateCase, Outcome, ReplayCase } from "./schema.ts";
import { placeOf, type Suspects } from "./suspects.ts";
import type { Version } from "./version.ts";

/** A case on both versions: what that says, or what has to be asked. */
interface Compared {
  readonly one: Case;
  readonly was: Replayed;
  readonly is: Replayed;
  readonly outcome: Outcome | Question;
}

/** What becomes of the samples that a ledger knows nothing of: both versions are asked, and attacked where that leaves a question. */
export class Decisions {
  /** Replays of this sitting, and answers that were remembered. */
  asked = 0;
  remembered = 0;
  private done = 0;
  private readonly ledger: Ledger;
  private readonly suspects: Suspects;
  private readonly options: GateOptions;
  private readonly today: string;

  /** @param today decides whether a waiver still holds */
  constructor(ledger: Ledger, suspects: Suspects, options: GateOptions, today: string) {
    this.ledger = ledger;
    this.suspects = suspects;
    this.options = options;
    this.today = today;
  }

  async make(): Promise<void> {
    const open: Compared[] = [];
    for (const entries of this.ledger.undecided()) {
      const compared = await this.compared(entries);
      const inQuestion = new Set(compared.flatMap(({ one, outcome }) => (isQuestion(outcome) ? [one.entry.id] : [])));
      this.ledger.put(compared.filter(({ one }) => !inQuestion.has(one.entry.id)).map((one) => this.told(one)));
      open.push(...compared.filter(({ one }) => inQuestion.has(one.entry.id)));
    }
    const answers = await this.suspects.attackAll(
      open.flatMap(({ one, was, is, outcome }) =>
        isQuestion(outcome)
          ? [{ one, question: outcome, observed: (outcome === "is it fixed" ? is : was).observation }]
          : [],
      ),
    );
    this.ledger.put(open.map((one) => this.told(one, answers.get(one.one))));
  }

  /** All cases, with those of samples that another process changed meanwhile. */
  async close(): Promise<CaseList> {
    for (;;) {
      const cases = this.ledger.close();
      if (cases !== null) return cases;
      await this.make();
    }
  }

  private async compared(entries: readonly Entry[]): Promise<Compared[]> {
    const { corpus, candidate, base } = this.options;
    const cases = await casesOf(corpus, entries);
    const told = { done: this.done, of: Math.max(this.ledger.pending, this.done + cases.length) };
    const after = await replayVersion(candidate, cases, this.options, told);
    const before = await replayVersion(base, cases, this.options, told);
    this.done += cases.length;
    this.asked += after.asked + before.asked;
    this.remembered += after.remembered + before.remembered;
    return cases.map((one, i) => {
      const [was, is] = [before.replayed[i]!, after.replayed[i]!];
      const attackable = one.threat !== null;
      return { one, was, is, outcome: compare(was.observation, is.observation, { attackable }) };
    });
  }

  private told({ one, was, is, outcome }: Compared, attacked?: Attacked): Told {
    const { candidate, base } = this.options;
    const told: GateCase = {
      ...toldCase(one, is),
      base: was.observation,
      outcome: isQuestion(outcome) ? answered(outcome, attacked!, this.suspects.hasGradients(one)) : outcome,
      trainedOn: [candidate, base].some(({ trainedOn }) => wasTrainedOn(one, trainedOn)),
      ...(attacked === undefined ? {} : { attacked }),
      ...waiverOf(one, this.today),
    };
    return { told, place: placeOf(one) };
  }
}

export async function replayVersion(
  version: Version,
  cases: readonly Case[],
  { corpus, memory = noMemory(), toolVersion = "0", signal, onEvent }: ReplayOptions,
  { done, of } = { done: 0, of: cases.length },
): Promise<ReplayedAll> {
  const onCase = (own: number) => onEvent?.({ kind: "replay", version: version.name, done: done + own, of });
  return replayAll(version, cases, { corpus, memory, toolVersion, signal, onCase });
}

export function toldCase(
  { entry, threat, label, taken }: Case,
  { observation, rendition, changes }: Replayed,
): ReplayCase {
  return {
    sample: entry.id,
    manifest: samplePath(entry.id),
    modality: entry.manifest.modality,
    threat,
    kinds: [...entry.kinds],
    trusted: entry.trust === "trusted",
    label,
    taken: [...taken],
    rendition,
    ...(changes === undefined ? {} : { changes }),
    candidate: observation,
  };
}

function isQuestion(outcome: string): outcome is Question {
  return outcome === "is it fixed" || outcome === "was the base as weak";
}

function wasTrainedOn({ entry: { manifest } }: Case, hashes: ReadonlySet<string> | undefined): boolean {
  if (hashes === undefined) return false;
  return hashes.has(manifest.input) || (manifest.clean !== null && hashes.has(manifest.clean));
}

function waiverOf({ entry: { waived } }: Case, today: string): Pick<GateCase, "waiver"> {
  if (waived === null) return {};
  const { by, reason, until } = waived;
  return { waiver: { by, reason, until, expired: until < today } };
}
