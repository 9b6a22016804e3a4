import { readFileSync } from 'node:fs';

/** How a page is shown. */
export interface KnownPage {
  readonly name: string;
  /** What is loaded: the page, or a dashboard's page with the widget in it. */
  readonly html: string;
  readonly width: number;
  /** Whether it is a document of its own, and no widget. */
  readonly isAlone: boolean;
}

/** The pages of the known fleet, as `lambdas/fleet-report/tests/known_fleet.rs` has them. */
export const knownPages: readonly KnownPage[] = [
  { name: 'fleet', html: snapshot('fleet'), width: 1200, isAlone: true },
  { name: 'server', html: snapshot('server'), width: 1200, isAlone: true },
  { name: 'widget', html: dashboard(snapshot('widget'), 560), width: 560, isAlone: false },
  { name: 'explanation', html: dashboard(snapshot('explanation'), 900), width: 900, isAlone: false },
];

function snapshot(name: string): string {
  const file = new URL(`../../lambdas/fleet-report/tests/snapshots/known_fleet__${name}.snap`, import.meta.url);
  const [, , ...content] = readFileSync(file, 'utf8').split('---\n');
  return content.join('---\n');
}

/** A page as wide as the widget, which CloudWatch gives a ground of its own. */
function dashboard(widget: string, width: number): string {
  return `<!doctype html><html lang="en"><head><title>Dashboard</title></head>
<body style="margin: 0; width: ${width}px"><main>${widget}</main></body></html>`;
}
