/** The query of what is on screen, and scripts that read all of it. */

import { useId, useMemo, useState } from 'react';
import { Link } from 'wouter';
import { filterOnScreen, selectionOf } from '../exports/recipe';
import { saveText } from '../exports/saving';
import type { Shown } from '../shown';
import { Button, Dialog, toast } from '../ui';
import { exportCommand, type Language, snippetsOf } from './snippets';
import { walkOf } from './walk';
import '../ui/page.css';
import './code.css';

export default function CodeDialog({ shown, onClose }: { shown: Shown; onClose: () => void }) {
  const [language, setLanguage] = useState<Language>('python');
  const id = useId();
  const snippets = useMemo(() => allOf(shown, location.origin), [shown]);
  const snippet = snippets.find((each) => each.language === language) ?? snippets[0];
  if (snippet === undefined) return null;

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(snippet.text);
      toast('Copied.');
    } catch {
      toast('The browser did not let this page copy: select the text instead.', 'error');
    }
  };
  return (
    <Dialog
      title="Use this in code"
      open
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={() => saveText(snippet.text, snippet.fileName)}>
            Save as {snippet.fileName}
          </Button>
          <Button kind="primary" onClick={copy}>
            Copy
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          Reads what is on screen, filters and order included, page after page to the end. It needs
          a key: make one under{' '}
          <Link href="/settings/keys" onClick={onClose}>
            API keys
          </Link>
          , and put it into the environment, not into the script.
        </p>
        <div className="code-tabs" role="tablist" aria-label="Language">
          {snippets.map((each) => (
            <button
              key={each.language}
              type="button"
              role="tab"
              id={`${id}-${each.language}`}
              aria-selected={each === snippet}
              aria-controls={`${id}-code`}
              tabIndex={each === snippet ? 0 : -1}
              className="code-tab"
              onClick={() => setLanguage(each.language)}
              onKeyDown={(event) => {
                const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
                if (step === undefined) return;
                const at = snippets.indexOf(snippet) + step + snippets.length;
                const next = snippets[at % snippets.length];
                if (next === undefined) return;
                setLanguage(next.language);
                document.getElementById(`${id}-${next.language}`)?.focus();
              }}
            >
              {each.title}
            </button>
          ))}
        </div>
        <div
          role="tabpanel"
          id={`${id}-code`}
          aria-labelledby={`${id}-${snippet.language}`}
          className="stack"
        >
          <p className="muted">{snippet.needs}</p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <pre className="code-block" tabIndex={0}>
            <code>{snippet.text}</code>
          </pre>
        </div>
      </div>
    </Dialog>
  );
}

function allOf(shown: Shown, origin: string) {
  const snippets = snippetsOf(walkOf(shown.query), origin);
  const selection = selectionOf(shown.place);
  const command =
    selection &&
    exportCommand(
      { ...selection, dataTypes: shown.dataTypes, filter: filterOnScreen(shown) },
      origin,
    );
  return command ? [...snippets, command] : snippets;
}
