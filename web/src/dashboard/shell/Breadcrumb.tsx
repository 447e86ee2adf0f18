/** Experiments → Rooms → Participants → Data, by name. */

import { Link, useLocation } from 'wouter';
import { placePath } from '../url/place';
import { whereaboutsOf } from '../url/whereabouts';
import { usePlaceNames } from './names';

export function Breadcrumb() {
  const [path] = useLocation();
  const place = whereaboutsOf(path)?.place ?? null;
  const names = usePlaceNames(place);
  if (place === null) return null;
  const { experimentId, roomId, participantId } = place;
  const steps: [href: string, kind: string, name: string][] = [
    ['/', '', 'Experiments'],
    [placePath({ experimentId }), 'Experiment', names.experiment ?? experimentId],
  ];
  if (roomId) steps.push([placePath({ experimentId, roomId }), 'Room', roomId]);
  if (participantId) steps.push([placePath(place), 'Participant', participantId]);
  return (
    <nav className="breadcrumb" aria-label="Breadcrumb">
      <ol>
        {steps.map(([href, kind, name], index) => (
          <li key={href}>
            <Link
              href={href}
              title={kind && `${kind} ${name}`}
              aria-current={index === steps.length - 1 ? 'location' : undefined}
            >
              {name}
            </Link>
          </li>
        ))}
      </ol>
    </nav>
  );
}
