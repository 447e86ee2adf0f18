/** Getting a finished export's file onto this computer. */

import type { Client } from 'urql';
import { type Problem, problemOf } from '../api/problems';
import { DownloadLink } from './documents';

/** Downloads the file by a fresh link; returns what is wrong, or null. */
export async function saveExport(client: Client, id: string): Promise<Problem | null> {
  const { data, error } = await client
    .query(DownloadLink, { id }, { requestPolicy: 'network-only' })
    .toPromise();
  const problem = problemOf(error);
  if (problem) return problem;
  const found = data?.export;
  if (!found?.downloadUrl)
    return {
      title: 'The file is not there any more',
      what: 'Files are deleted when their time is over. Make it again with the same recipe.',
      canRetry: false,
      code: 'EXPIRED',
    };
  followLink(found.downloadUrl, found.fileName ?? '');
  return null;
}

/** The browser downloads it as any file, with its own progress, and this page stays. */
function followLink(url: string, fileName: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Saves a text that this page made, such as a `.env` file. */
export function saveText(text: string, fileName: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  followLink(url, fileName);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
