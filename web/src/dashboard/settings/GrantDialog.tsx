/** Sharing an experiment with an account or a group, or changing what is shared. */

import { useState } from 'react';
import { useQuery } from 'urql';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { graphql } from '../api/graphql';
import { TypeChoices } from '../exports/TypeChoices';
import { ALL_TYPES, type Anonymization, type DataType } from '../exports/wording';
import { Button, Dialog, Field, ProblemNotice, toast } from '../ui';
import type { Grant } from './Sharing';

const CollaboratorGrant = graphql(`
  mutation CollaboratorGrant(
    $experimentId: String!
    $input: CollaboratorInput!
  ) {
    collaboratorGrant(experimentId: $experimentId, input: $input) {
      collaborator {
        id
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`);
const GroupsQuery = graphql(`
  query Groups {
    userGroups(first: 200) {
      nodes {
        groupId
        name
      }
    }
  }
`);

const LEVELS: [level: Anonymization, name: string][] = [
  ['REMOVE_IDENTIFIERS', 'Under codes: not who participants are'],
  ['KEEP', 'All of it, who participants are included'],
  ['AGGREGATE_ONLY', 'Statistics alone'],
];

interface GrantDialogProps {
  experimentId: string;
  /** What is shared now; null for somebody new. */
  grant: Grant | null;
  onClose: () => void;
  onGranted: () => void;
}

export function GrantDialog({ experimentId, grant, onClose, onGranted }: GrantDialogProps) {
  const { client } = useApi();
  const [{ data: groups }] = useQuery({ query: GroupsQuery });
  const [userId, setUserId] = useState(grant?.user?.userId ?? '');
  const [groupId, setGroupId] = useState(grant?.group?.groupId ?? '');
  const [canExport, setCanExport] = useState(grant?.canExport ?? false);
  const [level, setLevel] = useState<Anonymization>(grant?.anonymization ?? 'REMOVE_IDENTIFIERS');
  const [types, setTypes] = useState<DataType[]>([...(grant?.dataTypes ?? ALL_TYPES)]);
  const [until, setUntil] = useState(grant?.expiresAt?.slice(0, 10) ?? '');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);

  const share = async () => {
    setBusy(true);
    const { problem } = await change(client, CollaboratorGrant, {
      experimentId,
      input: {
        ...(groupId === '' ? { userId: userId.trim() } : { groupId }),
        canExport,
        anonymization: level,
        dataTypes: types.length === ALL_TYPES.length ? null : types,
        expiresAt: until === '' ? null : new Date(`${until}T23:59:59`).toISOString(),
      },
    });
    setBusy(false);
    setRefusal(problem);
    if (problem) return;
    toast(grant ? 'Changed.' : 'Shared.');
    onGranted();
    onClose();
  };

  return (
    <Dialog
      title={grant ? 'Change what is shared' : 'Share this experiment'}
      open
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            kind="primary"
            busy={busy}
            disabled={types.length === 0 || (userId.trim() === '' && groupId === '')}
            onClick={share}
          >
            {grant ? 'Change' : 'Share'}
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void share();
        }}
      >
        {refusal && refusal.field !== 'userId' && <ProblemNotice problem={refusal} />}
        {grant ? (
          <p>
            With <strong>{grant.user?.name ?? grant.group?.name}</strong>.
          </p>
        ) : (
          <div className="field-pair">
            <Field
              label="Account"
              hint="A researcher's, by its id: usr_…"
              error={refusal?.field === 'userId' ? refusal.what : undefined}
            >
              {(control) => (
                <input
                  {...control}
                  value={userId}
                  disabled={groupId !== ''}
                  autoComplete="off"
                  onChange={(event) => setUserId(event.target.value)}
                />
              )}
            </Field>
            <Field label="or group">
              {(control) => (
                <select
                  {...control}
                  value={groupId}
                  onChange={(event) => setGroupId(event.target.value)}
                >
                  <option value="">No group</option>
                  {groups?.userGroups.nodes.map((group) => (
                    <option key={group.groupId} value={group.groupId}>
                      {group.name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          </div>
        )}
        <Field label="What they see of participants">
          {(control) => (
            <select
              {...control}
              value={level}
              onChange={(event) => setLevel(event.target.value as Anonymization)}
            >
              {LEVELS.map(([id, name]) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <label className="choice">
          <input
            type="checkbox"
            checked={canExport}
            onChange={(event) => setCanExport(event.target.checked)}
          />
          <span>They may take the data away in files</span>
        </label>
        <fieldset className="choice-group">
          <legend>Data types</legend>
          <TypeChoices chosen={types} onChoose={setTypes} />
        </fieldset>
        <Field
          label="Until"
          hint="The end of that day, by your clock; empty: until you take it back."
        >
          {(control) => (
            <input
              {...control}
              type="date"
              value={until}
              onChange={(event) => setUntil(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
