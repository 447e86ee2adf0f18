/**
 * The pages of a list around where one looks: rows come as they are scrolled to and go again, so
 * that a million of them take no more memory than a hundred thousand.
 *
 * What stays is a cursor for each page that was seen, from which it is fetched again.
 */

export interface Page<Row> {
  rows: Row[];
  /** Null on the last page. */
  next: string | null;
}

export type FetchPage<Row> = (after: string | null, signal: AbortSignal) => Promise<Page<Row>>;

/** Pages kept on both sides of those in view. */
const KEPT_AROUND = 4;

export class PageWindow<Row> {
  readonly pageSize: number;
  /** Rows that are known to be there, in all; more may follow. */
  known = 0;
  isComplete = false;
  error: unknown = null;

  #pages = new Map<number, Row[]>();
  #cursors: (string | null)[] = [null];
  #loading = new Map<number, AbortController>();
  #wanted: [first: number, last: number] = [0, 0];
  #watchers = new Set<() => void>();
  #version = 0;
  #fetch: FetchPage<Row>;

  constructor(fetch: FetchPage<Row>, pageSize: number) {
    this.#fetch = fetch;
    this.pageSize = pageSize;
  }

  /** Undefined while its page is not here. */
  row(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / this.pageSize))?.[index % this.pageSize];
  }

  get isLoading(): boolean {
    return this.#loading.size > 0;
  }

  /** How many rows are held; for tests. */
  get held(): number {
    let count = 0;
    for (const rows of this.#pages.values()) count += rows.length;
    return count;
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  version = (): number => this.#version;

  /** Says which rows are in view: what is missing is fetched, what is far away is let go. */
  look(first: number, last: number): void {
    const pageOf = (index: number) => Math.max(0, Math.floor(index / this.pageSize));
    this.#wanted = [pageOf(first), pageOf(last)];
    const [from, to] = this.#wanted;
    for (const page of this.#pages.keys()) {
      if (page < from - KEPT_AROUND || page > to + KEPT_AROUND) this.#pages.delete(page);
    }
    for (const [page, controller] of this.#loading) {
      // The page at the end leads on to the next one, wherever one looks meanwhile.
      if (page !== this.#cursors.length - 1 && (page < from - 1 || page > to + 1)) {
        controller.abort();
        this.#loading.delete(page);
      }
    }
    if (this.error === null) this.#load();
  }

  /** Tries again what has failed. */
  retry(): void {
    this.error = null;
    this.#load();
    this.#changed();
  }

  /** Stops; what is still coming is dropped. */
  close(): void {
    for (const controller of this.#loading.values()) controller.abort();
    this.#loading.clear();
  }

  #load(): void {
    const [from, to] = this.#wanted;
    for (let page = from; page <= to; page += 1) {
      if (page < this.#cursors.length) void this.#loadPage(page);
    }
  }

  async #loadPage(page: number): Promise<void> {
    const isPastEnd = this.isComplete && page * this.pageSize >= this.known && page > 0;
    if (this.#pages.has(page) || this.#loading.has(page) || isPastEnd) return;
    const controller = new AbortController();
    this.#loading.set(page, controller);
    this.#changed();
    try {
      const { rows, next } = await this.#fetch(this.#cursors[page] ?? null, controller.signal);
      if (controller.signal.aborted) return;
      this.#loading.delete(page);
      this.#pages.set(page, rows);
      this.known = Math.max(this.known, page * this.pageSize + rows.length);
      if (next === null) this.isComplete = true;
      else if (this.#cursors.length === page + 1) this.#cursors.push(next);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.#loading.delete(page);
      this.error = error;
    }
    this.#changed();
    if (this.error === null) this.#load();
  }

  #changed(): void {
    this.#version += 1;
    for (const watcher of this.#watchers) watcher();
  }
}
