// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "constants.h"
#include <fcntl.h>

const int linux_o_direct = O_DIRECT;
