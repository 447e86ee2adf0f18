/** How many records came in, second by second, over the last minute. */

export const SECONDS = 60;
const SHORT = 10;

export class Rates {
  readonly #counts = new Map<string, number[]>();
  #second = 0;

  /** `now` in ms; must not go back. */
  add(type: string, count: number, now: number): void {
    this.#advance(now);
    const counts = this.#counts.get(type) ?? new Array<number>(SECONDS).fill(0);
    counts[SECONDS - 1] = (counts[SECONDS - 1] ?? 0) + count;
    this.#counts.set(type, counts);
  }

  /** Records in each of the last sixty seconds, the present one last. */
  bars(type: string, now: number): readonly number[] {
    this.#advance(now);
    return this.#counts.get(type) ?? new Array<number>(SECONDS).fill(0);
  }

  /** Mean over the last ten whole seconds. */
  perSecond(type: string, now: number): number {
    const whole = this.bars(type, now).slice(SECONDS - 1 - SHORT, SECONDS - 1);
    return whole.reduce((sum, count) => sum + count, 0) / SHORT;
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1000);
    if (this.#second === 0) this.#second = second;
    const passed = Math.min(SECONDS, second - this.#second);
    if (passed <= 0) return;
    for (const counts of this.#counts.values()) {
      counts.splice(0, passed);
      while (counts.length < SECONDS) counts.push(0);
    }
    this.#second = second;
  }
}
