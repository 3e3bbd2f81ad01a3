// SPDX-License-Identifier: MIT
// Profile `clinical`: records of patients in four topics.
#ifndef FIRESTEEL_CLINICAL_H
#define FIRESTEEL_CLINICAL_H

#include "connectors/generator/profile.h"

extern const struct profile clinical_profile;

#endif
