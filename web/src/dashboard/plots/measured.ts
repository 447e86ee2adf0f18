/** How wide an element is, and which colours it has: what a canvas must be told. */

import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Width in CSS pixels, 0 until it is known. */
export function useWidth<Box extends HTMLElement>(): [RefObject<Box | null>, number] {
  const ref = useRef<Box>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box) return;
    // What is out of sight for a moment has no width, and must not be made anew for that.
    const measure = () => setWidth((before) => Math.floor(box.clientWidth) || before);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** Gives what `var(--x)` comes to, as a canvas takes it, with an opacity. */
export function colorOf(host: Element, color: string, opacity = 1): string {
  const probe = document.createElement('span');
  probe.style.color =
    opacity === 1 ? color : `color-mix(in srgb, ${color} ${opacity * 100}%, transparent)`;
  host.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Counts how often light and dark were changed, by the system or by the switch. */
export function useScheme(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const change = () => setChanges((before) => before + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', change);
    const observer = new MutationObserver(change);
    observer.observe(document.documentElement, { attributeFilter: ['data-scheme'] });
    return () => {
      system.removeEventListener('change', change);
      observer.disconnect();
    };
  }, []);
  return changes;
}
