/** How long an experiment's data are kept: the policy, what it would do, legal hold, archive. */

import { useState } from 'react';
import { useQuery } from 'urql';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { moment, size } from '../exports/wording';
import { Button, Dialog, Field, Notice, ProblemNotice, Spinner, toast } from '../ui';
import { setSearch } from '../url/state';
import { RetentionForecasts } from './RetentionForecasts';

const RetentionQuery = graphql(`
  query Retention($experimentId: String!) {
    experiment(experimentId: $experimentId) {
      id
      status
      completedAt
      retention {
        deleteAfterDays
        deleteAt
        mediaDays
        archiveAfterDays
        reminderDays
        legalHold
        deletesDataAt
      }
      legalHold {
        reason
        setBy
        setAt
      }
      archive {
        archivedAt
        exportId
        sha256
        fileSize
      }
    }
  }
`);
const RetentionSet = graphql(`
  mutation RetentionSet($experimentId: String!, $input: RetentionInput!) {
    retentionSet(experimentId: $experimentId, input: $input) {
      experiment {
        id
        retention {
          deletesDataAt
        }
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`);
const ArchiveMutation = graphql(`
  mutation Archive($id: ID!) {
    experimentArchive(id: $id) {
      experiment {
        id
        status
      }
      userErrors {
        message
        code
      }
    }
  }
`);
type Experiment = NonNullable<ResultOf<typeof RetentionQuery>['experiment']>;

export default function Retention({ experimentId }: { experimentId: string }) {
  const [{ data, error }, ask] = useQuery({
    query: RetentionQuery,
    variables: { experimentId },
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error);
  const again = () => ask({ requestPolicy: 'network-only' });
  if (problem) return <ProblemNotice problem={problem} onRetry={again} />;
  if (!data?.experiment) return <Spinner />;
  const { experiment } = data;
  return (
    <div className="stack">
      <LegalHold experimentId={experimentId} experiment={experiment} onChanged={again} />
      <Policy
        key={JSON.stringify(experiment.retention)}
        experimentId={experimentId}
        experiment={experiment}
        onChanged={again}
      />
      <Archive experiment={experiment} onChanged={again} />
    </div>
  );
}

interface PartProps {
  experimentId: string;
  experiment: Experiment;
  onChanged: () => void;
}

const DAYS = {
  deleteAfterDays: ['Delete the data after', 'days from completion; empty: never'],
  mediaDays: ['Delete video and audio after', 'days from completion; empty: with the data'],
  archiveAfterDays: ['Archive after', 'days from completion; empty: never'],
  reminderDays: ['First notice before a deletion', 'days; a second one comes a day before'],
} as const;
type Days = keyof typeof DAYS;

function Policy({ experimentId, experiment, onChanged }: PartProps) {
  const { client } = useApi();
  const { retention } = experiment;
  const [days, setDays] = useState<Record<Days, string>>({
    deleteAfterDays: String(retention.deleteAfterDays ?? ''),
    mediaDays: String(retention.mediaDays ?? ''),
    archiveAfterDays: String(retention.archiveAfterDays ?? ''),
    reminderDays: String(retention.reminderDays),
  });
  const [deleteAt, setDeleteAt] = useState(retention.deleteAt?.slice(0, 10) ?? '');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);

  const number = (text: string) => (text === '' ? null : Number(text));
  const input = {
    deleteAfterDays: number(days.deleteAfterDays),
    mediaDays: number(days.mediaDays),
    archiveAfterDays: number(days.archiveAfterDays),
    reminderDays: number(days.reminderDays) ?? 14,
    deleteAt: deleteAt === '' ? null : new Date(`${deleteAt}T00:00:00Z`).toISOString(),
  };
  const save = async () => {
    setBusy(true);
    const { problem } = await change(client, RetentionSet, { experimentId, input });
    setBusy(false);
    setRefusal(problem);
    if (problem) return;
    toast('The policy is set.');
    onChanged();
  };
  const errorOf = (field: string) => (refusal?.field === field ? refusal.what : undefined);
  const isElsewhere = refusal && !(refusal.field ?? '' in { ...DAYS, deleteAt });

  return (
    <section className="settings-section" aria-labelledby="policy-heading">
      <h2 id="policy-heading">Policy</h2>
      <p className="muted">
        {experiment.completedAt
          ? `Completed ${moment(experiment.completedAt)}: days count from then.`
          : 'The experiment is not completed: days do not count yet.'}{' '}
        Nothing is deleted without two notices, and not on the day of the second.
      </p>
      {isElsewhere && <ProblemNotice problem={refusal} />}
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <div className="settings-fields">
          {(Object.keys(DAYS) as Days[]).map((field) => (
            <Field key={field} label={DAYS[field][0]} hint={DAYS[field][1]} error={errorOf(field)}>
              {(control) => (
                <input
                  {...control}
                  type="number"
                  min="1"
                  value={days[field]}
                  onChange={(event) => setDays({ ...days, [field]: event.target.value })}
                />
              )}
            </Field>
          ))}
          <Field
            label="or delete the data on"
            hint="a day (UTC), completed or not"
            error={errorOf('deleteAt')}
          >
            {(control) => (
              <input
                {...control}
                type="date"
                value={deleteAt}
                onChange={(event) => setDeleteAt(event.target.value)}
              />
            )}
          </Field>
        </div>
        <RetentionForecasts
          experimentId={experimentId}
          input={input}
          isCounting={experiment.completedAt !== null}
        />
        <div className="row">
          <Button kind="primary" type="submit" busy={busy}>
            Set the policy
          </Button>
        </div>
      </form>
    </section>
  );
}

