import type { Result, ThreatResult } from "../assess/schema.ts";
import { carried, commandLine, shellWord } from "./command-line.ts";
import { percent } from "./format.ts";
import { withdrawn } from "./withdrawn.ts";
import { threatName, WHO } from "./words.ts";

/** One closing sentence or two: how far the model can be trusted, and which command to try next. */
export function advice(result: Result): string {
  const threat = worstThreat(result);
  if (threat === undefined) return "Nothing was evaluated. Give the run more time, or more samples.";
  const { command, why } = next(result, threat);
  return `${verdict(result, threat)} ${why}: ${command}`;
}

function worstThreat(result: Result): ThreatResult | undefined {
  const evaluated = result.threats.filter(({ robustAccuracy }) => robustAccuracy.of > 0);
  return evaluated.sort((a, b) => a.robustAccuracy.value - b.robustAccuracy.value)[0];
}

function verdict(result: Result, threat: ThreatResult): string {
  const name = threatName(threat.id);
  const [failed] = withdrawn(result, threat);
  if (failed !== undefined)
    return `Do not rely on the ${percent(threat.robustAccuracy.value)} at ${name}: the check ${failed.id} failed, so the true figure may be lower.`;
  const cutShort = result.checks.find((check) => check.id === "all-samples-finished" && check.threat === threat.id);
  if (cutShort !== undefined) return `No verdict yet at ${name}: ${cutShort.detail}.`;
  // Of what the model gets right, the share that each attacker turned.
  const right = threat.attackSuccess.of;
  const turned = threat.profiles.map((profile) => {
    const standing = profile.robustAccuracy.unbroken;
    return { who: WHO[profile.knowledge], share: right === 0 ? 0 : (right - standing) / right };
  });
  const list = turned.map(({ who, share }) => `${who} misleads it on ${percent(share)}`).join(", ");
  const kept = right === 0 ? 0 : threat.robustAccuracy.unbroken / right;
  const trust =
    kept >= 0.9
      ? "It held"
      : kept >= 0.5
        ? "Trust it with care"
        : kept >= 0.1
          ? "Trust it only with inputs that nobody can alter"
          : "Do not trust it with inputs that anybody can alter";
  return `${trust}: at ${name}, of the samples that it gets right, ${list}.`;
}

function next(result: Result, threat: ThreatResult): { command: string; why: string } {
  const { options } = result;
  const base = [...carried(result), "--threat", threatName(threat.id)];
  const attacks = options["attacks"];
  if (result.status === "partial")
    return {
      why: "Finish it with the same command and",
      command: `--out ${shellWord(String(options["out"] ?? "DIR"))}`,
    };
  if (Array.isArray(attacks) && !attacks.includes("standard"))
    return {
      why: "A stronger suite may find more",
      command: commandLine(["assess", ...base, "--attacks", "standard"]),
    };
  if (threat.attackSuccess.fooled > 0) {
    const strongest = [...threat.audit.attacks].sort((a, b) => b.succeeded - a.succeeded)[0];
    return {
      why: "See the inputs that fool it",
      command: commandLine(["attack", strongest?.name ?? "pgd", ...base, "--save", "adversarial"]),
    };
  }
  return { why: "Audit the figure", command: commandLine(["assess", ...base, "--audit"]) };
}
