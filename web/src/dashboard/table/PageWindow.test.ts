import { expect, test, vi } from 'vitest';
import { type FetchPage, PageWindow } from './PageWindow';

/** A list of numbers, in pages of ten. */
function numbers(length: number) {
  const asked: number[] = [];
  const fetch: FetchPage<number> = async (after) => {
    const from = after === null ? 0 : Number(after);
    asked.push(from / 10);
    const rows = Array.from({ length: Math.min(10, length - from) }, (_, n) => from + n);
    return { rows, next: from + 10 < length ? String(from + 10) : null };
  };
  return { fetch, asked };
}

/** Scrolls from the top until so many rows are known. */
async function scrollTo<Row>(pages: PageWindow<Row>, row: number) {
  pages.look(0, 0);
  while (pages.known <= row && !pages.isComplete) {
    pages.look(pages.known - 5, pages.known + 5);
    await settled(pages);
  }
}

async function settled<Row>(pages: PageWindow<Row>) {
  while (pages.isLoading) await new Promise((resolve) => setTimeout(resolve));
}

test('however far one scrolls, it holds no more rows than are near', async () => {
  const pages = new PageWindow(numbers(5000).fetch, 10);
  await scrollTo(pages, 4000);
  expect(pages.row(4000)).toBe(4000);
  expect(pages.row(0)).toBeUndefined();
  expect(pages.held).toBeLessThanOrEqual(11 * 10);
});

test('what was let go is fetched again when one goes back', async () => {
  const pages = new PageWindow(numbers(1000).fetch, 10);
  await scrollTo(pages, 500);
  pages.look(95, 105);
  await settled(pages);
  expect([pages.row(95), pages.row(105)]).toEqual([95, 105]);
  expect(pages.known).toBeGreaterThanOrEqual(500);
});

test('it ends where the list ends, and asks for no page twice', async () => {
  const { fetch, asked } = numbers(25);
  const pages = new PageWindow(fetch, 10);
  await scrollTo(pages, 1000);
  pages.look(15, 40);
  await settled(pages);
  expect([pages.known, pages.isComplete, pages.row(24), pages.row(25)]).toEqual([
    25,
    true,
    24,
    undefined,
  ]);
  expect(asked).toEqual([0, 1, 2]);
});

test('a list of nothing is complete', async () => {
  const pages = new PageWindow(numbers(0).fetch, 10);
  pages.look(0, 0);
  await settled(pages);
  expect([pages.known, pages.isComplete]).toEqual([0, true]);
});

test('a page that failed is asked for again only when it is told to', async () => {
  const { fetch } = numbers(100);
  let fails = true;
  let turns = 0;
  const pages = new PageWindow<number>(async (after, signal) => {
    turns += 1;
    if (fails) throw new Error('no');
    return fetch(after, signal);
  }, 10);
  pages.look(0, 5);
  await vi.waitFor(() => expect(pages.error).not.toBeNull());
  pages.look(0, 6);
  expect(turns).toBe(1);
  fails = false;
  pages.retry();
  await settled(pages);
  expect(pages.row(3)).toBe(3);
});

test('a window that is closed takes no page any more', async () => {
  let answer: (page: { rows: number[]; next: null }) => void = () => {};
  const pages = new PageWindow<number>(() => new Promise((resolve) => (answer = resolve)), 10);
  pages.look(0, 0);
  pages.close();
  answer({ rows: [1], next: null });
  await Promise.resolve();
  expect(pages.known).toBe(0);
});
