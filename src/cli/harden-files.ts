import { readFile, rm } from "node:fs/promises";
import { fileError, writeWhole } from "../assess/files.ts";
import { type Hardened, type HardenStore, type TrainingLog, trainedOnText } from "../defenses/index.ts";

/**
 * The files of one hardening, all named after the model that it writes: `NAME.onnx`, `NAME.training.json` (the log), `NAME.trained-on.txt` (a
 * SHA-256 a line: inputs that no later measurement may count), while it lasts `NAME.checkpoint.npz`, and with held-out data
 * the folder `NAME.before-after`.
 */
export class HardenFiles implements HardenStore {
  readonly model: string;
  readonly log: string;
  readonly hashes: string;
  readonly checkpoint: string;
  /** Folder of the measurement before and after. */
  readonly beforeAfter: string;

  constructor(out: string) {
    const stem = out.replace(/\.onnx$/i, "");
    this.model = out;
    this.log = `${stem}.training.json`;
    this.hashes = `${stem}.trained-on.txt`;
    this.checkpoint = `${stem}.checkpoint.npz`;
    this.beforeAfter = `${stem}.before-after`;
  }

  async read(): Promise<Uint8Array | null> {
    try {
      return new Uint8Array(await readFile(this.checkpoint));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw fileError(error, this.checkpoint);
    }
  }

  async write(checkpoint: Uint8Array, log: TrainingLog): Promise<void> {
    await writeWhole(this.checkpoint, checkpoint);
    await writeWhole(this.log, `${JSON.stringify(log, null, 2)}\n`);
  }

  /** The checkpoint goes last: until then the run can be repeated. */
  async finish({ bytes, log, trainedOn }: Hardened): Promise<void> {
    await writeWhole(this.hashes, trainedOnText(trainedOn));
    await writeWhole(this.log, `${JSON.stringify(log, null, 2)}\n`);
    if (bytes !== null) await writeWhole(this.model, bytes);
    await rm(this.checkpoint, { force: true });
  }
}
