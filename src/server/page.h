// SPDX-License-Identifier: MIT
// The status page: how the stream is, for a person with a browser.
#ifndef FIRESTEEL_PAGE_H
#define FIRESTEEL_PAGE_H

#include "engine/job.h"

void page_print(struct job *job, const struct plan *plan, struct buf *out);
extern const char page_script[]; // served beside it: scripts within the page are forbidden

#endif
