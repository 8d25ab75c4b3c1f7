// SPDX-License-Identifier: GPL-3.0-or-later
// Constants that <fcntl.h> shows only with _GNU_SOURCE, which no header that Swift imports may define.
#pragma once
extern const int linux_o_direct;
