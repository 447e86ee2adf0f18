/** What participants have a right to: their own data, withdrawal, erasure. */

import { DataRequests } from './DataRequests';
import { Erasures } from './Erasures';
import { Withdrawals } from './Withdrawals';

export default function Requests({ experimentId }: { experimentId: string }) {
  return (
    <div className="stack">
      <DataRequests experimentId={experimentId} />
      <Withdrawals experimentId={experimentId} />
      <Erasures experimentId={experimentId} />
    </div>
  );
}
