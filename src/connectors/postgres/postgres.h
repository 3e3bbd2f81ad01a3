// SPDX-License-Identifier: MIT
// Connector 'postgres': rows into and out of PostgreSQL. The sink is exactly once: rows and
// progress are one transaction (progress_row.h). The only folder that includes libpq-fe.h.
#ifndef FIRESTEEL_POSTGRES_H
#define FIRESTEEL_POSTGRES_H

#include "connectors/sink.h"
#include "connectors/source.h"

extern const struct sink_type postgres_sink_type;
extern const struct source_type postgres_source_type;

#endif
