/** Addresses and their pages. */
import { createRootRoute, createRoute, createRouter, Outlet } from '@tanstack/react-router';
import { Gate } from './components/gate.tsx';
import { Shell } from './components/shell.tsx';
import { ProblemNote } from './components/state.tsx';
import { FindingsPage } from './pages/findings.tsx';
import { IncidentPage } from './pages/incident.tsx';
import { IncidentsPage } from './pages/incidents.tsx';
import { JoinPage } from './pages/join.tsx';
import { KeysPage } from './pages/keys.tsx';
import { LedgerPage } from './pages/ledger.tsx';
import { ModelsPage } from './pages/models.tsx';
import { PeoplePage } from './pages/people.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { VersionPage } from './pages/version.tsx';

const rootRoute = createRootRoute({
  component: Outlet,
  notFoundComponent: () => (
    <Gate title="There is nothing here">
      <p>
        <a href="/">Go to the models</a>
      </p>
    </Gate>
  ),
  errorComponent: ({ error }) => (
    <Gate title="This page broke">
      <ProblemNote error={error} />
      <p>
        <a href="/">Go to the models</a>
      </p>
    </Gate>
  ),
});
const insideRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'inside',
  component: Shell,
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  // Where the person wanted to go; anything else in the address is dropped.
  validateSearch: ({ to }): { to?: string } => (typeof to === 'string' ? { to } : {}),
  component: SignInPage,
});
const joinRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/join',
  component: JoinPage,
});
const modelsRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/',
  component: ModelsPage,
});
const versionRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/versions/$id',
  component: () => <VersionPage id={versionRoute.useParams().id} />,
});
const findingsRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/findings',
  component: FindingsPage,
});
const incidentsRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/incidents',
  component: IncidentsPage,
});
const incidentRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/incidents/$id',
  component: () => <IncidentPage id={incidentRoute.useParams().id} />,
});
const keysRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/keys',
  component: KeysPage,
});
const peopleRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/people',
  component: PeoplePage,
});
const ledgerRoute = createRoute({
  getParentRoute: () => insideRoute,
  path: '/ledger',
  component: LedgerPage,
});

/** The router of the console. */
export const router = createRouter({
  routeTree: rootRoute.addChildren([
    signInRoute,
    joinRoute,
    insideRoute.addChildren([
      modelsRoute,
      versionRoute,
      findingsRoute,
      incidentsRoute,
      incidentRoute,
      keysRoute,
      peopleRoute,
      ledgerRoute,
    ]),
  ]),
});

declare module '@tanstack/react-router' {
  /** Makes links know the routes. */
  interface Register {
    router: typeof router;
  }
}
