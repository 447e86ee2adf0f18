/** The dashboard: who is there, the frame, and a view for each address. */

import { type ComponentType, lazy, Suspense } from 'react';
import { Route, Switch } from 'wouter';
import { SignedIn } from './api/SignedIn';
import { ExperimentsPage } from './levels/ExperimentsPage';
import { Shell } from './shell/Shell';
import { Empty, Spinner, Toasts } from './ui';
import { ViewBoundary } from './ViewBoundary';

const PlacePage = lazy(() => import('./levels/PlacePage'));
const ExportsPage = lazy(() => import('./exports/ExportsPage'));
const SchedulesPage = lazy(() => import('./exports/SchedulesPage'));
const KeysPage = lazy(() => import('./settings/KeysPage'));

const PAGES: [path: string, page: ComponentType][] = [
  ['/', ExperimentsPage],
  ['/exports', ExportsPage],
  ['/exports/schedules', SchedulesPage],
  ['/settings/keys', KeysPage],
];

export function App() {
  return (
    <SignedIn>
      <Shell>
        <ViewBoundary>
          <Suspense fallback={<Spinner />}>
            <Switch>
              {PAGES.map(([path, Page]) => (
                <Route key={path} path={path}>
                  <Page />
                </Route>
              ))}
              <Route path="/experiments/*">
                <PlacePage />
              </Route>
              <Route>
                <Empty title="There is no such page" action={<a href="/">All experiments</a>} />
              </Route>
            </Switch>
          </Suspense>
        </ViewBoundary>
      </Shell>
      <Toasts />
    </SignedIn>
  );
}
