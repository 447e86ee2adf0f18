/** The frame of every view: the way here, what one can do with what is shown, who is there. */

import { lazy, type ReactNode, Suspense } from 'react';
import { Link, useLocation } from 'wouter';
import { useApi } from '../api/client';
import { useConnection } from '../api/socket';
import { Badge, Button, Menu } from '../ui';
import { Breadcrumb } from './Breadcrumb';
import { SchemeSwitch } from './SchemeSwitch';
import './Shell.css';

const CodeButton = lazy(() => import('../code/CodeButton'));
const ExportWatch = lazy(() => import('../exports/ExportWatch'));

export function Shell({ children }: { children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <Link href="/" className="brand" aria-label="HyperStudy Data, all experiments">
          <img src="/static/favicon.svg" alt="" width="24" height="24" />
          <span>HyperStudy Data</span>
        </Link>
        <MainLinks />
        <div className="top-tools">
          <SocketBadge />
          <Suspense fallback={null}>
            <ExportWatch />
            <CodeButton />
          </Suspense>
          <AccountMenu />
        </div>
      </header>
      <Breadcrumb />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function MainLinks() {
  const [path] = useLocation();
  const links: [href: string, label: string, here: boolean][] = [
    ['/', 'Experiments', path === '/' || path.startsWith('/experiments')],
    ['/exports', 'Exports', path.startsWith('/exports')],
    ['/settings/keys', 'API keys', path.startsWith('/settings')],
  ];
  return (
    <nav className="main-links" aria-label="Main">
      {links.map(([href, label, here]) => (
        <Link key={href} href={href} aria-current={here ? 'true' : undefined}>
          {label}
        </Link>
      ))}
    </nav>
  );
}

function SocketBadge() {
  const isLost = useConnection() === 'lost';
  return <span role="status">{isLost && <Badge tone="warning">Reconnecting …</Badge>}</span>;
}

function AccountMenu() {
  const { who, mode, signOut } = useApi();
  return (
    <Menu
      label={
        <>
          <span className="initials" data-initials={initialsOf(who.name)} />
          <span className="visually-hidden">Account: </span>
          <span className="who">{who.name}</span>
        </>
      }
      kind="quiet"
    >
      {() => (
        <div className="stack account">
          <p>
            <strong>{who.name}</strong>
            <br />
            <span className="muted">
              {who.role.toLowerCase()}, {mode === 'key' ? 'by an API key of this tab' : 'signed in'}
            </span>
          </p>
          <SchemeSwitch />
          <a href="/graphiql">GraphiQL: ask the API by hand</a>
          <Button onClick={signOut}>{mode === 'key' ? 'Forget the key' : 'Sign out'}</Button>
        </div>
      )}
    </Menu>
  );
}

function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word) && !word.endsWith('.'));
  return [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => word?.charAt(0)).join('');
}
