// SPDX-License-Identifier: MIT
// Sink 'console': rows on stdout, for looking at.
#ifndef FIRESTEEL_CONSOLE_H
#define FIRESTEEL_CONSOLE_H

#include "connectors/sink.h"

extern const struct sink_type console_sink_type;

#endif
