/** API keys: made, shown once, looked at, revoked. */

import { useState } from 'react';
import { change } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { type Problem, problemOf } from '../api/problems';
import { useKept } from '../api/useKept';
import { count, moment } from '../exports/wording';
import { Badge, Button, Dialog, Empty, ProblemNotice, Spinner, toast } from '../ui';
import { ListTable } from '../ui/ListTable';
import { KeyDialog } from './KeyDialog';
import '../ui/page.css';
import './settings.css';

const KeysQuery = graphql(`
  query Keys {
    apiKeys(first: 200) {
      nodes {
        id
        name
        description
        prefix
        scopes
        createdAt
        expiresAt
        revokedAt
        lastUsedAt
        lastAddress
        useCount
        experiments {
          experimentId
          name
        }
      }
    }
  }
`);
const KeyRevoke = graphql(`
  mutation KeyRevoke($id: ID!) {
    apiKeyRevoke(id: $id) {
      apiKey {
        id
        revokedAt
      }
      userErrors {
        message
        code
      }
    }
  }
`);
type Key = ResultOf<typeof KeysQuery>['apiKeys']['nodes'][number];

export default function KeysPage() {
  const { client } = useApi();
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const [refused, setRefused] = useState<Problem | null>(null);
  const [{ data, error, fetching }, ask] = useKept({
    query: KeysQuery,
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error);
  const again = () => ask({ requestPolicy: 'network-only' });
  const revoke = async () => {
    if (revoking === null) return;
    const { problem: wrong } = await change(client, KeyRevoke, { id: revoking.id });
    setRefused(wrong);
    if (wrong) return;
    setRevoking(null);
    toast('Revoked: it opens nothing any more.');
    again();
  };
  const keys = data?.apiKeys.nodes ?? [];

  return (
    <section className="page stack" aria-labelledby="keys-heading">
      <div className="page-head">
        <h1 id="keys-heading" className="page-title">
          API keys
        </h1>
        <Button kind="primary" onClick={() => setMaking(true)}>
          New key
        </Button>
      </div>
      <p className="muted">
        Scripts use a key instead of your account. It can do no more than you can, and no more than
        its scopes say.
      </p>
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {data === undefined && fetching && <Spinner label="Asking for your keys" />}
      {data && keys.length === 0 && (
        <Empty title="You have no keys yet">Make one for each script or machine.</Empty>
      )}
      {keys.length > 0 && (
        <ListTable
          label="API keys"
          rows={keys}
          keyOf={(key) => key.id}
          columns={[
            { label: 'Key', cell: (key) => <NameCell apiKey={key} /> },
            { label: 'State', cell: (key) => <KeyState apiKey={key} /> },
            { label: 'Allows', cell: (key) => <ScopeCell apiKey={key} /> },
            { label: 'Last used', cell: (key) => <UseCell apiKey={key} /> },
            { label: 'Uses', numeric: true, cell: (key) => count(Number(key.useCount)) },
            {
              label: 'Actions',
              actions: true,
              cell: (key) =>
                key.revokedAt === null && (
                  <Button
                    kind="quiet"
                    aria-label={`Revoke ${key.name}`}
                    onClick={() => setRevoking(key)}
                  >
                    Revoke …
                  </Button>
                ),
            },
          ]}
        />
      )}
      {isMaking && <KeyDialog onClose={() => setMaking(false)} onMade={again} />}
      <Dialog
        title={`Revoke ${revoking?.name ?? ''}?`}
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        actions={
          <>
            <Button onClick={() => setRevoking(null)}>Keep it</Button>
            <Button kind="danger" onClick={revoke}>
              Revoke the key
            </Button>
          </>
        }
      >
        {refused && <ProblemNotice problem={refused} />}
        <p>
          What uses <code>{revoking?.prefix}…</code> stops working at once, and it cannot be undone.
          Schedules that were set up with it go on.
        </p>
      </Dialog>
    </section>
  );
}

function NameCell({ apiKey }: { apiKey: Key }) {
  return (
    <>
      <strong>{apiKey.name}</strong>
      <span className="sub">
        <code>{apiKey.prefix}…</code>
        {apiKey.description && ` · ${apiKey.description}`}
      </span>
    </>
  );
}

function KeyState({ apiKey }: { apiKey: Key }) {
  if (apiKey.revokedAt) return <Badge>Revoked {moment(apiKey.revokedAt)}</Badge>;
  if (apiKey.expiresAt === null) return <Badge tone="good">Works</Badge>;
  const isOver = new Date(apiKey.expiresAt).getTime() < Date.now();
  return (
    <>
      <Badge tone={isOver ? 'neutral' : 'good'}>{isOver ? 'Expired' : 'Works'}</Badge>
      <span className="sub">
        {isOver ? '' : 'until '}
        {moment(apiKey.expiresAt)}
      </span>
    </>
  );
}

function ScopeCell({ apiKey }: { apiKey: Key }) {
  return (
    <>
      <code className="wrap-anywhere">{apiKey.scopes.join(', ')}</code>
      {apiKey.experiments && (
        <span className="sub">
          only{' '}
          {apiKey.experiments.map(({ name }) => name).join(', ') || 'experiments that are gone'}
        </span>
      )}
    </>
  );
}

function UseCell({ apiKey }: { apiKey: Key }) {
  if (apiKey.lastUsedAt === null) return <>never</>;
  return (
    <>
      {moment(apiKey.lastUsedAt)}
      {apiKey.lastAddress && <span className="sub">from {apiKey.lastAddress}</span>}
    </>
  );
}
