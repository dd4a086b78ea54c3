import { perturbation } from "../assess/analysis/perturbation.ts";
import type { Knowledge } from "../attacks/attack.ts";
import type { ProfilePlan } from "../attacks/record.ts";
import { BlindspotError } from "../base/errors.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { foundChange } from "../corpus/found-change.ts";
import { codecOf } from "../corpus/identity.ts";
import type { EventBody } from "../corpus/schema.ts";
import type { Threat } from "../threats/threat.ts";
import type { Case } from "./case.ts";
import { changesOf } from "./changes.ts";
import type { GateEvent } from "./event.ts";
import { type CaseInputs, readInputs, threatOf } from "./inputs.ts";
import { type Memory, memoryKey } from "./memory.ts";
import { endOf } from "./observe.ts";
import type { Question } from "./outcome.ts";
import { type EffortOptions, planReattack, type Reattacked, reattack, type Suspect, toldEffort } from "./reattack.ts";
import { type Attacked, attackedSchema, type Effort, type Observation } from "./schema.ts";
import { type Version, versionDigest } from "./version.ts";

export interface SuspectsOptions {
  readonly corpus: Corpus;
  readonly candidate: Version;
  readonly base: Version;
  readonly memory: Memory;
  readonly toolVersion: string;
  readonly effort: EffortOptions;
  readonly profiles: readonly Knowledge[];
  /** A sample that the candidate is wrong about, where one is known at this place: a clean input under a threat. */
  readonly wrongAt: (place: string) => string | null;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GateEvent) => void;
}

export interface Asked {
  readonly one: Case;
  readonly question: Question;
  /** What the version answered that the question is about. */
  readonly observed: Observation;
}

interface Ready {
  readonly one: Case;
  readonly inputs: CaseInputs & { readonly clean: Float32Array; readonly threat: Threat };
  readonly key: string;
  readonly suspect: Suspect;
}

/** Ancestors that a warm attack also begins at. */
const ANCESTORS = 3;

/** The questions of a gate that only an attack can answer, and the work that it takes. */
export class Suspects {
  remembered = 0;
  readonly cost = { queries: 0, gradients: 0 };
  /** Samples that the corpus did not have before. */
  readonly added = new Set<string>();
  private readonly options: SuspectsOptions;
  /** By threat; null where nothing of the effort fits it. */
  private readonly plans = new Map<string, readonly ProfilePlan[] | null>();
  private readonly told = new Map<string, Effort["threats"][number]>();

  /** What the attacks of this sitting found, by place. */
  private readonly fooling = new Map<string, string>();

  constructor(options: SuspectsOptions) {
    this.options = options;
  }

  /** Attacks whom each question is about: the candidate, or the base. */
  async attackAll(asked: readonly Asked[]): Promise<Map<Case, Attacked>> {
    // What fools the candidate itself need not be found anew beside it.
    for (const { one, question } of asked)
      if (question === "was the base as weak") this.fooling.set(placeOf(one), one.entry.id);
    const answers = new Map<Case, Attacked>();
    for (const who of ["candidate", "base"] as const) {
      const about = who === "candidate" ? "is it fixed" : "was the base as weak";
      const own = asked.filter(({ question }) => question === about);
      for (const threat of [...new Set(own.map(({ one }) => one.threat!))].sort())
        await this.attackUnder(
          who,
          own.filter(({ one }) => one.threat === threat),
          answers,
        );
    }
    return answers;
  }

  /** Trees are read, but have no gradients: what withstands a search of them is called fixed where it came to its end alone. */
  hasGradients({ threat }: Case): boolean {
    const plan = threat === null ? null : this.plans.get(threat);
    const attacks = plan?.flatMap((profile) => profile.attacks) ?? [];
    return attacks.some(({ definition }) => definition.knowledge === "white-box" && definition.reads !== "trees");
  }

  /** @param threats ids of those under which attacks of earlier sittings stand, too */
  effort(threats: Iterable<string>): Effort["threats"] {
    const { candidate } = this.options;
    for (const id of threats) if (!this.told.has(id)) this.planFor(candidate, threatOf(id, candidate));
    return [...this.told.values()].sort((a, b) => (a.threat < b.threat ? -1 : 1));
  }

