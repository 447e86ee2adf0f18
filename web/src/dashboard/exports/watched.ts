/**
 * The exports that this browser asked for and whose files it has not fetched yet. Kept in
 * localStorage, so that a tab that is closed and opened again goes on with them; their ids open
 * nothing to anybody who may not see them.
 */

import { useSyncExternalStore } from 'react';

const STORAGE_KEY = 'hyperdata:exports';
const MOST = 20;
const watchers = new Set<() => void>();
let memory: { text: string; ids: string[] } = { text: '[]', ids: [] };

function read(): string[] {
  const text = localStorage.getItem(STORAGE_KEY) ?? '[]';
  if (text !== memory.text) memory = { text, ids: parsed(text) };
  return memory.ids;
}

function parsed(text: string): string[] {
  try {
    const ids: unknown = JSON.parse(text);
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

function write(ids: string[]): void {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(ids));
  for (const watch of watchers) watch();
}

export function watchExport(id: string): void {
  write([...read().filter((each) => each !== id), id].slice(-MOST));
}

/** Tells whether it was watched: of several tabs, the first that asks fetches the file. */
export function unwatchExport(id: string): boolean {
  const ids = read();
  if (!ids.includes(id)) return false;
  write(ids.filter((each) => each !== id));
  return true;
}

export function useWatched(): string[] {
  return useSyncExternalStore((watch) => {
    watchers.add(watch);
    addEventListener('storage', watch);
    return () => {
      watchers.delete(watch);
      removeEventListener('storage', watch);
    };
  }, read);
}
