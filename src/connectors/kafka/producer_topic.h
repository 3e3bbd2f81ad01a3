// SPDX-License-Identifier: MIT
// A topic that must be there: made when it is not, and counted. Includes the client's header, so it
// is for this folder only.
#ifndef FIRESTEEL_PRODUCER_TOPIC_H
#define FIRESTEEL_PRODUCER_TOPIC_H

#include "connectors/kafka/client.h"

// *found: partitions that the topic has, whoever made it.
MUST_USE bool producer_topic_make(struct kafka_client *client, const char *topic,
                                  int64_t partitions, int32_t *found, struct error *err);

#endif