  private async attackUnder(who: Attacked["version"], asked: readonly Asked[], answers: Map<Case, Attacked>) {
    const { memory, effort, signal, onEvent } = this.options;
    const version = this.options[who];
    const ready: Ready[] = [];
    const unanswered = (one: Case, outcome: "error" | "skipped", detail: string) =>
      answers.set(one, { version: who, outcome, attempts: [], detail });
    for (const { one, observed } of asked) {
      try {
        const prepared = await this.prepare(version, one, observed);
        if (prepared === null) unanswered(one, "error", "no attack of the effort fits this threat and these models");
        else {
          const before = await this.before(prepared.key);
          if (before === null) ready.push(prepared);
          else answers.set(one, { ...before, version: who });
        }
      } catch (error) {
        unanswered(one, "error", error instanceof BlindspotError ? error.message : String(error));
      }
    }
    if (ready.length === 0) return;
    const { threat } = ready[0]!.inputs;
    const bySample = new Map(ready.map((one) => [one.suspect.sample, one]));
    const suspects = ready.map(({ suspect }) => suspect);
    const tell = (done: number, fooled: number) =>
      onEvent?.({ kind: "attack", version: version.name, threat: threat.id, done, of: suspects.length, fooled });
    const run = {
      seed: effort.seed ?? 0,
      onProgress: ({ done, fooled }: { done: number; fooled: number }) => tell(done, fooled),
    };
    const plan = this.plans.get(threat.id)!;
    const fooled: Reattacked[] = [];
    for await (const result of reattack(
      version,
      threat,
      suspects,
      plan,
      signal === undefined ? run : { ...run, signal },
    )) {
      for (const { queries, gradients } of result.attempts) {
        this.cost.queries += queries;
        this.cost.gradients += gradients;
      }
      if (result.found !== null) {
        fooled.push(result);
        continue;
      }
      const { one, key } = bySample.get(result.sample)!;
      const { outcome, attempts, detail } = result;
      const attacked = { version: who, outcome, attempts: [...attempts], ...(detail === undefined ? {} : { detail }) };
      answers.set(one, attacked);
      if (outcome === "resisted") await memory.put(key, attacked);
    }
    // In the order of the samples, whichever was finished first: of several that share a clean input one is stored.
    for (const result of fooled.sort((a, b) => (a.sample < b.sample ? -1 : 1))) {
      const { one, key, inputs } = bySample.get(result.sample)!;
      const attacked = await this.fooled(who, one, inputs, result);
      answers.set(one, attacked);
      await memory.put(key, attacked);
    }
    for (const { one } of ready)
      if (!answers.has(one)) unanswered(one, "skipped", endOf(version, signal) ?? "time was over");
  }

  /** What an attack on this case needs; null where the effort holds nothing that fits. */
  private async prepare(version: Version, one: Case, observed: Observation): Promise<Ready | null> {
    const { corpus, effort, profiles, toolVersion } = this.options;
    const inputs = await readInputs(corpus, one, version);
    const { clean, threat, point } = inputs;
    if (clean === null || threat === null) return null;
    const plan = this.planFor(version, threat);
    if (plan === null) return null;
    const starts = [point, ...(await this.ancestors(one))];
    const { digests } = inputs;
    const told = this.told.get(threat.id);
    const key = memoryKey({
      what: "reattack",
      toolVersion,
      version: versionDigest(version),
      sample: one.entry.id,
      digests,
      label: one.label,
      effort: told,
      profiles,
      seed: effort.seed ?? 0,
      starts: starts.length,
      // The fingerprint of a model that is only asked may miss a change; an answer beside this sample hardly does.
      ...(version.classifier.asked === undefined ? {} : { margin: observed.margin?.toPrecision(4) ?? null }),
    });
    const label = version.record.classes.indexOf(one.label);
    return { one, inputs: { ...inputs, clean, threat }, key, suspect: { sample: one.entry.id, clean, label, starts } };
  }

