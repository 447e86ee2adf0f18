import type { ReactNode } from 'react';
import { Link } from 'wouter';
import './Tabs.css';

export interface TabItem {
  id: string;
  label: ReactNode;
  href: string;
  /** Beside the label, such as a count. */
  note?: ReactNode;
}

/** Views of one thing, each with an address of its own: links, so that they open in new tabs too. */
export function Tabs({ items, current, label, within = false }: TabsProps) {
  return (
    <nav className={within ? 'tabs within' : 'tabs'} aria-label={label}>
      {items.map((item) => (
        <Link
          key={item.id}
          href={item.href}
          className="tab"
          aria-current={item.id === current ? 'page' : undefined}
        >
          {item.label}
          {item.note !== undefined && <span className="tab-note">{item.note}</span>}
        </Link>
      ))}
    </nav>
  );
}

interface TabsProps {
  items: TabItem[];
  current: string;
  label: string;
  /** Tabs of a view that is itself behind a tab. */
  within?: boolean;
}
