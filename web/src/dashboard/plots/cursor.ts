/** Where one points in time. Outside of React: it moves with the mouse, and with what is played. */

type Listener = (onset: number | null) => void;

export class TimeCursor {
  #onset: number | null = null;
  #rest: number | null = null;
  readonly #followers = new Set<Listener>();
  readonly #seekers = new Set<(onset: number) => void>();

  /** In ms from the room's experiment start; null while one points at nothing. */
  get onset(): number | null {
    return this.#onset;
  }

  set(onset: number | null): void {
    this.#onset = onset ?? this.#rest;
    for (const follow of this.#followers) follow(this.#onset);
  }

  /** Says where it is while one points at nothing, such as where a recording was stopped. */
  restAt(onset: number | null): void {
    this.#rest = onset;
    this.set(onset);
  }

  follow(listener: Listener): () => void {
    this.#followers.add(listener);
    return () => void this.#followers.delete(listener);
  }

  /** Asks whatever plays to go on from there. */
  seek(onset: number): void {
    this.set(onset);
    for (const seek of this.#seekers) seek(onset);
  }

  onSeek(listener: (onset: number) => void): () => void {
    this.#seekers.add(listener);
    return () => void this.#seekers.delete(listener);
  }
}