  private planFor(version: Version, threat: Threat): readonly ProfilePlan[] | null {
    const known = this.plans.get(threat.id);
    if (known !== undefined) return known;
    let plan: readonly ProfilePlan[] | null = null;
    try {
      plan = planReattack(version, threat, this.options.effort, this.options.profiles);
      this.told.set(threat.id, toldEffort(threat, plan, version.classifier.classes.length));
    } catch (error) {
      if (!(error instanceof BlindspotError) || error.code !== "E_NOTHING_TO_RUN") throw error;
    }
    this.plans.set(threat.id, plan);
    return plan;
  }

  /** The samples that led to this one: what broke the base there may still do. */
  private async ancestors({ entry }: Case): Promise<Float32Array[]> {
    const { corpus, candidate } = this.options;
    const inputs: Float32Array[] = [];
    let parent = entry.found.find((event) => event.parent !== undefined)?.parent;
    while (parent !== undefined && inputs.length < ANCESTORS) {
      const before = await corpus.find(parent).catch(() => null);
      if (before === null) break;
      const read = await corpus.readInput(before.manifest, before.manifest.input, candidate.reading);
      if (read.state === "good") inputs.push(read.value);
      parent = before.found.find((event) => event.parent !== undefined)?.parent;
    }
    return inputs;
  }

  /** An answer of an earlier sitting. One that names a new sample counts only while the corpus has it. */
  private async before(key: string): Promise<Attacked | null> {
    const parsed = attackedSchema.safeParse(this.options.memory.get(key));
    if (!parsed.success) return null;
    const { child } = parsed.data;
    if (child !== undefined && (await this.options.corpus.find(child).catch(() => null)) === null) return null;
    this.remembered++;
    return parsed.data;
  }

  /**
   * What fooled the candidate is a new sample, unless the corpus has one already that fools it at the same clean input: it grows by one for each
   * version and clean input, not by one for each sample. The base is not under test: what fools it is told, not stored.
   */
  private async fooled(
    who: Attacked["version"],
    one: Case,
    inputs: Ready["inputs"],
    { attempts, found }: Reattacked,
  ): Promise<Attacked> {
    const version = this.options[who];
    const predicted = version.record.classes[found!.predicted]!;
    const changes = changesOf(codecOf(one.entry.manifest, version.reading), found!.point, inputs.clean);
    const base = {
      version: who,
      outcome: "fooled" as const,
      attempts: [...attempts],
      predicted,
      ...(changes === null ? {} : { changes }),
    };
    if (who === "base") return base;
    const place = placeOf(one);
    const child =
      this.fooling.get(place) ??
      this.options.wrongAt(place) ??
      (await this.store(version, one, inputs, attempts, found!));
    this.fooling.set(place, child);
    return { ...base, child };
  }

  private async store(
    version: Version,
    { entry, threat }: Case,
    { clean }: Ready["inputs"],
    attempts: Attacked["attempts"],
    { point, predicted, attack, knowledge, settings }: NonNullable<Reattacked["found"]>,
  ): Promise<string> {
    const { corpus, effort } = this.options;
    const { classes } = version.record;
    const sum = (of: "queries" | "gradients") => attempts.reduce((total, attempt) => total + attempt[of], 0);
    const codec = codecOf(entry.manifest, version.reading);
    const source = entry.found[0]?.data ?? { spec: `sample:${entry.id}` };
    const event: EventBody = {
      event: "found",
      kind: "adversarial",
      model: await corpus.storeModel(version.record),
      modelName: version.name,
      label: { name: entry.label!.name, index: classes.indexOf(entry.label!.name) },
      predicted: { name: classes[predicted]!, index: predicted },
      data: source,
      threat: threat!,
      attack: {
        name: attack,
        knowledge,
        settings: { ...settings },
        seed: effort.seed ?? 0,
        queries: sum("queries"),
        gradients: sum("gradients"),
      },
      ...foundChange(perturbation(point, clean, codec), clean),
      parent: entry.id,
    };
    const { id, isNew } = await corpus.add({ codec, point, clean, events: [event] });
    if (isNew) this.added.add(id);
    return id;
  }
}

/** Where a sample lies. */
export function placeOf({ entry, threat }: Case): string {
  return `${entry.manifest.clean} ${threat}`;
}
