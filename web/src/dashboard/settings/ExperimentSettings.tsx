/** What an experiment's owner sets and sees: sharing, retention, audit log, participants' rights. */

import { lazy, Suspense } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../api/graphql';
import { problemOf } from '../api/problems';
import { Empty, Notice, ProblemNotice, Spinner, Tabs } from '../ui';
import { placePath } from '../url/place';
import '../ui/page.css';
import './settings.css';
import '../exports/exports.css';

const SettingsQuery = graphql(`
  query ExperimentSettings($experimentId: String!) {
    experiment(experimentId: $experimentId) {
      id
      name
      access {
        canManage
        why
      }
    }
  }
`);

const Sharing = lazy(() => import('./Sharing'));
const Retention = lazy(() => import('./Retention'));
const AuditLog = lazy(() => import('./AuditLog'));
const Requests = lazy(() => import('./Requests'));

const SECTIONS = [
  ['sharing', 'Sharing', Sharing],
  ['retention', 'Retention', Retention],
  ['audit', 'Audit log', AuditLog],
  ['requests', 'Participants’ rights', Requests],
] as const;

export default function ExperimentSettings(props: { experimentId: string; section: string }) {
  const { experimentId, section } = props;
  const [{ data, error }, ask] = useQuery({ query: SettingsQuery, variables: { experimentId } });
  const problem = problemOf(error);
  if (problem)
    return (
      <ProblemNotice problem={problem} onRetry={() => ask({ requestPolicy: 'network-only' })} />
    );
  if (data === undefined) return <Spinner />;
  const { experiment } = data;
  if (experiment === null)
    return <Empty title="There is no such experiment">Or none that you may see.</Empty>;
  if (!experiment.access.canManage)
    return (
      <Notice tone="info" title="Only its owner sees and changes this">
        {experiment.access.why}
      </Notice>
    );
  const Section = SECTIONS.find(([id]) => id === section)?.[2];
  return (
    <div className="page stack">
      <Tabs
        label="Settings"
        current={section}
        items={SECTIONS.map(([id, label]) => ({
          id,
          label,
          href: placePath({ experimentId }, `settings/${id}`),
        }))}
      />
      <Suspense fallback={<Spinner />}>
        {Section ? (
          <Section experimentId={experimentId} />
        ) : (
          <Empty title="There is no such page" />
        )}
      </Suspense>
    </div>
  );
}
