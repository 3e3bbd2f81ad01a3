// SPDX-License-Identifier: MIT
// Connector 'kafka' as a sink: topics written in transactions.
#ifndef FIRESTEEL_KAFKA_SINK_H
#define FIRESTEEL_KAFKA_SINK_H

#include "connectors/sink.h"

extern const struct sink_type kafka_sink_type;

#endif
