// The dev stack on a local AWS, from deploy to destroy. One file, because the order matters: all share one deployment.
import { account } from './account.ts';
import { calculation } from './calculation.ts';
import { eventBuses } from './event-buses.ts';
import { failures } from './failures.ts';
import { fleetReport } from './fleet-report.ts';
import { history } from './history.ts';
import { leastPrivilege } from './least-privilege.ts';
import { lifecycle } from './lifecycle.ts';
import { monthsHandedOver } from './months-handed-over.ts';
import { observation } from './observation.ts';
import { scopes } from './scopes.ts';
import { schedule } from './schedule.ts';
import { stateChanges } from './state-changes.ts';

account();
calculation();
observation();
history();
fleetReport();
monthsHandedOver();
failures();
schedule();
stateChanges();
leastPrivilege();
eventBuses();
scopes();
lifecycle();
