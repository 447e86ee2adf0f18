/** A stand-in. */
import type { Place } from '../url/place';

/** What to download: a place, or rows chosen in a table of one level. */
export interface DownloadProps {
  place: Place | null;
  selection?: {
    experimentIds?: string[];
    roomIds?: string[];
    participants?: { roomId: string; participantId: string }[];
  };
}

export default function DownloadButton(_: DownloadProps) {
  return null;
}
