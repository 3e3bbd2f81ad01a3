// SPDX-License-Identifier: MIT
// The list of connectors. A new one is a folder with a header that declares its type, and a line in
// the array here; everything else (options, documentation, error messages) hangs off the type.
#include "connectors/registry.h"
#include "connectors/console/console.h"
#include "connectors/files/files.h"
#include "connectors/generator/generator.h"
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/kafka_sink.h"
#include "connectors/postgres/postgres.h"
#include "connectors/table/memory.h"

const struct source_type *const source_types[] = {
    &files_source_type,  &generator_source_type, &kafka_source_type,
    &memory_source_type, &postgres_source_type,
};
const size_t source_types_len = COUNT_OF(source_types);

const struct sink_type *const sink_types[] = {
    &console_sink_type, &files_sink_type, &kafka_sink_type, &memory_sink_type, &postgres_sink_type,
};
const size_t sink_types_len = COUNT_OF(sink_types);

const struct source_type *source_type_find(struct str name)
{
    for (size_t i = 0; i < source_types_len; i++) {
        if (str_is(name, source_types[i]->name))
            return source_types[i];
    }
    return NULL;
}

const struct sink_type *sink_type_find(struct str name)
{
    for (size_t i = 0; i < sink_types_len; i++) {
        if (str_is(name, sink_types[i]->name))
            return sink_types[i];
    }
    return NULL;
}