function LegalHold({ experimentId, experiment, onChanged }: PartProps) {
  const { client } = useApi();
  const [reason, setReason] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const held = experiment.legalHold;
  const set = async (input: { legalHold: boolean; legalHoldReason?: string }) => {
    const { problem } = await change(client, RetentionSet, { experimentId, input });
    setRefusal(problem);
    if (problem) return;
    setReason(null);
    onChanged();
  };
  return (
    <>
      {held ? (
        <Notice
          tone="warning"
          title="Legal hold: nothing is deleted or archived by itself"
          action={<Button onClick={() => set({ legalHold: false })}>Lift the hold</Button>}
        >
          “{held.reason}”, set {moment(held.setAt)}
          {held.setBy && ` by ${held.setBy}`}.
        </Notice>
      ) : (
        <div className="row">
          <Button onClick={() => setReason('')}>Set a legal hold …</Button>
          <span className="muted">Keeps everything, whatever the policy says.</span>
        </div>
      )}
      {refusal && reason === null && <ProblemNotice problem={refusal} />}
      <Dialog
        title="Set a legal hold"
        open={reason !== null}
        onClose={() => setReason(null)}
        actions={
          <>
            <Button onClick={() => setReason(null)}>Close</Button>
            <Button
              kind="primary"
              onClick={() => set({ legalHold: true, legalHoldReason: reason ?? '' })}
            >
              Set the hold
            </Button>
          </>
        }
      >
        <div className="stack">
          {refusal && <ProblemNotice problem={refusal} />}
          <Field label="Reason" hint="Shown here and in the audit log.">
            {(control) => (
              <input
                {...control}
                value={reason ?? ''}
                onChange={(event) => setReason(event.target.value)}
              />
            )}
          </Field>
        </div>
      </Dialog>
    </>
  );
}

function Archive({ experiment, onChanged }: Omit<PartProps, 'experimentId'>) {
  const { client } = useApi();
  const [isAsking, setAsking] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const { archive } = experiment;
  const seal = async () => {
    const { problem } = await change(client, ArchiveMutation, { id: experiment.id });
    setRefusal(problem);
    if (problem) return;
    setAsking(false);
    onChanged();
  };
  return (
    <section className="settings-section" aria-labelledby="archive-heading">
      <h2 id="archive-heading">Archive</h2>
      {experiment.status === 'ARCHIVED' ? (
        <>
          <p>It is archived: read-only, and exported as before.</p>
          {archive ? (
            <dl className="facts">
              <dt>Sealed</dt>
              <dd>{moment(archive.archivedAt)}</dd>
              <dt>Package</dt>
              <dd>
                {archive.fileSize === null ? 'being written' : size(Number(archive.fileSize))}{' '}
                {archive.exportId && (
                  <button
                    type="button"
                    className="link-button"
                    onClick={() => setSearch({ export: archive.exportId })}
                  >
                    Show
                  </button>
                )}
              </dd>
              {archive.sha256 && (
                <>
                  <dt>SHA-256</dt>
                  <dd>
                    <code className="hash">{archive.sha256}</code>
                  </dd>
                </>
              )}
            </dl>
          ) : (
            <p className="muted">It has no records, so there is no package.</p>
          )}
        </>
      ) : (
        <div className="row">
          <Button onClick={() => setAsking(true)}>Archive it …</Button>
          <span className="muted">
            Read-only from then on, with a sealed package of everything.
          </span>
        </div>
      )}
      <Dialog
        title="Archive this experiment?"
        open={isAsking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button onClick={() => setAsking(false)}>Not now</Button>
            <Button kind="primary" onClick={seal}>
              Archive
            </Button>
          </>
        }
      >
        <div className="stack">
          {refusal && <ProblemNotice problem={refusal} />}
          <p>
            Nothing can be added or changed until its status is set to completed again. All that it
            holds, with identifiers and media, is written to a package that does not expire.
          </p>
        </div>
      </Dialog>
    </section>
  );
}
