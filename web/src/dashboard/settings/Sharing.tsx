/** With whom an experiment is shared, and what of it. */

import { useState } from 'react';
import { useQuery } from 'urql';
import { change } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { type Problem, problemOf } from '../api/problems';
import { DATA_TYPES, moment } from '../exports/wording';
import { Badge, Button, Dialog, Empty, ProblemNotice, Spinner, toast } from '../ui';
import { ListTable } from '../ui/ListTable';
import { GrantDialog } from './GrantDialog';

const CollaboratorsQuery = graphql(`
  query Collaborators($experimentId: String!) {
    experiment(experimentId: $experimentId) {
      id
      owner {
        name
        userId
      }
      collaborators(first: 200) {
        nodes {
          id
          canExport
          anonymization
          dataTypes
          createdAt
          expiresAt
          user {
            userId
            name
          }
          group {
            groupId
            name
          }
          grantedBy {
            name
          }
        }
      }
    }
  }
`);
const CollaboratorRevoke = graphql(`
  mutation CollaboratorRevoke($id: ID!) {
    collaboratorRevoke(id: $id) {
      deletedId
      userErrors {
        message
        code
      }
    }
  }
`);
type Experiment = NonNullable<ResultOf<typeof CollaboratorsQuery>['experiment']>;
export type Grant = NonNullable<Experiment['collaborators']>['nodes'][number];

export default function Sharing({ experimentId }: { experimentId: string }) {
  const { client } = useApi();
  const [granting, setGranting] = useState<Grant | 'new' | null>(null);
  const [revoking, setRevoking] = useState<Grant | null>(null);
  const [refused, setRefused] = useState<Problem | null>(null);
  const [{ data, error }, ask] = useQuery({
    query: CollaboratorsQuery,
    variables: { experimentId },
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error);
  const again = () => ask({ requestPolicy: 'network-only' });
  const revoke = async () => {
    if (revoking === null) return;
    const { problem: wrong } = await change(client, CollaboratorRevoke, { id: revoking.id });
    setRefused(wrong);
    if (wrong) return;
    setRevoking(null);
    toast('Taken back: they see nothing of it any more.');
    again();
  };
  if (problem) return <ProblemNotice problem={problem} onRetry={again} />;
  if (!data?.experiment) return <Spinner />;
  const grants = data.experiment.collaborators?.nodes ?? [];

  return (
    <section className="stack" aria-labelledby="sharing-heading">
      <div className="page-head">
        <h2 id="sharing-heading" className="page-title">
          Shared with
        </h2>
        <Button kind="primary" onClick={() => setGranting('new')}>
          Share
        </Button>
      </div>
      <p className="muted">
        {data.experiment.owner.name} owns it. Nobody else sees that it exists, but those below and
        administrators.
      </p>
      {grants.length === 0 && (
        <Empty title="It is shared with nobody">Share it with an account or a group.</Empty>
      )}
      {grants.length > 0 && (
        <ListTable
          label="Collaborators"
          rows={grants}
          keyOf={(grant) => grant.id}
          columns={[
            {
              label: 'With',
              cell: (grant) => (
                <>
                  <strong>{grant.user?.name ?? grant.group?.name}</strong>
                  <span className="sub">
                    {grant.user ? grant.user.userId : `group ${grant.group?.groupId}`}
                  </span>
                </>
              ),
            },
            {
              label: 'May',
              cell: (grant) => (
                <>
                  {grant.canExport ? 'look, and export' : 'look'}
                  <span className={`sub${grant.anonymization === 'KEEP' ? ' warn-text' : ''}`}>
                    {LEVELS[grant.anonymization]}
                  </span>
                </>
              ),
            },
            {
              label: 'Data',
              cell: (grant) =>
                grant.dataTypes?.map((type) => DATA_TYPES[type]).join(', ') ?? 'all types',
            },
            { label: 'Until', cell: (grant) => <Until at={grant.expiresAt} /> },
            {
              label: 'Granted',
              cell: (grant) => (
                <>
                  {grant.createdAt ? moment(grant.createdAt) : '–'}
                  {grant.grantedBy && <span className="sub">by {grant.grantedBy.name}</span>}
                </>
              ),
            },
            {
              label: 'Actions',
              actions: true,
              cell: (grant) => (
                <div className="row">
                  <Button onClick={() => setGranting(grant)}>Change</Button>
                  <Button kind="quiet" onClick={() => setRevoking(grant)}>
                    Take back …
                  </Button>
                </div>
              ),
            },
          ]}
        />
      )}
      {granting && (
        <GrantDialog
          experimentId={experimentId}
          grant={granting === 'new' ? null : granting}
          onClose={() => setGranting(null)}
          onGranted={again}
        />
      )}
      <Dialog
        title="Take this back?"
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        actions={
          <>
            <Button onClick={() => setRevoking(null)}>Leave it</Button>
            <Button kind="danger" onClick={revoke}>
              Take back
            </Button>
          </>
        }
      >
        {refused && <ProblemNotice problem={refused} />}
        <p>
          {revoking?.user?.name ?? revoking?.group?.name} sees nothing of this experiment from now
          on, and exports of theirs that are being written fail. Files that they have downloaded
          stay with them.
        </p>
      </Dialog>
    </section>
  );
}

const LEVELS = {
  KEEP: 'who participants are, included',
  REMOVE_IDENTIFIERS: 'under codes',
  AGGREGATE_ONLY: 'statistics alone',
};

function Until({ at }: { at: string | null }) {
  if (at === null) return <>no end</>;
  const isOver = new Date(at).getTime() < Date.now();
  return isOver ? <Badge>ended {moment(at)}</Badge> : moment(at);
}
