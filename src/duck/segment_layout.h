// SPDX-License-Identifier: MIT
// Constants that the writer and the reader of segments share (layout: segment.h).
#ifndef FIRESTEEL_SEGMENT_LAYOUT_H
#define FIRESTEEL_SEGMENT_LAYOUT_H

#include "duck/segment.h"

#define SEGMENT_MAGIC UINT32_C(0x47455346) // "FSEG"
#define SEGMENT_VERSION 1
#define SEGMENT_ALIGNMENT 16 // the widest cell: HUGEINT, UUID
#define SEGMENT_HEAD_BYTES 20

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "cells are stored as the machine has them");

#endif
