/** Erasing somebody in two steps: who, then what would go, with their id typed once more. */

import { useState } from 'react';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { count, DATA_TYPES, plural } from '../exports/wording';
import { Button, Dialog, Field, Notice, ProblemNotice, toast } from '../ui';

const Erase = graphql(`
  mutation Erase($input: ParticipantErasureInput!) {
    participantErase(input: $input) {
      preview {
        participantCount
        records {
          dataType
          recordCount
        }
        sealedCount
        mediaCount
        quarantinedCount
        mentionCount
        exports {
          exportId
          downloads {
            userId
            at
          }
        }
        graceDays
        confirm
        confirmUntil
      }
      erasure {
        id
        dueAt
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`);
type Preview = NonNullable<NonNullable<ResultOf<typeof Erase>['participantErase']>['preview']>;

interface EraseDialogProps {
  experimentId: string;
  onClose: () => void;
  onDone: () => void;
}

export function EraseDialog({ experimentId, onClose, onDone }: EraseDialogProps) {
  const { client } = useApi();
  const [participantId, setParticipantId] = useState('');
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const [preview, setPreview] = useState<Preview | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const id = participantId.trim();

  const ask = async (confirm?: string) => {
    setBusy(true);
    const { done, problem } = await change(client, Erase, {
      input: {
        experimentId,
        participantId: id,
        ...(confirm ? { confirm } : {}),
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      },
    });
    setBusy(false);
    setRefusal(problem);
    if (done?.preview) setPreview(done.preview);
    if (!done?.erasure) return;
    toast('Asked for: it can be canceled until it begins.');
    onDone();
    onClose();
  };

  return (
    <Dialog
      title="Erase somebody"
      open
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          {preview === null ? (
            <Button kind="primary" busy={busy} disabled={id === ''} onClick={() => ask()}>
              Show what would go
            </Button>
          ) : (
            <Button
              kind="danger"
              busy={busy}
              disabled={typed !== id}
              onClick={() => ask(preview.confirm)}
            >
              Erase this person
            </Button>
          )}
        </>
      }
    >
      <div className="stack">
        {refusal && (preview !== null || refusal.field !== 'participantId') && (
          <ProblemNotice problem={refusal} />
        )}
        {preview === null ? (
          <Field
            label="Participant"
            hint="All of their rooms in this experiment are meant."
            error={refusal?.field === 'participantId' ? refusal.what : undefined}
          >
            {(control) => (
              <input
                {...control}
                value={participantId}
                autoComplete="off"
                onChange={(event) => setParticipantId(event.target.value)}
              />
            )}
          </Field>
        ) : (
          <>
            <PreviewFacts preview={preview} />
            <Field
              label="Reason"
              hint="Kept with the erasure: say the number of the case, no name."
            >
              {(control) => (
                <input
                  {...control}
                  value={reason}
                  onChange={(event) => setReason(event.target.value)}
                />
              )}
            </Field>
            <Field label={`Type ${id} to confirm`}>
              {(control) => (
                <input
                  {...control}
                  className="mono"
                  value={typed}
                  autoComplete="off"
                  onChange={(event) => setTyped(event.target.value)}
                />
              )}
            </Field>
          </>
        )}
      </div>
    </Dialog>
  );
}

function PreviewFacts({ preview }: { preview: Preview }) {
  const taken = preview.exports.flatMap(({ downloads }) => downloads);
  return (
    <>
      <Notice tone="warning" title="This cannot be undone once it has begun">
        It begins {plural(Math.round(preview.graceDays), 'day')} after it is confirmed, and can be
        canceled until then.
      </Notice>
      <dl className="facts">
        {preview.records
          .filter(({ recordCount }) => recordCount > 0)
          .map(({ dataType, recordCount }) => (
            <Fact key={dataType} what={DATA_TYPES[dataType]} value={count(recordCount)} />
          ))}
        <Fact what="Rooms they were in" value={count(preview.participantCount)} />
        <Fact what="Files of recordings" value={count(preview.mediaCount)} />
        <Fact what="Mentions by others, replaced" value={`up to ${count(preview.mentionCount)}`} />
        <Fact what="Exports that lose their file" value={count(preview.exports.length)} />
      </dl>
      {taken.length > 0 && (
        <p>
          {plural(taken.length, 'download')} of these exports cannot be reached: by{' '}
          {[...new Set(taken.map(({ userId }) => userId ?? 'somebody unknown'))].join(', ')}.
        </p>
      )}
    </>
  );
}

function Fact({ what, value }: { what: string; value: string }) {
  return (
    <>
      <dt>{what}</dt>
      <dd>{value}</dd>
    </>
  );
}
