// SPDX-License-Identifier: GPL-3.0-or-later
// Renaming as <stdio.h> has it only with _GNU_SOURCE.
#pragma once

// Each of two names of one file system stands for what the other stood for, at one stroke (renameat2(2),
// RENAME_EXCHANGE). Returns 0 or -errno.
int linux_exchange(const char *first, const char *second);
