import type { ReactNode } from 'react';
import './Badge.css';

export type BadgeTone = 'neutral' | 'accent' | 'good' | 'warning' | 'bad';

/** A word or two about a thing, with a colour that says no more than the words do. */
export function Badge({ tone = 'neutral', title, children }: BadgeProps) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

interface BadgeProps {
  tone?: BadgeTone;
  title?: string | undefined;
  children: ReactNode;
}
