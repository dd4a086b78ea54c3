import type { Result, ThreatResult } from "../assess/schema.ts";
import { wilson95 } from "../base/statistics.ts";
import { carried, commandLine, runCommand } from "./command-line.ts";
import { percent } from "./format.ts";
import { withdrawn } from "./withdrawn.ts";
import { threatName, WHO } from "./words.ts";

/** How far a model can be trusted, by the threat that it stands least. */
export interface Verdict {
  /** `unknown`: nothing was measured, not enough was, or a check withdrew the figure. */
  readonly trust: "yes" | "with care" | "no" | "unknown";
  /** In a few words: `Do not trust it with inputs that anybody can alter`. */
  readonly short: string;
  /** The figures behind it, or the reason why there are none: a sentence. */
  readonly because: string;
  /** Where one class decided: the sentence of `because` that says so. */
  readonly weakest?: string;
}

export interface NextStep {
  readonly why: string;
  readonly command: string;
}

function worstThreat(result: Result): ThreatResult | undefined {
  const evaluated = result.threats.filter(({ robustAccuracy }) => robustAccuracy.of > 0);
  return evaluated.sort((a, b) => a.robustAccuracy.value - b.robustAccuracy.value)[0];
}

/** Least share of what the model gets right that must stand. */
const TRUST = [
  { least: 1, trust: "yes", short: "It held" },
  { least: 0.9, trust: "yes", short: "It mostly held" },
  { least: 0.5, trust: "with care", short: "Trust it with care" },
  { least: 0.1, trust: "no", short: "Trust it only with inputs that nobody can alter" },
  { least: 0, trust: "no", short: "Do not trust it with inputs that anybody can alter" },
] as const;

function trustOf(share: number): Pick<Verdict, "trust" | "short"> & { least: number } {
  return TRUST.find(({ least }) => share >= least)!;
}

/**
 * The class that stands least, where it stands worse than the whole is trusted for, beyond what chance explains: of few spam messages among many others, all may fall while
 * nearly everything stands. Upper ends of 95 % intervals: one class among forty is that low by chance.
 */
function weakClass({ classes = [], robustAccuracy, attackSuccess }: ThreatResult) {
  const most = ({ correct, unbroken }: (typeof classes)[number]) => wilson95(unbroken, correct).high;
  const [weakest] = classes.filter(({ correct }) => correct > 0).sort((a, b) => most(a) - most(b));
  return weakest !== undefined && most(weakest) < trustOf(robustAccuracy.unbroken / attackSuccess.of).least
    ? { ...weakest, trust: trustOf(most(weakest)) }
    : undefined;
}

export function verdict(result: Result): Verdict {
  const threat = worstThreat(result);
  if (threat === undefined)
    return {
      trust: "unknown",
      short: "Nothing was evaluated",
      because: "Give the run more time, a larger budget, or other samples.",
    };
  const name = threatName(threat.id);
  const [failed] = withdrawn(result, threat);
  if (failed !== undefined)
    return {
      trust: "unknown",
      short: `Do not rely on the ${percent(threat.robustAccuracy.value)} at ${name}`,
      because: `The check ${failed.id} failed, so the true figure may be lower.`,
    };
  const cutShort = result.checks.find((check) => check.id === "all-samples-finished" && check.threat === threat.id);
  if (cutShort !== undefined)
    return { trust: "unknown", short: `No verdict yet at ${name}`, because: `${capitalized(cutShort.detail)}.` };
  const right = threat.attackSuccess.of;
  const share = (unbroken: number) => (right === 0 ? 0 : unbroken / right);
  const list = threat.profiles.map(
    ({ knowledge, robustAccuracy }) =>
      `${WHO[knowledge]} misleads it on ${percent(right === 0 ? 0 : 1 - share(robustAccuracy.unbroken))}`,
  );
  const because = `At ${name}, of the samples that it gets right, ${list.join(", ")}.`;
  const weak = weakClass(threat);
  const { trust, short } = weak?.trust ?? trustOf(share(threat.robustAccuracy.unbroken));
  if (weak === undefined) return { trust, short, because };
  const weakest = `Weakest class: ${result.model.classes[weak.label] ?? weak.label}, of which ${weak.unbroken} of ${weak.correct} stand.`;
  return { trust, short, because: `${because} ${weakest}`, weakest };
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Where the run was kept, as far as the result knows. */
function folderOf({ options }: Result): string | null {
  const { out } = options;
  return typeof out === "string" ? out : null;
}

function unfinished({ options }: Result): string {
  const budget = options["maxQueries"] !== undefined || options["maxCost"] !== undefined;
  return `Finish this run${budget ? ", with a larger budget if it is spent" : ""}: what is done is kept`;
}

/** What to do next, most useful first; never empty. `directory`: where the run is kept. */
export function nextSteps(result: Result, directory: string | null = folderOf(result)): NextStep[] {
  if (result.status === "partial") return [{ why: unfinished(result), command: runCommand(result, directory) }];
  const steps: NextStep[] = [];
  const threat = worstThreat(result) ?? result.threats[0];
  const base = [...carried(result), ...(threat === undefined ? [] : ["--threat", threatName(threat.id)])];
  const attacks = result.options["attacks"];
  if (directory !== null)
    steps.push({
      why: result.findings > 0 ? "See the inputs that fool it" : "Read the whole report",
      command: commandLine(["report", directory, "--open"]),
    });
  if (Array.isArray(attacks) && !attacks.includes("standard"))
    steps.push({
      why: "A stronger suite may find more",
      command: commandLine(["assess", ...base, "--attacks", "standard"]),
    });
  else if (result.options["audit"] !== true)
    steps.push({ why: "Audit the figure", command: commandLine(["assess", ...base, "--audit"]) });
  if (directory !== null && result.risk?.declared.assessed === false)
    steps.push({
      why: "Say what a mistake costs you (exposure, viewer, impact)",
      command: commandLine(["risk", directory, "--config", "risk.json"]),
    });
  if (result.findings > 0)
    steps.push({ why: "Take one finding apart, step by step", command: commandLine(["exercise"]) });
  return steps;
}
