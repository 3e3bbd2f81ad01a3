// SPDX-License-Identifier: MIT
// What file.c and folder.c report to the simulated power loss (powerloss.c) while it is on. Each
// call does nothing when it is off. Tests use file_track_unsynced and file_drop_unsynced of file.h.
#ifndef FIRESTEEL_POWERLOSS_H
#define FIRESTEEL_POWERLOSS_H

#include "base/base.h"

void powerloss_before_open(const char *path); // a file is about to be created, cut or written
void powerloss_after_create(const char *path);
void powerloss_after_truncate(const char *path, int64_t size);
void powerloss_after_sync(const char *path);
void powerloss_before_rename(const char *from, const char *to);
void powerloss_after_rename(const char *from, const char *to);
void powerloss_before_remove(const char *path);
void powerloss_after_remove(const char *path);
void powerloss_after_sync_folder(const char *path);
void powerloss_after_remove_tree(const char *path); // durable: its parent folder was synced

#endif
