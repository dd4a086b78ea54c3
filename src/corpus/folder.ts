/**
 * What a corpus needs of the place where it lies. Paths are relative, with `/`. A file is there whole or not at all, whatever happens
 * while it is written; two who write the same name write the same content.
 */
export interface CorpusFolder {
  /** For messages. */
  readonly name: string;
  /** Names in a folder, sorted; none where there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Null where there is no such file. Throws where it is no ordinary file, or has more than `limit` bytes. */
  read(path: string, limit: number): Promise<Uint8Array | null>;
  /** Takes the place of what is there. Returns when it would survive a crash of the machine. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
}

/** A corpus that is kept nowhere. */
export function memoryFolder(files: Map<string, Uint8Array> = new Map()): CorpusFolder {
  return {
    name: "memory",
    async list(folder) {
      const start = folder === "" ? "" : `${folder}/`;
      const inside = [...files.keys()].filter((path) => path.startsWith(start));
      return [...new Set(inside.map((path) => path.slice(start.length).split("/")[0]!))].sort();
    },
    read: async (path) => files.get(path) ?? null,
    write: async (path, bytes) => {
      files.set(path, bytes.slice());
    },
    remove: async (path) => {
      files.delete(path);
    },
  };
}
