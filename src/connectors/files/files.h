// SPDX-License-Identifier: MIT
// Connector 'files': folders of files as a source (a log per file) and as a sink (whole files,
// visible only when complete).
#ifndef FIRESTEEL_FILES_H
#define FIRESTEEL_FILES_H

#include "connectors/sink.h"
#include "connectors/source.h"

extern const struct source_type files_source_type;
extern const struct sink_type files_sink_type;

#endif
