// SPDX-License-Identifier: MIT
// Connector 'kafka': topics of a Kafka cluster as a source.
#ifndef FIRESTEEL_KAFKA_H
#define FIRESTEEL_KAFKA_H

#include "connectors/source.h"

extern const struct source_type kafka_source_type;

#endif
