/**
 * uPlot formats numbers in the browser's language as soon as it is loaded, and fails where the
 * system names one that is none (`en-US@posix`, of Chromium under LANG=C).
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
