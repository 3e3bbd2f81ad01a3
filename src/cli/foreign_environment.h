// SPDX-License-Identifier: MIT
// Variables of the system that Firesteel replaces. They are accepted, so that an environment can be
// taken over unchanged; that they do nothing here is said once, at INFO.
#ifndef FIRESTEEL_FOREIGN_ENVIRONMENT_H
#define FIRESTEEL_FOREIGN_ENVIRONMENT_H

void foreign_environment_tell(void);

#endif
