import { useSyncExternalStore } from 'react';
import './Toast.css';

interface Said {
  id: number;
  text: string;
  tone: 'good' | 'error';
}

const SHOWN_MS = 6000;
let said: Said[] = [];
let count = 0;
const watchers = new Set<() => void>();

function become(next: Said[]): void {
  said = next;
  for (const watch of watchers) watch();
}

/** Says a short thing at the edge of the page; what must not be missed belongs into a Notice. */
export function toast(text: string, tone: 'good' | 'error' = 'good'): void {
  count += 1;
  const id = count;
  become([...said.slice(-2), { id, text, tone }]);
  setTimeout(() => become(said.filter((one) => one.id !== id)), SHOWN_MS);
}

/** Where toasts appear: once a page. */
export function Toasts() {
  const all = useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => said,
  );
  return (
    <div className="toasts" aria-live="polite">
      {all.map(({ id, text, tone }) => (
        <p key={id} className={`toast ${tone}`}>
          {text}
        </p>
      ))}
    </div>
  );
}
